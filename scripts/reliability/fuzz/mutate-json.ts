import type { Random } from '../../../src/core/random.js';
import { EDGES, pick } from './mutate.js';
import type { Mutation } from './parser.js';

/** What stands for text that goes into the JSON as it is, valid or not. */
const RAW = '\u0000raw:';

const raw = (text: string): string => RAW + text;

/** Names that are something else in JavaScript, and names that confuse. */
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '',
  ' ',
  '\u0000',
  'a'.repeat(5000),
];

const TEXTS = [
  ...NAMES,
  '../../x',
  '/etc/passwd',
  'C:\\x',
  'x\u0000y',
  '\u202e',
  '💥',
  '0',
  '-1',
  '1e999',
  'null',
  '{{',
  '(a+)+$',
  '%s%n',
];

/** Values that a reader does not expect: wrong kinds, numbers at every edge, nesting, long lists and texts. */
const VALUES: readonly ((old: unknown, random: Random) => unknown)[] = [
  (_, random) => raw(String(pick(EDGES, random))),
  (_, random) => raw(`-${pick(EDGES, random)}`),
  (_, random) =>
    raw(pick(['1e308', '1e400', '-1e400', '5e-324', '0.5', '-0', '1.0', '1E2', '01', 'NaN', 'Infinity', ''], random)),
  (old, random) =>
    typeof old === 'number' ? old + pick([-1, 1, 2 ** 31, 2 ** 32, 2 ** 53, -2 * old, old], random) : 1,
  (_, random) => pick(TEXTS, random),
  (_, random) => pick([null, true, false, [], {}, [[]], [null], { a: 1 }], random),
  (old) => [old],
  (old) => String(old),
  (old, random) => Array.from({ length: pick([2, 3, 100], random) }, () => old),
  (_, random) => raw('['.repeat(pick([5, 500, 50_000], random))),
  (_, random) => {
    const depth = pick([5, 500, 50_000], random);
    return raw(
      pick([`${'['.repeat(depth)}${']'.repeat(depth)}`, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`], random),
    );
  },
  (_, random) => raw(`[${'0,'.repeat(pick([10, 1000, 50_000], random))}0]`),
  (_, random) => 'x'.repeat(pick([1000, 200_000], random)),
  () => raw('"\\ud800"'),
  () => raw('"\\u0000\\n\\u2028"'),
];

type Node = Record<string | number, unknown>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** A random place in a value: what holds it, and its key there. */
function place(root: unknown, random: Random): [holder: Node, key: string] | undefined {
  let found: [Node, string] | undefined;
  let at = root;
  while (isNode(at)) {
    const keys = Object.keys(at);
    if (keys.length === 0) break;
    const key = pick(keys, random);
    found = [at, key];
    if (random.integer(3) === 0) break;
    at = at[key];
  }
  return found;
}

const EDITS: readonly ((holder: Node, key: string, random: Random) => void)[] = [
  (holder, key, random) => {
    holder[key] = pick(VALUES, random)(holder[key], random);
  },
  (holder, key) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  },
  (holder, key, random) => {
    const other = pick(Object.keys(holder), random);
    [holder[key], holder[other]] = [holder[other], holder[key]];
  },
  (holder, _key, random) => {
    const value = pick(VALUES, random)(0, random);
    if (Array.isArray(holder)) holder.push(value);
    else define(holder, pick(NAMES, random), value);
  },
  (holder, key, random) => {
    // Renamed; to a name that is there already, it occurs twice.
    const name = random.integer(2) ? pick(NAMES, random) : pick(Object.keys(holder), random);
    define(holder, `${RAW}${JSON.stringify(name)}`, holder[key]);
    if (random.integer(2)) delete holder[key];
  },
];

/** Sets a key as it is, `__proto__` too. */
const define = (holder: Node, key: string, value: unknown) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });

/** JSON with raw parts put in. */
const print = (value: unknown): string =>
  JSON.stringify(value).replace(
    /"\\u0000raw:((?:[^"\\]|\\.)*)"/g,
    (_, text: string) => JSON.parse(`"${text}"`) as string,
  );

/**
 * One edit of a JSON text at a random place: values, keys, kinds, counts, nesting. Text that is no
 * JSON, or is nested too deep to be written again, is returned as it is.
 */
export function mutatedJson(text: string, random: Random): string {
  try {
    const root: unknown = JSON.parse(text);
    const found = place(root, random);
    if (!found || random.integer(40) === 0) return print(pick(VALUES, random)(root, random));
    pick(EDITS, random)(...found, random);
    return print(root);
  } catch {
    return text;
  }
}

/** `mutatedJson` as a mutation of a file that is one JSON text. */
export const jsonMutation: Mutation = (bytes, random) =>
  Buffer.from(mutatedJson(Buffer.from(bytes).toString('utf8'), random));
