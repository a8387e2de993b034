import type { Budget } from './budget.js';
import { fail, refuse } from './errors.js';
import { plain, type Text } from './text.js';

/** What is not there. `why` is what an error about it says. */
export interface Undefined {
  readonly kind: 'undefined';
  readonly why: string;
}

/** A number that Python prints with a point. Whole numbers are plain numbers here. */
export interface Float {
  readonly kind: 'float';
  readonly value: number;
}

/** A list or a tuple. */
export interface Sequence {
  readonly kind: 'list' | 'tuple';
  readonly items: readonly Value[];
}

/** A dict: entries by {@link hashKey}, in order of insertion. */
export interface Dict {
  readonly kind: 'dict';
  readonly entries: ReadonlyMap<string, readonly [Value, Value]>;
}

/** What `keys()`, `values()` and `items()` give. */
export interface View {
  readonly kind: 'view';
  readonly of: 'keys' | 'values' | 'items';
  readonly dict: Dict;
}

/** What is gone through once: the result of `map`, `select` and the like. */
export interface Stream {
  readonly kind: 'stream';
  readonly iterator: Iterator<Value>;
}

/** Python's `range`. */
export interface Range {
  readonly kind: 'range';
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

/** `namespace(...)`, the only thing that a template may change. */
export interface Namespace {
  readonly kind: 'namespace';
  readonly fields: Map<string, Value>;
}

/** Arguments of a call. */
export interface ArgumentValues {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A macro, a method, a function. `print` is what a macro is printed as; others would print an address. */
export interface Callable {
  readonly kind: 'callable';
  readonly name: string;
  readonly print?: string;
  readonly call: (args: ArgumentValues) => Value;
}

/** The `loop` variable. */
export interface Loop {
  readonly kind: 'loop';
  /** An attribute; undefined where loops have none of that name. */
  readonly get: (name: string) => Value | undefined;
}

/** A value of a template. Whole numbers are numbers, None is null. */
export type Value =
  | null
  | boolean
  | number
  | Undefined
  | Text
  | Float
  | Sequence
  | Dict
  | View
  | Stream
  | Range
  | Namespace
  | Callable
  | Loop;

/** What kind of value it is. */
export type Kind = 'none' | 'boolean' | 'integer' | Exclude<Value, null | boolean | number>['kind'];

/** What kind of value it is. */
export function kindOf(value: Value): Kind {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'number' ? 'integer' : value.kind;
}

const NAMES: Partial<Record<Kind, string>> = {
  none: 'NoneType',
  boolean: 'bool',
  integer: 'int',
  text: 'str',
  undefined: 'Undefined',
};

/** The type's name in messages, as Python calls it. */
export const typeName = (value: Value): string => NAMES[kindOf(value)] ?? kindOf(value);

/** A text with this content. */
export const str = plain;

/** A list. */
export const list = (items: readonly Value[]): Sequence => ({ kind: 'list', items });

/** A tuple. */
export const tuple = (items: readonly Value[]): Sequence => ({ kind: 'tuple', items });

/** An undefined value with what an error about it says. */
export const missing = (why: string): Undefined => ({ kind: 'undefined', why });

/** A float; those that are not finite are refused, since Python's rules for them are not kept. */
export function float(value: number): Float {
  return Number.isFinite(value) ? { kind: 'float', value } : refuse('a number that is infinite or not a number');
}

/** A whole number, refused where JavaScript no longer counts exactly. */
export const integer = (value: number): number =>
  Number.isSafeInteger(value) ? value || 0 : refuse('a whole number beyond 2^53');

/** Whether it is a text. */
export const isText = (value: Value): value is Text => kindOf(value) === 'text';

/** Whether it is undefined. */
export const isUndefined = (value: Value): value is Undefined => kindOf(value) === 'undefined';

/** A stream over an iterator. */
export const stream = (iterator: Iterator<Value>): Stream => ({ kind: 'stream', iterator });

/** The number behind a whole number, a boolean or a float; undefined for others. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value !== null && value.kind === 'float' ? value.value : undefined;
}

/** The whole number behind a whole number or a boolean; undefined for others. */
export function wholeOf(value: Value): number | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : undefined;
}

/** Longest key of a dict, in characters; a tuple counts with all that it holds. */
const LONGEST_KEY = 1 << 24;

/** Where a dict keeps a key: equal keys (1, 1.0 and True) have one. Undefined for what Python cannot hash. */
export function hashKey(value: Value, budget: Budget): string | undefined {
  const key = keyOf(value);
  if (key !== undefined) budget.spend(key.length);
  return key;
}

function keyOf(value: Value): string | undefined {
  const number = numberOf(value);
  if (number !== undefined) return `n${number}`;
  if (value === null) return 'N';
  if (typeof value !== 'object') return undefined;
  if (value.kind === 'text') return `s${value.text}`;
  if (value.kind !== 'tuple') return undefined;
  let key = 't';
  for (const item of value.items) {
    const inner = keyOf(item);
    if (inner === undefined) return undefined;
    key += `${inner.length}:${inner}`;
    if (key.length > LONGEST_KEY) refuse('so large a tuple as a key');
  }
  return key;
}

/** A dict of these pairs; a key that already exists keeps its place and its first spelling. */
export function dict(pairs: Iterable<readonly [Value, Value]>, budget: Budget): Dict {
  const entries = new Map<string, readonly [Value, Value]>();
  for (const [key, value] of pairs) {
    const at = hashKey(key, budget) ?? fail(`unhashable type: '${typeName(key)}'`);
    entries.set(at, [entries.has(at) ? entries.get(at)![0] : key, value]);
  }
  return { kind: 'dict', entries };
}

/** A dict with texts as keys. */
export function record(fields: Iterable<readonly [string, Value]>): Dict {
  const pairs = [...fields].map(([name, value]) => [`s${name}`, [str(name), value] as const] as const);
  return { kind: 'dict', entries: new Map(pairs) };
}

/** How many numbers a range has. */
export const rangeLength = ({ start, stop, step }: Range): number => Math.max(0, Math.ceil((stop - start) / step));

/** Python's truth of a value. */
export function truth(value: Value): boolean {
  if (value === null || typeof value !== 'object') return Boolean(value);
  switch (value.kind) {
    case 'undefined':
      return false;
    case 'text':
      return value.text !== '';
    case 'float':
      return value.value !== 0;
    case 'list':
    case 'tuple':
      return value.items.length > 0;
    case 'dict':
      return value.entries.size > 0;
    case 'view':
      return value.dict.entries.size > 0;
    case 'range':
      return rangeLength(value) > 0;
    default:
      return true;
  }
}
