import { expect, test } from 'vitest';
import { readReply } from '../../src/endpoint/answers/reply.js';
import type { FailedRequest } from '../../src/endpoint/answers/request-outcome.js';

const COUNTED = { prompt_tokens: 100, completion_tokens: 256 };
const USAGE = { promptTokens: 100, replyTokens: 256 };

/** A whole reply; what is given changes it. */
const body = ({
  content = '3',
  finish = 'stop' as unknown,
  message = {},
  choice = {},
  ...rest
}: Record<string, unknown> = {}) =>
  JSON.stringify({
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, ...(message as object) },
        finish_reason: finish,
        ...(choice as object),
      },
    ],
    usage: COUNTED,
    ...rest,
  });
const reply = (text: string, finish = 'stop') => ({ reply: { text, finish, usage: USAGE } });
const chunk = (content: string | undefined, finish: string | null = null, more: object = {}) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }], ...more });

test.each([
  [
    'a filter',
    { content: '', finish: 'content_filter: PROHIBITED_CONTENT' },
    'content-filter',
    'skip',
    /PROHIBITED_CONTENT/,
  ],
  ['a filter in the middle of a reply', { content: '3', finish: 'SAFETY' }, 'content-filter', 'skip', /SAFETY/],
  [
    'a filter without a message',
    { choice: { message: undefined, finish_reason: 'content_filter' } },
    'content-filter',
    'skip',
    /filter/,
  ],
  ['a refusal', { content: null, message: { refusal: 'No.' } }, 'content-filter', 'skip', /declines: No\./],
  [
    'a refusal as a part',
    { content: [{ type: 'refusal', refusal: 'No.' }] },
    'content-filter',
    'skip',
    /declines: No\./,
  ],
  [
    'hidden thoughts up to the limit',
    { content: '', finish: 'length' },
    'no-reply',
    'skip',
    /limit of tokens.*`maxTokens`/,
  ],
  [
    'the same by another word',
    { content: null, finish: 'MAX_TOKENS' },
    'no-reply',
    'skip',
    /limit of tokens.*`maxTokens`/,
  ],
  [
    'thoughts that are counted, and no reply',
    { content: '', usage: { ...COUNTED, completion_tokens_details: { reasoning_tokens: 256 } } },
    'no-reply',
    'skip',
    /nothing but thoughts.*`maxTokens`/,
  ],
  [
    'thoughts as a part',
    { content: [{ type: 'thinking', thinking: 'hm' }] },
    'no-reply',
    'skip',
    /nothing but thoughts/,
  ],
  ['an empty reply', { content: ' \n' }, 'no-reply', 'retry', /^an empty reply$/],
  ['a tool', { content: null, finish: 'tool_calls' }, 'no-reply', 'retry', /calls a tool/],
  [
    'an end by an error',
    { content: '{"score": 3}', finish: 'error' },
    'server',
    'retry',
    /ended by the server \("error"\)/,
  ],
  [
    'a lack of resources',
    { content: '3', finish: 'insufficient_system_resource' },
    'server',
    'retry',
    /insufficient_system_resource/,
  ],
  ['an unreadable layout', { content: { text: 3 } }, 'no-reply', 'retry', /not in the form that the API defines/],
  ['no choices', { choices: [] }, 'no-reply', 'retry', /no choices/],
  ['choices of nothing', { choices: null }, 'no-reply', 'retry', /no choices/],
  ["Gemini's block", { choices: null, promptFeedback: { blockReason: 'SAFETY' } }, 'content-filter', 'skip', /SAFETY/],
  [
    'an error of a choice',
    { content: '', finish: 'error', choice: { error: { code: 502, message: 'Provider disconnected' } } },
    'server',
    'retry',
    /^502: Provider disconnected$/,
  ],
  ['an error beside a reply', { error: { code: 429, message: 'Slow down' } }, 'rate-limit', 'wait', /^429: Slow down$/],
] as const)('%s: what it is, and that its tokens count', (_, changes, kind, next, message) => {
  const attempt = readReply(body(changes as Record<string, unknown>)) as FailedRequest;
  expect(attempt).toMatchObject({ failure: { kind, message: expect.stringMatching(message) }, next, usage: USAGE });
});

