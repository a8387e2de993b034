import { expect, test } from 'vitest';
import type { FollowUp } from '../../src/endpoint/answers/request-outcome.js';
import { connect, KEY, REQUEST, says } from '../helpers/chat-client.js';
import { FAULTS, type Fault } from '../helpers/endpoint-faults.js';
import type { EndpointSettings } from '../helpers/endpoint-server.js';

const rateLimit = (afterMs?: number) => ({
  failure: { kind: 'rate-limit', status: 429, message: '429: Rate limit reached' },
  next: 'wait',
  ...(afterMs !== undefined && { afterMs }),
});
const server = (status: number, message: string) => ({
  failure: { kind: 'server', status, message },
  next: 'retry',
});
const noReply = (message: string | RegExp, next: FollowUp = 'retry', counted = false) => ({
  failure: { kind: 'no-reply', message: typeof message === 'string' ? message : expect.stringMatching(message) },
  next,
  worked: true,
  ...(counted && { usage: USAGE }),
});
/** What the server counts. */
const USAGE = { promptTokens: 100, replyTokens: 5 };

/** What is made of every way to misbehave. */
const OUTCOMES: Record<Exclude<Fault, 'hang' | 'hang in the body' | '429 retry-after date'>, unknown> = {
  '429': rateLimit(),
  '429 retry-after': rateLimit(2000),
  '429 retry-after-ms': rateLimit(1500),
  '429 for a moment': rateLimit(20),
  '429 retry-after nonsense': rateLimit(),
  '429 retry-after a day': {
    failure: { kind: 'quota', status: 429, message: '429: Rate limit reached' },
    next: 'stop',
    afterMs: 86_400_000,
  },
  '429 quota': {
    failure: { kind: 'quota', status: 429, message: '429: You exceeded your current quota' },
    next: 'stop',
  },
  '402': {
    failure: { kind: 'quota', status: 402, message: '402: Insufficient Balance' },
    next: 'stop',
  },
  '500': server(500, '500: The server had an error'),
  '503': server(503, '503: Overloaded'),
  '503 retry-after': { ...server(503, '503: Overloaded'), afterMs: 3000 },
  '502 html': server(502, '502: an HTML page ("Welcome")'),
  '500 no body': server(500, '500'),
  '408': server(408, '408: Request timed out'),
  '401': {
    failure: { kind: 'refused-key', status: 401, message: '401: Incorrect API key provided' },
    next: 'stop',
  },
  '403': {
    failure: { kind: 'refused-key', status: 403, message: '403: Country, region, or territory not supported' },
    next: 'stop',
  },
  '403 moderation': {
    failure: { kind: 'content-filter', status: 403, message: '403: Input was flagged' },
    next: 'skip',
  },
  '403 html': {
    failure: { kind: 'refused-request', status: 403, message: '403: an HTML page ("Welcome")' },
    next: 'refused',
  },
  '404 model': {
    failure: { kind: 'refused-request', status: 404, message: '404: The model `judge` does not exist' },
    next: 'stop',
  },
  '400': {
    failure: { kind: 'too-long', status: 400, message: '400: This model has a maximum context length of 8192 tokens' },
    next: 'skip',
  },
  '400 content filter': {
    failure: { kind: 'content-filter', status: 400, message: '400: The prompt triggered the content policy' },
    next: 'skip',
  },
  reset: {
    failure: { kind: 'network', message: expect.stringMatching(/^no connection, or it broke \(/) },
    next: 'retry',
    worked: true,
  },
  'half a body': {
    failure: { kind: 'network', message: expect.stringMatching(/^no connection, or it broke \(/) },
    next: 'retry',
    worked: true,
  },
  'half the JSON': noReply(/^a body that is not whole JSON: \{"id"/),
  html: noReply('an HTML page ("Welcome") instead of a reply'),
  'wrong type': says('3'),
  'no body': noReply('an empty body'),
  '204': noReply('an empty body'),
  'a list': noReply('not in the form that the API defines: []'),
  'empty choices': noReply('no choices in the reply', 'retry', true),
  'no choices': noReply('no choices in the reply', 'retry', true),
  'error as 200': server(502, '502: Provider returned error'),
  'empty text': noReply('an empty reply', 'retry', true),
  'null content': noReply('an empty reply', 'retry', true),
  'content in parts': says('3'),
  'content filter': {
    failure: { kind: 'content-filter', message: 'stopped by a content filter (content_filter)' },
    next: 'skip',
    worked: true,
    usage: USAGE,
  },
  refusal: {
    failure: { kind: 'content-filter', message: "the model declines: I'm sorry, I can't assist with that." },
    next: 'skip',
    worked: true,
    usage: USAGE,
  },
  'refusal text': says("I'm sorry, but I can't help with that."),
  'thoughts apart': says('3'),
  'thoughts only': noReply('nothing but thoughts, up to the limit of tokens; raise `maxTokens`', 'skip', true),
  'cut off': says('3', { finish: 'length' }),
  stream: says('3'),
  'stream cut off': noReply('a stream that ends before the reply does'),
  'no usage': { reply: { text: '3', finish: 'stop' } },
};

test.each(Object.keys(OUTCOMES) as (keyof typeof OUTCOMES)[])('told for what it is: %s', async (fault) => {
  const { client } = await connect({ script: () => fault, say: () => ({ text: '3' }) });
  const attempt = await client.send(REQUEST);
  expect(attempt).toEqual(OUTCOMES[fault]);
});

test('every way to misbehave that the server has is asked for here', () => {
  const elsewhere = ['hang', 'hang in the body', '429 retry-after date'];
  expect([...Object.keys(OUTCOMES), ...elsewhere].sort()).toEqual(Object.keys(FAULTS).sort());
});

test.each(['hang', 'hang in the body'] as const)('a server that stays silent is given up: %s', async (fault) => {
  const { client } = await connect({ script: () => fault }, { timeoutMs: 60 });
  expect(await client.send(REQUEST)).toEqual({
    failure: { kind: 'timeout', message: 'no whole reply in 0.06 s' },
    next: 'retry',
    worked: true,
  });
});

test('a date in Retry-After is counted from now', async () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const headers = { 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' };
  const limited: EndpointSettings = {
    script:
      () =>
      ({ response }) => {
        // The server's own clock would be taken.
        response.sendDate = false;
        response.writeHead(429, headers).end('slow down');
      },
  };
  const { client } = await connect(limited, { now: () => now });
  expect(await client.send(REQUEST)).toMatchObject({ afterMs: 7000 });
  const past = await connect(limited, { now: () => now + 60_000 });
  expect(await past.client.send(REQUEST)).toMatchObject({ afterMs: 0 });
});

test('nobody listens there', async () => {
  const { client, endpoint } = await connect({});
  await endpoint.close();
  expect(await client.send(REQUEST)).toEqual({
    failure: { kind: 'network', message: 'no connection (ECONNREFUSED)' },
    next: 'retry',
    worked: false,
  });
});

test('a redirect is not followed, since the key would go along, and told with its address', async () => {
  const { client } = await connect({
    script:
      () =>
      ({ response }) =>
        response.writeHead(308, { location: 'https://elsewhere.example/v1' }).end(),
  });
  expect(await client.send(REQUEST)).toMatchObject({
    next: 'stop',
    failure: { message: '308; it redirects to https://elsewhere.example/v1' },
  });
});

test('a body without an end is not read to the end of memory', async () => {
  const part = 'x'.repeat(1 << 20);
  const { client } = await connect({
    script:
      () =>
      ({ response }) => {
        const more = () => {
          while (!response.destroyed && response.write(part));
        };
        response.on('drain', more);
        more();
      },
  });
  expect(await client.send(REQUEST)).toMatchObject({
    failure: { kind: 'network', message: expect.stringContaining('16777216 bytes') },
  });
});

test('an aborted signal ends a request at once', async () => {
  const controller = new AbortController();
  const script = (): Fault => {
    controller.abort(new Error('enough'));
    return 'hang';
  };
  const { client } = await connect({ script });
  await expect(client.send(REQUEST, controller.signal)).rejects.toThrow('enough');
  await expect(client.send(REQUEST, controller.signal)).rejects.toThrow('enough');
});

test('the request says what was asked, and nothing more', async () => {
  const { client, endpoint } = await connect({});
  await client.send(REQUEST);
  await client.send({
    ...REQUEST,
    temperature: 0,
    seed: 7,
    topLogprobs: 5,
    schema: { name: 'rating', schema: { type: 'object' } },
  });
  const [plain, full] = endpoint.requests;
  expect(plain!.path).toBe('/v1/chat/completions');
  expect(plain!.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(plain!.body).toEqual({ model: 'judge', messages: REQUEST.messages, max_tokens: 8 });
  expect(full!.body).toEqual({
    model: 'judge',
    messages: REQUEST.messages,
    max_tokens: 8,
    temperature: 0,
    seed: 7,
    logprobs: true,
    top_logprobs: 5,
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'rating', schema: { type: 'object' }, strict: true },
    },
  });
});

test('without a key none is sent', async () => {
  const { client, endpoint } = await connect({}, { key: '' });
  await client.send(REQUEST);
  expect(endpoint.requests[0]!.headers.authorization).toBeUndefined();
});

test('log-probabilities come through, those of a stream too', async () => {
  const token = {
    token: '4',
    logprob: -0.5,
    top_logprobs: [
      { token: '4', logprob: -0.5 },
      { token: '3', logprob: -1 },
    ],
  };
  const expected = {
    token: '4',
    logprob: -0.5,
    top: [
      { token: '4', logprob: -0.5 },
      { token: '3', logprob: -1 },
    ],
  };
  const { client } = await connect({
    script: ({ n }) =>
      n === 0
        ? { text: '4', logprobs: { content: [token] } }
        : ({ response }) => {
            const choice = { index: 0, delta: { content: '4' }, logprobs: { content: [token] }, finish_reason: 'stop' };
            response.end(`data: ${JSON.stringify({ choices: [choice] })}\n\ndata: [DONE]\n\n`);
          },
  });
  expect(await client.send(REQUEST)).toMatchObject({ reply: { text: '4', logprobs: [expected] } });
  expect(await client.send(REQUEST)).toEqual({ reply: { text: '4', finish: 'stop', logprobs: [expected] } });
});

test('a server that tells the key back does not get it into a message or a reply', async () => {
  const { client } = await connect({
    script: ({ n, headers }) =>
      n === 0
        ? { text: `you sent ${headers.authorization}` }
        : ({ response }) => response.writeHead(401).end(`{"error":{"message":"wrong key ${KEY}"}}`),
  });
  const attempts = JSON.stringify([await client.send(REQUEST), await client.send(REQUEST)]);
  expect(attempts).toContain('you sent Bearer [hidden]');
  expect(attempts).toContain('wrong key [hidden]');
  expect(attempts).not.toContain(KEY);
});

test('a key of a letter, as local servers are given, takes no letter out of a reply', async () => {
  const { client } = await connect({ script: () => ({ text: '{"better":"A"}' }) }, { key: 'A' });
  expect(await client.send(REQUEST)).toMatchObject({ reply: { text: '{"better":"A"}' } });
});

test('thoughts in the text are left to whoever reads it', async () => {
  const text = '<think>Is it 2? No.</think>\n4';
  const { client } = await connect({ say: () => ({ text }) });
  expect(await client.send(REQUEST)).toMatchObject({ reply: { text } });
});

test('the address may have a query, which gateways want', async () => {
  const { client, endpoint } = await connect({}, { query: '?api-version=1' });
  await client.send(REQUEST);
  expect(endpoint.requests[0]!.path).toBe('/v1/chat/completions?api-version=1');
});
