import { expect, test } from 'vitest';
import type { ChatRequest } from '../../src/endpoint/types.js';
import { connect, REQUEST } from '../helpers/chat-client.js';
import type { Asked } from '../helpers/endpoint-server.js';

const WITH: ChatRequest = { ...REQUEST, temperature: 0 };

/** A server that refuses a temperature as long as told. */
async function fickle() {
  const does = { refuse: true };
  const { client, endpoint, warnings } = await connect({
    script: ({ body }: Asked) =>
      does.refuse && 'temperature' in body
        ? ({ response }) =>
            response
              .writeHead(400)
              .end(JSON.stringify({ error: { message: 'no', param: 'temperature', code: 'unsupported_value' } }))
        : undefined,
    say: () => ({ text: '3' }),
  });
  const times = async (n: number) => {
    for (let i = 0; i < n; i++) await client.send(WITH);
  };
  const tried = () => endpoint.requests.filter(({ body }) => 'temperature' in body).length;
  return { does, client, endpoint, warnings, times, tried };
}

test('a feature that was given up is tried after 50 replies, then after twice as many', async () => {
  const { times, tried, warnings } = await fickle();
  await times(1);
  expect(tried()).toBe(1);
  await times(49);
  expect(tried()).toBe(1);
  await times(2);
  expect(tried()).toBe(2);
  await times(98);
  expect(tried()).toBe(2);
  await times(2);
  expect(tried()).toBe(3);
  expect(warnings).toHaveLength(1);
});

test('it is used again where it is taken, which is told once, and given up again with a longer pause', async () => {
  const { does, client, times, tried, warnings } = await fickle();
  await times(51);
  does.refuse = false;
  expect(await client.send(WITH)).toEqual({
    reply: { text: '3', finish: 'stop', usage: { promptTokens: 100, replyTokens: 5 } },
  });
  await times(10);
  expect(tried()).toBe(12);
  expect(warnings).toEqual([
    'the endpoint refuses this temperature; its own is used',
    'the endpoint takes a temperature again',
  ]);
  does.refuse = true;
  await times(100);
  expect(warnings).toHaveLength(3);
  expect(tried()).toBe(13);
  await times(2);
  expect(tried()).toBe(14);
});

test('one request tries it, however many are in flight, and a refusal costs it no reply', async () => {
  const { client, times, tried } = await fickle();
  await times(51);
  const attempts = await Promise.all(Array.from({ length: 8 }, () => client.send(WITH)));
  expect(tried()).toBe(2);
  for (const attempt of attempts) expect(attempt).toMatchObject({ reply: { text: '3', without: ['temperature'] } });
});

test.each([
  ['in words', { message: 'temperature is not supported by this model' }],
  ['without a word of it', { message: 'Bad request' }],
])('a server that takes it at first and then refuses it %s is looked into after five refusals', async (_, error) => {
  const { client } = await connect({
    script: ({ n, body }: Asked) =>
      n >= 10 && 'temperature' in body
        ? ({ response }) => response.writeHead(400).end(JSON.stringify({ error }))
        : undefined,
    say: () => ({ text: '3' }),
  });
  const attempts = [];
  for (let i = 0; i < 30; i++) attempts.push(await client.send(WITH));
  expect(attempts.map((attempt) => 'reply' in attempt && (attempt.reply.without ?? []))).toEqual([
    ...Array(10).fill([]),
    ...Array(5).fill(false),
    ...Array(15).fill(['temperature']),
  ]);
});
