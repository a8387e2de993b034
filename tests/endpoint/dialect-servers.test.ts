import { expect, test } from 'vitest';
import type { ChatRequest } from '../../src/endpoint/types.js';
import { connect, KEY } from '../helpers/chat-client.js';
import { SERVERS } from '../helpers/endpoint-dialects.js';
import { behaviourOf } from '../helpers/endpoint-refusals.js';

/** A request with all that there is. */
const rich = (item: number): ChatRequest => ({
  messages: [
    { role: 'system', content: 'You judge.' },
    { role: 'user', content: `item-${item}: how hard is it?` },
  ],
  maxTokens: 8,
  temperature: 0,
  seed: 1,
  topLogprobs: 20,
  schema: { name: 'rating', schema: { type: 'object', properties: { score: { type: 'number' } } } },
});

test.each(Object.keys(SERVERS))('%s: every request is answered, with all that the server takes', async (name) => {
  const dialect = SERVERS[name]!;
  const { without = [], limit = 'max_tokens', most = 20, stream, key } = dialect;
  const { client, endpoint } = await connect({ script: behaviourOf(dialect), say: () => ({ text: '3' }) });
  const first = await Promise.all(Array.from({ length: 8 }, (_, i) => client.send(rich(i))));
  // A server's trouble is no reason to leave something out as long as it may pass: then the question is asked again.
  const attempts = await Promise.all(
    first.map((one, i) => ('next' in one && one.next === 'retry' ? client.send(rich(i)) : one)),
  );
  const before = endpoint.requests.length;
  attempts.push(await client.send(rich(8)));
  for (const attempt of attempts)
    expect(attempt).toMatchObject({ reply: { text: '3', ...(without.length > 0 && { without }) } });
  if (without.length === 0) expect(attempts.some((one) => 'reply' in one && 'without' in one.reply)).toBe(false);
  const { body, headers } = endpoint.requests.at(-1)!;
  expect(endpoint.requests.length).toBe(before + 1);
  // Eight, the same eight again, and what it took to find out.
  expect(before).toBeLessThanOrEqual(8 + 8 + 14);
  const isMissing = (feature: string) => (without as readonly string[]).includes(feature);
  expect(body).toEqual({
    model: 'judge',
    messages: isMissing('systemTurn')
      ? [{ role: 'user', content: 'You judge.\n\nitem-8: how hard is it?' }]
      : rich(8).messages,
    [limit]: 8,
    ...(!isMissing('temperature') && { temperature: 0 }),
    ...(!isMissing('seed') && { seed: 1 }),
    ...(!isMissing('logprobs') && { logprobs: true, top_logprobs: most }),
    ...(!isMissing('schema') && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'rating', schema: rich(0).schema!.schema, strict: true },
      },
    }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
  });
  if (key === 'api-key') expect(headers).toMatchObject({ 'api-key': KEY });
  else expect(headers.authorization).toBe(`Bearer ${KEY}`);
  expect(key === 'api-key' ? headers.authorization : headers['api-key']).toBeUndefined();
  for (const asked of endpoint.requests)
    expect(asked.body.max_tokens ?? asked.body.max_completion_tokens, 'never without a limit').toBe(8);
});
