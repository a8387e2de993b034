import type { Argv, Options } from 'yargs';
import type * as z from 'zod';
import { coerceText } from '../config/coerce.js';
import { alternatives, describeSchema, type JsonSchema } from '../config/json-schema.js';
import { type Mapping, setAt } from '../config/paths.js';
import { usageError } from '../core/errors.js';
import type { Command } from './command.js';
import { type Flag, flagsOf, nameOf, positionalsOf } from './flags.js';
import { type Place, unknownFlag } from './refuse.js';

/** Flags that every command has. */
export const COMMON_FLAGS = ['json', 'verbose', 'help', 'version'];

/** Flags of commands that read a recipe. */
const RECIPE_FLAGS: Readonly<Record<string, Options>> = {
  config: { describe: 'Recipe file, YAML or JSON', nargs: 1, group: 'Recipe:' },
  set: {
    describe: 'Recipe option as key=value, such as lora.rank=16; may be repeated',
    nargs: 1,
    group: 'Recipe:',
  },
};

/** What yargs read of a command line. */
export type Arguments = Readonly<Record<string, unknown>> & { readonly _: readonly (string | number)[] };

/** Tells yargs a command's usage, words, flags and examples, from its schema. */
export function addOptions(page: Argv, command: Command<z.ZodObject>, json: JsonSchema): Argv {
  const words = new Set(positionalsOf(command.command).map(({ name }) => name));
  page.usage(`Usage: phasetune ${command.command} [flags]\n\n${sentence(command.describe)}`);
  for (const flag of flagsOf(json)) {
    if (words.has(flag.name))
      page.positional(flag.name, { ...optionFor(flag), default: undefined }).nargs(flag.name, 1);
    else page.option(flag.name, { ...optionFor(flag), group: 'Flags:' });
  }
  if (command.recipe) page.options(RECIPE_FLAGS);
  const examples = command.examples?.flatMap(([line, comment]) => [`  # ${comment}`, `  ${line}`]) ?? [];
  return examples.length > 0 ? page.epilogue(['Examples:', ...examples].join('\n')) : page;
}

/** Booleans and choices are checked by yargs; every other value stays as typed, for the schema to read and refuse by name. */
function optionFor(flag: Flag): Options & { type?: 'boolean' } {
  const { schema } = flag;
  const choices = alternatives(schema).length === 1 && schema.enum?.every((choice) => typeof choice === 'string');
  const plain = flag.boolean || choices || schema.type === 'string';
  const notes = [plain ? '' : describeSchema(schema), flag.required ? 'required' : ''].filter(Boolean).join('; ');
  const negatable = schema.default === true ? `(--no-${flag.name} turns it off)` : '';
  const describe = [sentence(schema.description ?? ''), notes && `[${notes}]`, negatable].filter(Boolean).join(' ');
  return {
    describe,
    ...(flag.boolean ? { type: 'boolean' } : { nargs: 1 }),
    ...(choices ? { choices: schema.enum as string[] } : {}),
    ...(schema.default === false ? {} : { defaultDescription: textOf(schema.default) }),
  };
}

/** A description as a sentence of a help page. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (Array.isArray(value)) return value.join(',') || undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What yargs' refusals of a command's arguments are told with. */
export const placeOf = (command: Command<z.ZodObject>, json: JsonSchema): Place => ({
  flags: [
    ...flagsOf(json).map(({ name }) => name),
    ...(command.recipe ? Object.keys(RECIPE_FLAGS) : []),
    ...COMMON_FLAGS,
  ],
  positionals: positionalsOf(command.command).map(({ name }) => name),
  unknownWords: ([word]) =>
    usageError(`"${word}": unexpected word; expected phasetune ${command.command} [flags]`, { word }),
});

/** Every value given to a flag, as typed; empty when it was not given. */
export const given = (argv: Arguments, name: string): unknown[] =>
  [argv[name]].flat().filter((value) => value !== undefined);

/**
 * The options that a command line stands for, nested as in the command's schema. Words after `--`, which yargs leaves in
 * `_`, go to the positionals that are still empty. Throws a usage error for a word too many and for `--no-x` where x takes
 * a value.
 */
export function optionsOf(
  command: Command<z.ZodObject>,
  json: JsonSchema,
  argv: Arguments,
  args: readonly string[],
): Mapping {
  const values: Mapping = {};
  const positionals = positionalsOf(command.command);
  const rest = argv._.slice(nameOf(command.command).split(' ').length).map(String);
  const words = new Map(
    positionals.map(({ name, many }) => {
      const typed = given(argv, name).map(String);
      return [name, many ? [...typed, ...rest.splice(0)] : typed.length > 0 ? typed : rest.splice(0, 1)];
    }),
  );
  if (rest.length > 0) throw placeOf(command, json).unknownWords(rest);
  for (const flag of flagsOf(json)) {
    const typed = words.get(flag.name) ?? given(argv, flag.name);
    const list = positionals.some(({ name, many }) => many && name === flag.name);
    if (typed.length > 0) setAt(values, flag.path, list ? typed : lastOf(flag, typed, args));
  }
  return values;
}

/** The last value of a flag, or all of them where it is a list, read as its schema wants. */
function lastOf(flag: Flag, typed: readonly unknown[], args: readonly string[]): unknown {
  if (flag.boolean) {
    // yargs takes --x=maybe for false; the schema refuses it.
    const odd = args.find((arg) => arg.startsWith(`--${flag.name}=`) && !/=(true|false)$/.test(arg));
    return odd?.slice(flag.name.length + 3) ?? typed.at(-1);
  }
  if (typed.includes(false)) throw unknownFlag(`--no-${flag.name}`, [flag.name]);
  const read = typed.map((value) => coerceText(flag.schema, String(value)));
  return read.length > 1 && read.every(Array.isArray) ? read.flat() : read.at(-1);
}
