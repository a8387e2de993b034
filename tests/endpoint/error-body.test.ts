import { expect, test } from 'vitest';
import { errorIn } from '../../src/endpoint/answers/error-body.js';

const read = (body: unknown) => errorIn(JSON.stringify(body));

test("OpenAI's form", () => {
  const error = { message: 'No such value', type: 'invalid_request_error', param: 'top_p', code: 'unsupported_value' };
  expect(read({ error })).toMatchObject({
    message: 'No such value',
    code: 'unsupported_value',
    type: 'invalid_request_error',
    param: 'top_p',
    names: ['unsupported_value', 'invalid_request_error'],
    moderated: false,
    html: false,
  });
});

test('all at the top, as Cerebras has it', () => {
  const body = { message: 'Not supported', type: 'invalid_request_error', param: 'response_format', code: 'wrong_api' };
  expect(read(body)).toMatchObject({ message: 'Not supported', code: 'wrong_api', param: 'response_format' });
});

test("a list with gRPC's details, as Gemini has it", () => {
  const details = [
    { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
    {
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: 'generation_config.seed', description: 'no' }],
    },
  ];
  expect(read([{ error: { code: 400, message: 'Bad key', status: 'INVALID_ARGUMENT', details } }])).toMatchObject({
    message: 'Bad key',
    status: 400,
    param: 'generation_config.seed',
    names: ['invalid_argument', 'api_key_invalid'],
    details,
  });
});

test('the cause that a gateway has wrapped, as JSON and as text', () => {
  const wrap = (raw: string) => ({
    error: { message: 'Provider returned error', code: 400, metadata: { raw, provider_name: 'One' } },
    user_id: 'u',
  });
  const cause = { error: { message: 'No temperature', param: 'temperature', code: 'unsupported_value' } };
  expect(read(wrap(JSON.stringify(cause)))).toMatchObject({
    message: 'No temperature',
    param: 'temperature',
    code: 'unsupported_value',
    status: 400,
  });
  expect(read(wrap('upstream is away')).message).toBe('upstream is away');
  expect(read(wrap('')).message).toBe('Provider returned error');
});

test('an error as JSON in the message of another, where both name the same status', () => {
  const inner = { error: { code: 400, message: 'Bad key', details: [{ reason: 'API_KEY_INVALID' }] } };
  const wrap = (code: number) => ({ error: { message: JSON.stringify(inner), code, status: 'Bad Request' } });
  expect(read(wrap(400))).toMatchObject({ message: 'Bad key', names: ['api_key_invalid'] });
  expect(read(wrap(500))).toMatchObject({ message: JSON.stringify(inner), names: [] });
});

test('metadata of a gateway: headers, moderation, its own kind of error', () => {
  const metadata = { headers: { 'X-RateLimit-Reset': 5 }, reasons: ['violence'], error_type: 'rate_limit_exceeded' };
  expect(read({ error: { message: 'm', code: 429, metadata } })).toMatchObject({
    headers: { 'x-ratelimit-reset': '5' },
    moderated: true,
    names: ['rate_limit_exceeded'],
    status: 429,
  });
});

test("the inner error of Azure's filter", () => {
  const error = {
    message: 'The response was filtered',
    param: 'prompt',
    code: 'content_filter',
    status: 400,
    innererror: { code: 'ResponsibleAIPolicyViolation' },
  };
  expect(read({ error })).toMatchObject({
    code: 'ResponsibleAIPolicyViolation',
    names: ['responsibleaipolicyviolation', 'content_filter'],
    status: 400,
  });
});

test("FastAPI's list of complaints, without the input that it quotes", () => {
  const detail = [
    { type: 'string_too_long', loc: ['body', 'messages', 1, 'content'], msg: 'Too long', input: 'insufficient_quota' },
    { type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Not permitted' },
  ];
  expect(read({ detail })).toMatchObject({
    message: 'body.messages.1.content: Too long; body.seed: Not permitted',
    issues: [
      { at: 'body.messages.1.content', type: 'string_too_long' },
      { at: 'body.seed', type: 'extra_forbidden' },
    ],
    names: [],
  });
  expect(read({ object: 'error', message: { detail }, type: 'invalid_request_error' })).toMatchObject({
    issues: [{ at: 'body.messages.1.content' }, { at: 'body.seed' }],
    names: ['invalid_request_error'],
  });
});

test.each([
  [{ error: 'model is busy' }, 'model is busy'],
  [{ detail: 'Not Found' }, 'Not Found'],
  [{ object: 'error', message: 'No such model', code: 404 }, 'No such model'],
  [{ errors: [{ message: 'No route', code: 7000 }], success: false }, 'No route'],
  [{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'Overloaded'],
])('the message of %j', (body, message) => {
  expect(read(body).message).toBe(message);
});

test('what is no JSON is its own message; a page is called one', () => {
  expect(errorIn('slow down')).toMatchObject({ message: 'slow down', names: [], html: false });
  expect(errorIn('<html><title>Gate</title></html>')).toMatchObject({ message: 'an HTML page ("Gate")', html: true });
  expect(errorIn('\uFEFF{"error":{"message":"m","code":"c_d"}}')).toMatchObject({ message: 'm', code: 'c_d' });
});

test.each([
  { message: '{"error":{"code":"insufficient_quota"}}' },
  { message: 'insufficient_quota', code: 'it is a text' },
])('nothing is read from a message, which may quote the row: %j', (error) => {
  const read = errorIn(JSON.stringify({ error }));
  expect(read.names).toEqual([]);
  expect(read.code).toBeUndefined();
});

test.each(['null', '[]', '[null]', '1', '{}', '{"error":null}', '{"error":[[]]}', '{"detail":[1]}'])(
  'a body without any error: %s',
  (body) => {
    expect(errorIn(body)).toMatchObject({ message: body, names: [] });
  },
);

test('parts within parts without end', () => {
  const deep = `${'{"error":'.repeat(5000)}1${'}'.repeat(5000)}`;
  expect(errorIn(deep).names).toEqual([]);
});
