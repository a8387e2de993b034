import type { JsonObject } from './error-body.js';

/** True for a body under a status of success that is an error: it says so, or it has no choices and a message. */
export function isError(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { error, errors, object, type, choices, detail, message, msg } = value as JsonObject;
  if (says(error) || object === 'error' || type === 'error') return true;
  return !Array.isArray(choices) && [errors, detail, typeof message === 'string' ? message : undefined, msg].some(says);
}

/** An error without anything in it is none. */
function says(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value !== 'object' || value === null) return value === true;
  return Object.values(value).some((field) => field !== null && field !== '' && field !== 0 && field !== false);
}

function isOldChoice(choice: unknown): boolean {
  const { text, message, delta } = (choice || {}) as JsonObject;
  return typeof text === 'string' && message === undefined && delta === undefined;
}

/** Layouts of other protocols, by what only they have. */
const STRANGERS: readonly (readonly [string, (body: JsonObject) => boolean])[] = [
  ["Ollama's own API", ({ done, message, response }) => typeof done === 'boolean' && Boolean(message ?? response)],
  ["Anthropic's own API", ({ type, content }) => type === 'message' && Array.isArray(content)],
  ["Gemini's own API", ({ candidates }) => Array.isArray(candidates)],
  ["OpenAI's Responses API", ({ object }) => object === 'response'],
  ["OpenAI's older completions", ({ choices }) => isOldChoice(Array.isArray(choices) && choices[0])],
  ["TGI's own API", ({ generated_text: text }) => typeof text === 'string'],
];

/** A line about a body that is laid out as another protocol has it: no request will be answered at this address. */
export function strangerIn(value: unknown): string | undefined {
  const body = Array.isArray(value) ? (value[0] as unknown) : value;
  if (typeof body !== 'object' || body === null) return undefined;
  const [name] = STRANGERS.find(([, is]) => is(body as JsonObject)) ?? [];
  return (
    name && `replies as ${name} does; expected chat completions as OpenAI has them, whose address mostly ends in /v1`
  );
}
