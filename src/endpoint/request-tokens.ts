import type { ChatRequest } from './types.js';

/** What an OpenAI-like template adds to a message, and to a request, in tokens. */
const [PER_MESSAGE, PER_REQUEST] = [4, 3];

/** Bytes of UTF-8 to a token: about right for English, and for most other languages on the safe side. */
const BYTES_PER_TOKEN = 4;

/** About how many tokens a request has, its schema included, which endpoints show to the model. */
export function promptTokensOf({ messages, schema }: ChatRequest): number {
  const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const shown = schema ? lengthOf(schema.schema) : 0;
  return Math.ceil((bytes + shown) / BYTES_PER_TOKEN) + messages.length * PER_MESSAGE + PER_REQUEST;
}

/** Lengths of schemas as JSON: thousands of requests share one. */
const lengths = new WeakMap<object, number>();

function lengthOf(schema: object): number {
  const length = lengths.get(schema) ?? JSON.stringify(schema).length;
  lengths.set(schema, length);
  return length;
}
