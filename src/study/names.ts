import { usageError } from '../core/errors.js';
import { nameSchema } from './study-file.js';

/** Endings of files of rows and options, which are no part of a name. */
const ENDING = /(\.(jsonl|ndjson|json|csv|tsv|parquet|arrow|yaml|yml|gz))+$/i;

/**
 * A name for a value that has none: of a path its last part without the ending, otherwise what it says; small letters,
 * with - for all that no name has. Undefined for a list or a mapping.
 */
function nameOf(value: unknown): string | undefined {
  if (typeof value === 'object' || value === undefined) return undefined;
  const last = String(value)
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1)!;
  return slug(last.replace(ENDING, ''));
}

/** A text in the letters of names. */
export const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/**
 * The values of an axis by name. Those of a list are named by {@link nameOf}; a usage error that begins with `where`
 * asks for names where that gives none, or one twice.
 */
export function namedValues(
  values: readonly unknown[] | Readonly<Record<string, unknown>>,
  where: string,
): Record<string, unknown> {
  if (!Array.isArray(values)) return { ...values };
  const named = new Map<string, unknown>();
  for (const value of values as readonly unknown[]) {
    const name = nameOf(value);
    const shown = JSON.stringify(value);
    if (name === undefined || !nameSchema.safeParse(name).success)
      throw usageError(`${where}: no name can be made of the value ${shown}; expected values by name: {a-name: value}`);
    if (named.has(name))
      throw usageError(
        `${where}: the values ${JSON.stringify(named.get(name))} and ${shown} would both be named ${name}; expected values by name: {a-name: value}`,
      );
    named.set(name, value);
  }
  return Object.fromEntries(named);
}
