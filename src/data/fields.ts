import { tryParseJson } from '../core/json-text.js';
import { show, shownName, showSome } from '../core/shown.js';
/** A row of a file, not yet understood. */
export type RawRow = Readonly<Record<string, unknown>>;

/** What is wrong with one row: what was expected and what came, without the place. */
export class RowProblem extends Error {}

/** True for a JSON object. */
export const isRow = (value: unknown): value is RawRow =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An object without its fields that are null: other programs write null where a row does not have a
 * field that another row has.
 */
export const withoutNulls = (row: RawRow): RawRow =>
  Object.values(row).includes(null)
    ? Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
    : row;

/** Texts that say as much as an empty value: what lists and objects look like where a program writes them as text. */
const EMPTY_TEXT = /^\s*(?:\[\s*\]|\{\s*\}|null|None)?\s*$/;

/**
 * True for what says nothing: null, an empty text, list or object, also as text, and a list or
 * object of such values only.
 */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === 'string') return EMPTY_TEXT.test(value);
  return typeof value === 'object' && Object.values(value).every(isEmpty);
}

/**
 * A field as a list; undefined where it is none. A list that was written as JSON text, as in a cell
 * of a table, is one, and so is what some programs make of a list of objects: an object of lists,
 * one for each field.
 */
export function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return parsedList(value);
  if (!isRow(value)) return undefined;
  const lists = Object.entries(value).filter(([, inner]) => inner !== null) as [string, unknown[]][];
  const length = lists[0]?.[1].length;
  if (lists.length < 2 || !lists.every(([, inner]) => Array.isArray(inner) && inner.length === length))
    return undefined;
  return Array.from({ length: length! }, (_, i) => Object.fromEntries(lists.map(([key, inner]) => [key, inner[i]])));
}

function parsedList(text: string): readonly unknown[] | undefined {
  if (!/^\s*\[/.test(text)) return undefined;
  const value = tryParseJson(text);
  return Array.isArray(value) ? value : undefined;
}

/** A field that must be a text. */
export function textIn(row: RawRow, key: string): string {
  const value = row[key];
  if (typeof value === 'string') return value;
  throw new RowProblem(`expected the field ${key} with a text, found ${foundIn(row, key)}`);
}

/** A field that must be a list; see {@link listIn}. */
export function listOf(row: RawRow, key: string): readonly unknown[] {
  const value = row[key];
  const found = listIn(value);
  if (found) return found;
  const how = typeof value === 'string' && /^\s*\[/.test(value) ? ' (not JSON; write it with json.dumps)' : '';
  throw new RowProblem(`expected the field ${key} with a list, found ${foundIn(row, key)}${how}`);
}

const foundIn = (row: RawRow, key: string) => (Object.hasOwn(row, key) ? show(row[key]) : `only ${namesOf(row)}`);

/** The names of a row's first fields, for an error message. */
export function namesOf(row: RawRow): string {
  const names = Object.keys(row);
  if (names.length === 0) return '(no fields)';
  const short = names.map((name) => shownName(name, 40));
  return showSome(short, 10);
}
