/**
 * A value as JSON. A number that is not finite, which JSON has no form for, is the text `"NaN"`, `"Infinity"` or `"-Infinity"`, as
 * protobuf's JSON has it; `JSON.stringify` would make it null, and what it was would be lost. `measuredField` reads it back.
 */
export const jsonText = (value: unknown, indent?: number): string => JSON.stringify(value, asText, indent);

const asText = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
