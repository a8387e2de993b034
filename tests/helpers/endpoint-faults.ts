import type { ServerResponse } from 'node:http';

/** A whole reply of the protocol; `text` is what the model says. */
export interface Said {
  readonly text: string;
  readonly finish?: string;
  readonly logprobs?: unknown;
  /** Further fields of the message. */
  readonly message?: Readonly<Record<string, unknown>>;
  /** Null: the server does not count. */
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

/** The body of a reply. */
export const completion = ({ text, finish = 'stop', logprobs = null, message = {}, usage }: Said) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'judge',
  choices: [{ index: 0, message: { role: 'assistant', content: text, ...message }, finish_reason: finish, logprobs }],
  ...(usage !== null && { usage: { ...(usage ?? { prompt_tokens: 100, completion_tokens: 5 }) } }),
});

const JSON_TYPE = { 'content-type': 'application/json' };
const HTML = '<!DOCTYPE html><html><head><title>Welcome</title></head><body>Sign in to go on</body></html>';

/** What is between server and client of one request. */
export interface Exchange {
  readonly response: ServerResponse;
  /** What would be answered if all went well. */
  readonly said: Said;
}

const send = ({ response }: Exchange, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { ...JSON_TYPE, ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body));

const refuse =
  (status: number, message: string, fields: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  (exchange: Exchange) =>
    send(exchange, status, { error: { message, ...fields } }, headers);

/** A reply with something changed. */
const changed = (change: (body: ReturnType<typeof completion>) => unknown) => (exchange: Exchange) =>
  send(exchange, 200, change(completion(exchange.said)));

const speech = (change: Partial<Said>) => (exchange: Exchange) =>
  send(exchange, 200, completion({ ...exchange.said, ...change }));

const limit = (headers: Record<string, string> = {}) =>
  refuse(429, 'Rate limit reached', { type: 'requests', code: 'rate_limit_exceeded' }, headers);

function cutShort({ response, said }: Exchange, then: 'destroy' | 'nothing'): void {
  const body = JSON.stringify(completion(said));
  response.writeHead(200, { ...JSON_TYPE, 'content-length': String(Buffer.byteLength(body)) });
  response.write(body.slice(0, body.length / 2), () => {
    if (then === 'destroy') response.destroy();
  });
}

const chunk = (delta: unknown, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

function stream({ response, said }: Exchange, whole: boolean): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`: keep-alive\n\n${chunk({ role: 'assistant', content: '' })}`);
  for (const letter of said.text) response.write(chunk({ content: letter }));
  if (!whole) return void response.end();
  response.write(chunk({}, 'stop'));
  response.write(`data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":5}}\n\n`);
  response.end('data: [DONE]\n\n');
}