test.each([
  [
    { error: 'Unexpected endpoint or method. (POST /chat/completions)' },
    'refused-request',
    'stop',
    404,
    /Unexpected endpoint/,
  ],
  [
    { error: 'Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway' },
    'refused-request',
    'stop',
    404,
    /Unexp/,
  ],
  [
    { object: 'error', message: 'The model does not exist.', type: 'NotFoundError', code: 404 },
    'refused-request',
    'stop',
    404,
    /does not exist/,
  ],
  [{ detail: 'Not authenticated' }, 'refused-key', 'stop', 401, /Not authenticated/],
  [{ detail: 'The moon is full' }, 'server', 'retry', undefined, /in place of a reply: The moon is full/],
  [
    { error: { code: 'context_length_exceeded', message: 'm', type: 'invalid_request_error' } },
    'too-long',
    'skip',
    400,
    /^400: m$/,
  ],
  [{ error: { code: 'model_not_found', message: 'm' } }, 'refused-request', 'stop', 404, /^404: m$/],
  [{ error: { code: 'invalid_api_key', message: 'm' } }, 'refused-key', 'stop', 401, /^401: m$/],
  [{ error: { code: 'rate_limit_exceeded', message: 'm' } }, 'rate-limit', 'wait', 429, /^429: m$/],
  [{ error: { code: 'content_filter', message: 'm' } }, 'content-filter', 'skip', undefined, /: m$/],
  [{ error: { code: 'insufficient_quota', message: 'm' } }, 'quota', 'stop', undefined, /: m$/],
  [{ error: { code: 502, message: 'm' } }, 'server', 'retry', 502, /^502: m$/],
  [{ error: { type: 'overloaded_error', message: 'm' } }, 'server', 'retry', 529, /^529: m$/],
  [{ error: { type: 'authentication_error', message: 'm' } }, 'refused-key', 'stop', 401, /^401: m$/],
  [[{ error: { code: 503, status: 'UNAVAILABLE', message: 'm' } }], 'server', 'retry', 503, /^503: m$/],
  [
    { type: 'error', error: { type: 'invalid_request_error', message: 'm' } },
    'refused-request',
    'refused',
    400,
    /^400: m$/,
  ],
  [{ errors: [{ message: 'm', code: 7000 }], success: false }, 'server', 'retry', undefined, /: m$/],
  [{ error: true, message: 'm' }, 'server', 'retry', undefined, /: m$/],
  [{ code: 500, msg: '404 NOT_FOUND', success: false }, 'server', 'retry', 500, /404 NOT_FOUND/],
] as const)('an error under a status of success: %j', (given, kind, next, status, message) => {
  const { failure, next: then } = readReply(JSON.stringify(given)) as FailedRequest;
  expect(failure).toEqual({ kind, ...(status && { status }), message: expect.stringMatching(message) });
  expect(then).toBe(next);
});

test('an error with nothing in it is none', () => {
  for (const error of [null, '', {}, false, { code: 0, message: '' }])
    expect(readReply(body({ error }))).toEqual(reply('3'));
});

test.each([
  ['Ollama', { model: 'm', message: { role: 'assistant', content: '3' }, done: true }],
  [
    'Anthropic',
    { type: 'message', role: 'assistant', content: [{ type: 'text', text: '3' }], stop_reason: 'end_turn' },
  ],
  ['Gemini', { candidates: [{ content: { parts: [{ text: '3' }] } }] }],
  ['Responses', { object: 'response', output: [] }],
  ['older completions', { object: 'text_completion', choices: [{ text: '3', finish_reason: 'stop' }] }],
  ['TGI', [{ generated_text: '3' }]],
])('a reply of another protocol ends the run at once, by its name: %s', (name, given) => {
  const expected = { kind: 'refused-request', message: expect.stringMatching(new RegExp(`${name}.*/v1`)) };
  expect(readReply(JSON.stringify(given))).toMatchObject({ failure: expected, next: 'stop' });
  if (Array.isArray(given)) return;
  const lines = `${JSON.stringify(given)}\n${JSON.stringify(given)}\n`;
  expect(readReply(lines)).toMatchObject({ failure: expected, next: 'stop' });
});

