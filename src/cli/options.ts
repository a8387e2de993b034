import { coerceText } from '../config/coerce.js';
import type { JsonSchema } from '../config/json-schema.js';
import { type Mapping, setAt } from '../config/paths.js';
import { usageError } from '../core/errors.js';
import type { Command } from './command.js';
import { type Flag, flagsOf, nameOf, positionalsOf } from './flags.js';
import { COMMON_FLAGS, RECIPE_FLAGS } from './help.js';
import { type Place, unknownFlag } from './refuse.js';

/** What yargs read of a command line. */
export type Arguments = Readonly<Record<string, unknown>> & { readonly _: readonly (string | number)[] };

/** What a refusal of a command's arguments by yargs is worded with. */
export const placeOf = (command: Command, json: JsonSchema): Place => ({
  flags: [
    ...flagsOf(json).map(({ name }) => name),
    ...(command.recipe ? Object.keys(RECIPE_FLAGS) : []),
    ...COMMON_FLAGS,
  ],
  positionals: positionalsOf(command.command).map(({ name }) => name),
  unknownWords: ([word]) =>
    usageError(`"${word}": unexpected argument; expected phasetune ${command.command} [flags]`, { word }),
});

/** Every value given to a flag, as typed; empty if it was not given. */
export const given = (argv: Arguments, name: string): unknown[] =>
  [argv[name]].flat().filter((value) => value !== undefined);

/**
 * The options on a command line, nested as in the command's schema. Words after `--`, which yargs
 * leaves in `_`, go to the positionals that are still empty. Throws a usage error for an unexpected
 * word, and for `--no-x` if x takes a value.
 */
export function optionsOf(command: Command, json: JsonSchema, argv: Arguments, args: readonly string[]): Mapping {
  const values: Mapping = {};
  const positionals = positionalsOf(command.command);
  const rest = argv._.slice(nameOf(command.command).split(' ').length).map(String);
  const extra = new Map(
    flagsOf(json).flatMap((flag) => (flag.schema.words ? [[flag.name, wordsAfter(flag.name, args)] as const] : [])),
  );
  const words = new Map(
    positionals.map(({ name, many }) => {
      const typed = without(given(argv, name).map(String), [...extra.values()].flat());
      return [name, many ? [...typed, ...rest.splice(0)] : typed.length > 0 ? typed : rest.splice(0, 1)];
    }),
  );
  if (rest.length > 0) throw placeOf(command, json).unknownWords(rest);
  for (const flag of flagsOf(json)) {
    const typed = words.get(flag.name) ?? [...given(argv, flag.name), ...(extra.get(flag.name) ?? [])];
    const list = positionals.some(({ name, many }) => many && name === flag.name);
    if (typed.length > 0) setAt(values, flag.path, list ? typed : lastOf(flag, typed, args));
  }
  return values;
}

/** The words between the first value of a flag and the next flag: yargs takes them for positionals. */
function wordsAfter(name: string, args: readonly string[]): string[] {
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const assigned = args[i]!.startsWith(`--${name}=`);
    if (args[i] !== `--${name}` && !assigned) continue;
    if (!assigned) i++;
    while (i + 1 < args.length && !args[i + 1]!.startsWith('-')) words.push(args[++i]!);
  }
  return words;
}

/** A list without these items, each taken out once, from its end. */
function without(list: readonly string[], items: readonly string[]): string[] {
  const left = [...list];
  for (const item of items) {
    const at = left.lastIndexOf(item);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

/** The last value of a flag, or all values of a list, read as the schema wants. */
function lastOf(flag: Flag, typed: readonly unknown[], args: readonly string[]): unknown {
  if (flag.boolean) {
    // yargs reads --x=maybe as false; the schema refuses the text.
    const text = args.find((arg) => arg.startsWith(`--${flag.name}=`) && !/=(true|false)$/.test(arg));
    return text?.slice(flag.name.length + 3) ?? typed.at(-1);
  }
  if (typed.includes(false) && !flag.bare) throw unknownFlag(`--no-${flag.name}`, [flag.name]);
  const read = typed.map((value) => coerceText(flag.schema, String(value)));
  return read.length > 1 && read.every(Array.isArray) ? read.flat() : read.at(-1);
}
