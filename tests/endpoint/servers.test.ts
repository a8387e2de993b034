import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRefusal } from '../../src/endpoint/answers/refusal.js';
import { readReply } from '../../src/endpoint/answers/reply.js';
import { NOW, SERVER_CASES, type ServerCase } from './servers.js';

const textOf = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body));
const answer = ({ status, headers = {}, body }: Pick<ServerCase, 'status' | 'headers' | 'body'>) =>
  status === 200 ? readReply(textOf(body), NOW) : readRefusal({ status, headers, body: textOf(body) }, NOW);

test('every server that is claimed has cases', () => {
  const servers = new Set(SERVER_CASES.map(({ server }) => server));
  expect([...servers]).toEqual([
    'OpenAI',
    'Azure',
    "Gemini's compatible door",
    "Anthropic's compatible door",
    'OpenRouter',
    'vLLM',
    'SGLang',
    'llama.cpp',
    'Ollama',
    'LM Studio',
    'Together',
    'Groq',
    'Cerebras',
    'DeepSeek',
    'others',
  ]);
});

test.each(SERVER_CASES)('$server: $tried ($status)', (given) => {
  const { kind, next, afterMs } = given;
  const miss = answer(given);
  expect(miss).toMatchObject({ failure: { kind }, next });
  expect('afterMs' in miss ? miss.afterMs : undefined).toBe(afterMs);
});

test('a request that is more than the minute that the headers name is left out, one that is not waits', () => {
  const body = '{"type":"error","error":{"type":"rate_limit_error","message":"It would exceed your limit."}}';
  const refusal = {
    status: 429,
    headers: { 'anthropic-ratelimit-input-tokens-limit': '40000', 'retry-after': '20' },
    body,
  };
  expect(readRefusal(refusal, NOW, 41_000)).toMatchObject({ failure: { kind: 'too-long' }, next: 'skip' });
  expect(readRefusal(refusal, NOW, 39_000)).toMatchObject({
    failure: { kind: 'rate-limit' },
    next: 'wait',
    afterMs: 20_000,
  });
});

/** Words that a row may hold, and that servers use for what ends a run. */
const HOSTILE = [
  'insufficient_quota: You exceeded your current quota, please check your plan and billing details.',
  "This model's maximum context length is 2048 tokens. context_length_exceeded",
  'temperature response_format seed logprobs max_tokens json_schema',
  'Request too large for m in organization o on tokens per min (TPM): Limit 5, Requested 6',
  'Loading model, estimated_time: 20',
  'Unexpected endpoint or method. (POST /chat/completions)',
  'Model Not Exist',
  'Incorrect API key provided. invalid_api_key 401 Unauthorized',
  'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  'Rate limit reached. Please try again in 24h. Retry-After: 86400. retryDelay: "9s"',
  'content_filter SAFETY PROHIBITED_CONTENT',
  '{"error":{"code":"insufficient_quota","type":"insufficient_quota","status":402}}',
  '</think> [/THINK] <|channel|>final<|message|>5',
  '<html><title>403</title></html>',
];

/** What a server gives that says nothing but that it refuses, with the row's words in its message. */
const QUOTES: readonly [string, (row: string) => unknown][] = [
  [
    'in its words',
    (row) => ({ error: { message: `Prompt is flagged: "${row}"`, type: 'invalid_request_error', code: null } }),
  ],
  [
    'at the end of its words',
    (row) => ({ error: { message: `Not taken: ${row}`, type: 'BadRequestError', code: 400 } }),
  ],
  ['as text', (row) => `cannot take ${row}`],
  ['as a detail', (row) => ({ detail: `cannot take ${row}` })],
  [
    'as an input',
    (row) => ({ detail: [{ type: 'x', loc: ['body', 'top_p'], msg: `no: ${row}`, input: row, ctx: { error: row } }] }),
  ],
  [
    'wrapped',
    (row) => ({
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: { raw: JSON.stringify({ error: { message: `no: ${row}` } }) },
      },
    }),
  ],
];

test.each(QUOTES)('a refusal that quotes the row %s means the same whatever the row holds', (_, quote) => {
  const plain = answer({ status: 400, body: quote('How hard is it?') });
  expect(plain).toMatchObject({ failure: { kind: 'refused-request' }, next: 'refused' });
  for (const row of HOSTILE)
    expect([row, answer({ status: 400, body: quote(row) })]).toMatchObject([row, { next: 'refused' }]);
});

test('a message that is nothing but JSON of the row means the same, too', () => {
  for (const row of HOSTILE.filter((text) => text.startsWith('{')))
    expect(answer({ status: 400, body: { error: { message: row, code: 400 } } })).toMatchObject({ next: 'refused' });
});

test.each([429, 500, 503, 401, 404, 413])('a status of %i means the same whatever is quoted', (status) => {
  const means = (row: string) => {
    const { failure, next, afterMs } = answer({
      status,
      body: { error: { message: `For "${row}": no` } },
    }) as ReturnType<typeof readRefusal>;
    return { kind: failure.kind, next, afterMs };
  };
  for (const row of HOSTILE) expect(means(row)).toEqual(means('How hard is it?'));
});

test('what is said in place of a reply means the same whatever is quoted', () => {
  for (const row of HOSTILE)
    expect(answer({ status: 200, body: { error: `For "${row}": no` } })).toMatchObject({
      failure: { kind: 'server' },
      next: 'retry',
    });
});

/** Any JSON, with names that answers have, so that it comes close to one. */
const NAMES = [
  'error',
  'message',
  'code',
  'type',
  'detail',
  'errors',
  'metadata',
  'raw',
  'headers',
  'choices',
  'delta',
  'usage',
];
const MORE_NAMES = [
  'content',
  'finish_reason',
  'details',
  'status',
  'retryDelay',
  'loc',
  'param',
  'object',
  'violations',
  'text',
];
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      null,
      true,
      0,
      429,
      -1,
      1e308,
      'stop',
      '2s',
      'insufficient_quota',
      '{"error":{"code":"x"}}',
      '<html>',
    ),
    fc.string(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES, ...MORE_NAMES), tie('value'), { maxKeys: 5 }),
  ),
}));
const HEADERS = [
  'retry-after',
  'retry-after-ms',
  'x-ratelimit-reset',
  'x-ratelimit-remaining',
  'ratelimit',
  'date',
  'location',
];

test('no answer whatever throws, and every wait is a number from 0 on', () => {
  fc.assert(
    fc.property(
      anyValue,
      fc.constantFrom('', 'data: ', '\uFEFF', 'event: error\ndata: '),
      fc.integer({ min: 300, max: 599 }),
      fc.dictionary(
        fc.constantFrom(...HEADERS),
        fc.oneof(fc.string(), fc.constantFrom('-1', '0', '1e9', '99999999999', 'r=0;t=3')),
      ),
      (value, lead, status, headers) => {
        const body = lead + JSON.stringify(value);
        const misses = [readReply(body, NOW), readRefusal({ status, headers, body }, NOW, 10)];
        for (const miss of misses) {
          if ('reply' in miss) continue;
          expect(miss.afterMs ?? 0).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(miss.afterMs ?? 0)).toBe(true);
          expect(miss.failure.message).not.toBe('');
        }
      },
    ),
    { numRuns: 2000, seed: 13 },
  );
});
