/** A plain object, as in option files. */
export type Mapping = Record<string, unknown>;

/** True for a plain mapping of keys, false for lists, scalars and null. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A given value as one short line of JSON; numbers that JSON cannot express (`.inf` in YAML) are
 * written as numbers.
 */
export function shownInput(value: unknown, maxLength = 200): string {
  const isInfinite = (inner: unknown) => typeof inner === 'number' && !Number.isFinite(inner);
  const whole = isInfinite(value)
    ? String(value)
    : (JSON.stringify(value, (_, inner) => (isInfinite(inner) ? String(inner) : inner)) ?? 'nothing');
  return whole.length > maxLength ? `${whole.slice(0, maxLength - 3)}...` : whole;
}

/** Sets an own key of the mapping; assigning to `__proto__` would change the mapping's prototype instead. */
export function define(into: Mapping, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Sets the value at a path of keys, creating the mappings on the way. */
export function setAt(values: Mapping, path: readonly string[], value: unknown): void {
  let into = values;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(into, key) ? into[key] : undefined;
    const child = isMapping(next) ? next : {};
    define(into, key, child);
    into = child;
  }
  define(into, path.at(-1)!, value);
}

/** The value at a path of keys, or undefined where the path leads nowhere. */
export function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let value = values;
  for (const key of path)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Mapping)[key as string]
        : undefined;
  return value;
}