test.each([
  ['text', [{ type: 'text', text: '3' }]],
  ['output_text', [{ type: 'output_text', text: '3', annotations: [] }]],
  ['no type', [{ text: '3' }]],
  ['plain texts', ['3']],
  [
    'thoughts first',
    [
      { type: 'thinking', thinking: [{ type: 'text', text: '5' }] },
      { type: 'text', text: '3' },
    ],
  ],
  [
    'thoughts with a text',
    [
      { type: 'reasoning', text: 'Maybe 5.' },
      { type: 'text', text: '3' },
    ],
  ],
  [
    'no text',
    [
      { type: 'thinking', text: null, thinking: 'x' },
      { type: 'text', text: '3' },
    ],
  ],
  ['unknown parts', [{ type: 'summary', text: '5' }, null, 7, { type: 7, text: '5' }, { type: 'text', text: '3' }]],
])('content in parts: %s', (_, content) => {
  expect(readReply(body({ content }))).toEqual(reply('3'));
});

test('a mark of the byte order in front is passed over, of a stream too', () => {
  expect(readReply(`\uFEFF${body()}`)).toEqual(reply('3'));
  const events = `\uFEFFdata: ${chunk('3', 'stop', { usage: COUNTED })}\n\ndata: [DONE]\n\n`;
  expect(readReply(events)).toEqual(reply('3'));
});

test.each(['\n', '\r\n', '\r'])('lines of a stream may end by %j', (end) => {
  const lines = [
    ': wait',
    '',
    `data: ${chunk('{"a":')}`,
    '',
    `data:${chunk('3}', 'stop')}`,
    '',
    'data: [DONE]',
    '',
    '',
  ];
  expect(readReply(lines.join(end))).toEqual({ reply: { text: '{"a":3}', finish: 'stop' } });
});

test('an event may have several lines, and no line between it and the next', () => {
  const spread = JSON.stringify(JSON.parse(chunk('3', 'stop')), null, 1)
    .split('\n')
    .map((line) => `data: ${line}`);
  expect(readReply(spread.join('\n'))).toEqual({ reply: { text: '3', finish: 'stop' } });
  expect(readReply(`data: ${chunk('3')}\ndata: ${chunk('', 'stop')}\n`)).toEqual({
    reply: { text: '3', finish: 'stop' },
  });
});

test.each([
  ['that ends early', '', 'no-reply', /ends before the reply/],
  ['that is cut', 'data: {"choi', 'no-reply', /not whole JSON/],
  ['with an error', 'data: {"error":{"code":502,"message":"gone"}}\n\n', 'server', /^502: gone$/],
  ['with an event of an error', 'event: error\ndata: {"message":"gone"}\n\n', 'server', /gone$/],
])('a stream %s: the tokens that it counted count', (_, rest, kind, message) => {
  const text = `data: ${chunk('3', null, { usage: COUNTED })}\n\n${rest}`;
  expect(readReply(text)).toMatchObject({
    failure: { kind, message: expect.stringMatching(message) },
    next: 'retry',
    usage: USAGE,
    worked: true,
  });
});

test("Groq's place for the count of a stream", () => {
  const text = `data: ${chunk('3', 'stop', { x_groq: { usage: COUNTED } })}\n\n`;
  expect(readReply(text)).toEqual(reply('3'));
});

test('a word for the end that is no text is an unknown one', () => {
  expect(readReply(body({ finish: 7 }))).toEqual(reply('3', 'unknown'));
  expect(readReply(body({ finish: null }))).toEqual(reply('3'));
});

test('an alternative of probability 0, written as null, does not cost the others', () => {
  const top = [
    { token: '3', logprob: -0.1 },
    { token: '4', logprob: null },
  ];
  const attempt = readReply(
    body({ choice: { logprobs: { content: [{ token: '3', logprob: -0.1, top_logprobs: top }] } } }),
  );
  expect(attempt).toMatchObject({ reply: { logprobs: [{ token: '3', top: [{ token: '3', logprob: -0.1 }] }] } });
});

test('times in the headers of a gateway are counted from now', () => {
  const metadata = { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '1767225660000' } };
  const text = JSON.stringify({ error: { code: 429, message: 'm', metadata } });
  expect(readReply(text, 1_767_225_600_000)).toMatchObject({ next: 'wait', afterMs: 60_000 });
  expect(readReply(text, 1_767_225_660_000 - 6 * 3_600_000)).toMatchObject({ next: 'stop', afterMs: 21_600_000 });
});
