import { coerceText } from '../config/coerce.js';
import type { JsonSchema } from '../config/json-schema.js';
import { type Mapping, setAt } from '../config/paths.js';
import { usageError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { type Flag, flagsOf, positionalsOf } from './flags.js';

/** Flags that every command has. */
export const COMMON_FLAGS: readonly Flag[] = [
  ['json', 'Print the result as one JSON line, last on standard output'],
  ['verbose', 'Say more, with the native libraries and stack traces'],
  ['help', 'Show this help'],
  ['version', 'Show the version'],
].map(([name, description]) => ({
  path: [name!],
  name: name!,
  schema: { type: 'boolean', description: description! },
  boolean: true,
  required: false,
}));

/** Flags of commands that read a recipe. */
export const RECIPE_FLAGS: readonly Flag[] = [
  {
    path: ['config'],
    name: 'config',
    schema: { type: 'string', description: 'Recipe file, YAML or JSON' },
    boolean: false,
    required: false,
  },
  {
    path: ['set'],
    name: 'set',
    schema: {
      type: 'array',
      repeat: true,
      items: { type: 'string' },
      description: 'Recipe option as key=value, such as lora.rank=16; may be repeated',
    },
    boolean: false,
    required: false,
  },
];

/** What was typed, by flag name; values are as typed except for booleans. */
export interface Typed {
  readonly flags: ReadonlyMap<Flag, readonly (string | boolean)[]>;
  readonly words: readonly string[];
}

/** The values given to a common or recipe flag; empty when it was not given. */
export const given = (typed: Typed, name: string): readonly (string | boolean)[] =>
  [...typed.flags].find(([flag]) => flag.name === name)?.[1] ?? [];

/** True when a common flag is on. */
export const isOn = (typed: Typed, name: string): boolean => given(typed, name).at(-1) === true;

/** Splits arguments into flags and words. Throws a usage error for an unknown flag or one without its value. */
export function readArguments(args: readonly string[], known: readonly Flag[]): Typed {
  const byName = new Map(known.map((flag) => [flag.name, flag]));
  const flags = new Map<Flag, (string | boolean)[]>();
  const words: string[] = [];
  const add = (flag: Flag, value: string | boolean) => flags.set(flag, [...(flags.get(flag) ?? []), value]);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') {
      words.push(...args.slice(i + 1));
      break;
    }
    if (arg === '-h') add(byName.get('help')!, true);
    else if (!arg.startsWith('-') || arg === '-' || /^-[\d.]/.test(arg)) words.push(arg);
    else {
      const [, name, value] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(arg)!;
      const flag = byName.get(name!);
      const negated = name!.startsWith('no-') ? byName.get(name!.slice(3)) : undefined;
      if (flag?.boolean && arg.startsWith('--')) add(flag, value === undefined ? true : value);
      else if (negated?.boolean && value === undefined) add(negated, false);
      else if (flag && arg.startsWith('--')) add(flag, value ?? valueAfter(args, ++i, flag));
      else throw unknownFlag(arg.replace(/=[\s\S]*$/, ''), [...byName.keys()]);
    }
  }
  return { flags, words };
}

function valueAfter(args: readonly string[], index: number, flag: Flag): string {
  const value = args[index];
  if (value !== undefined && !value.startsWith('--')) return value;
  const hint = value === undefined ? '' : `; a value that begins with -- is written --${flag.name}=${value}`;
  throw usageError(`--${flag.name}: expected a value after it, got ${value ?? 'nothing'}${hint}`, { flag: flag.name });
}

function unknownFlag(typed: string, names: readonly string[]) {
  const dashed = names.map((name) => `--${name}`);
  return usageError(`${typed}: unknown flag${didYouMean(typed, dashed) || '; --help lists the flags'}`, {
    flag: typed,
  });
}

/** The options that flags and words of a command stand for, nested as in its schema. Throws a usage error for a word too many. */
export function optionsOf(command: string, schema: JsonSchema, typed: Typed): Mapping {
  const values: Mapping = {};
  for (const [flag, given] of typed.flags) {
    const read = given.map((value) => (typeof value === 'string' ? coerceText(flag.schema, value) : value));
    const list = read.every(Array.isArray) && read.length > 1;
    setAt(values, flag.path, list ? read.flat() : read.at(-1));
  }
  const words = [...typed.words];
  for (const { name, many } of positionalsOf(command)) {
    const flag = flagsOf(schema).find((f) => f.name === name || f.path.join('.') === name);
    if (!flag) throw new Error(`the positional ${name} of "${command}" is no key of its schema`);
    if (many && words.length > 0) setAt(values, flag.path, words.splice(0));
    else if (words.length > 0) setAt(values, flag.path, coerceText(flag.schema, words.shift()!));
  }
  if (words.length > 0)
    throw usageError(`"${words[0]}": unexpected word; expected phasetune ${command} [flags]`, { word: words[0] });
  return values;
}
