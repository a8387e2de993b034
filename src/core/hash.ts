import { createHash } from 'node:crypto';

/** SHA-256 in lower-case hexadecimal. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/**
 * The first 128 bits of the SHA-256 in lower-case hexadecimal: enough to tell millions of things
 * apart, in half the memory.
 */
export const shortHash = (data: string): string => createHash('sha256').update(data).digest().toString('hex', 0, 16);

/** SHA-256 of a value as JSON with sorted keys: equal values give equal hashes, whatever the order of their keys. */
export const hashOf = (value: unknown): string => sha256(stableJson(value));

/** JSON with object keys in sorted order. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, v) =>
    v && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0)))
      : v,
  );
}
