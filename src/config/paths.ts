/** A plain object as option files have them. */
export type Mapping = Record<string, unknown>;

/** True for a plain mapping of keys, false for lists, scalars and null. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sets the value at a path of keys, making the mappings on the way. */
export function setAt(values: Mapping, path: readonly string[], value: unknown): void {
  let into = values;
  for (const key of path.slice(0, -1)) {
    const next = into[key];
    const child = isMapping(next) ? next : {};
    into[key] = child;
    into = child;
  }
  into[path.at(-1)!] = value;
}

/** The value at a path of keys, or undefined where the path leads nowhere. */
export function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  let value = values;
  for (const key of path) value = (value as Mapping | undefined | null)?.[key as string];
  return value;
}
