/**
 * A value as JSON. A number that is not finite, which JSON has no form for, is the text `"NaN"`,
 * `"Infinity"` or `"-Infinity"`, as protobuf's JSON has it; `JSON.stringify` would make it null,
 * and what it was would be lost. `measuredField` reads it back.
 */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent);
  // Without a null there was no such number; to look at each value takes several times as long.
  return text?.includes('null') ? JSON.stringify(value, asText, indent) : text;
}

/** The value of a JSON text; undefined for a text that is not JSON. `parseJson` of io/ says why it is not. */
export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True for a text that is JSON. */
export const isJson = (text: string): boolean => tryParseJson(text) !== undefined;

const asText = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