/** Everything that can go wrong, by name. */
export const FAULTS = {
  '429': limit(),
  '429 retry-after': limit({ 'retry-after': '2' }),
  '429 retry-after-ms': limit({ 'retry-after-ms': '1500', 'retry-after': '60' }),
  '429 for a moment': limit({ 'retry-after-ms': '20' }),
  '429 retry-after date': (exchange: Exchange) =>
    limit({ 'retry-after': new Date(Date.now() + 5000).toUTCString() })(exchange),
  '429 retry-after nonsense': limit({ 'retry-after': 'soon' }),
  '429 retry-after a day': limit({ 'retry-after': '86400' }),
  '429 quota': refuse(429, 'You exceeded your current quota', {
    type: 'insufficient_quota',
    code: 'insufficient_quota',
  }),
  '402': refuse(402, 'Insufficient Balance'),
  '500': refuse(500, 'The server had an error'),
  '503': refuse(503, 'Overloaded'),
  '503 retry-after': refuse(503, 'Overloaded', {}, { 'retry-after': '3' }),
  '502 html': (exchange: Exchange) => send(exchange, 502, HTML, { 'content-type': 'text/html' }),
  '500 no body': (exchange: Exchange) => send(exchange, 500, ''),
  '408': refuse(408, 'Request timed out'),
  '401': refuse(401, 'Incorrect API key provided', { code: 'invalid_api_key' }),
  '403': refuse(403, 'Country, region, or territory not supported'),
  '403 moderation': refuse(403, 'Input was flagged', { metadata: { reasons: ['violence'] } }),
  '403 html': (exchange: Exchange) => send(exchange, 403, HTML, { 'content-type': 'text/html' }),
  '404 model': refuse(404, 'The model `judge` does not exist', { code: 'model_not_found' }),
  '400': refuse(400, 'This model has a maximum context length of 8192 tokens', { code: 'context_length_exceeded' }),
  '400 content filter': refuse(400, 'The prompt triggered the content policy', { code: 'content_filter' }),
  reset: ({ response }: Exchange) => void response.socket?.destroy(),
  hang: () => {},
  'hang in the body': (exchange: Exchange) => cutShort(exchange, 'nothing'),
  'half a body': (exchange: Exchange) => cutShort(exchange, 'destroy'),
  'half the JSON': (exchange: Exchange) => {
    const body = JSON.stringify(completion(exchange.said));
    send(exchange, 200, body.slice(0, body.length / 2));
  },
  html: (exchange: Exchange) => send(exchange, 200, HTML, { 'content-type': 'text/html; charset=utf-8' }),
  'wrong type': (exchange: Exchange) =>
    send(exchange, 200, completion(exchange.said), { 'content-type': 'text/plain' }),
  'no body': (exchange: Exchange) => send(exchange, 200, ''),
  '204': ({ response }: Exchange) => response.writeHead(204).end(),
  'a list': (exchange: Exchange) => send(exchange, 200, []),
  'empty choices': changed((body) => ({ ...body, choices: [] })),
  'no choices': changed(({ choices: _, ...body }) => body),
  'error as 200': (exchange: Exchange) =>
    send(exchange, 200, { error: { message: 'Provider returned error', code: 502 } }),
  'empty text': speech({ text: '' }),
  'null content': speech({ message: { content: null } }),
  'content in parts': changed((body) => ({
    ...body,
    choices: body.choices.map((choice) => ({
      ...choice,
      message: { role: 'assistant', content: [{ type: 'text', text: choice.message.content }] },
    })),
  })),
  'content filter': speech({ text: '', finish: 'content_filter' }),
  refusal: speech({ message: { content: null, refusal: "I'm sorry, I can't assist with that." } }),
  'refusal text': speech({ text: "I'm sorry, but I can't help with that." }),
  'thoughts apart': speech({ message: { reasoning_content: 'It is short, so it is easy.' } }),
  'thoughts only': speech({ finish: 'length', message: { content: null, reasoning_content: 'Let me see ...' } }),
  'cut off': speech({ finish: 'length' }),
  stream: (exchange: Exchange) => stream(exchange, true),
  'stream cut off': (exchange: Exchange) => stream(exchange, false),
  'no usage': speech({ usage: null }),
} satisfies Record<string, (exchange: Exchange) => unknown>;

/** Name of a way to misbehave. */
export type Fault = keyof typeof FAULTS;

/** Ways that pass when the request is sent again, quickly: what a fault share draws from unless told otherwise. */
export const PASSING_FAULTS: readonly Fault[] = [
  '429 for a moment',
  '500',
  '503',
  '502 html',
  'reset',
  'half a body',
  'half the JSON',
  'html',
  'empty choices',
  'stream cut off',
];

/** All ways that pass when the request is sent again, however long they take. */
export const ALL_PASSING_FAULTS: readonly Fault[] = [
  ...PASSING_FAULTS,
  'hang',
  'hang in the body',
  '429',
  '429 retry-after',
  '503 retry-after',
  '500 no body',
  '408',
  'no body',
  '204',
  'a list',
  'no choices',
  'error as 200',
  'empty text',
  'null content',
];
