/** A plain object as option files have them. */
export type Mapping = Record<string, unknown>;

/** True for a plain mapping of keys, false for lists, scalars and null. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value that was given, as JSON of one short line, except that a number stays one where JSON has none for it (`.inf` in YAML). */
export function shownInput(value: unknown, most = 200): string {
  const isOdd = (inner: unknown) => typeof inner === 'number' && !Number.isFinite(inner);
  const whole = isOdd(value)
    ? String(value)
    : (JSON.stringify(value, (_, inner) => (isOdd(inner) ? String(inner) : inner)) ?? 'nothing');
  return whole.length > most ? `${whole.slice(0, most - 3)}...` : whole;
}

/** Sets a key of the mapping itself, also where it is `__proto__`, which would otherwise change what the mapping is. */
export function define(into: Mapping, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Sets the value at a path of keys, making the mappings on the way. */
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
