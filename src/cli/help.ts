import type { Argv, Options } from 'yargs';
import { alternatives, describeSchema, type JsonSchema } from '../config/json-schema.js';
import { wordText } from '../core/remedies.js';
import type { Command } from './command.js';
import { type Flag, flagsOf, nameOf, positionalsOf } from './flags.js';
import { vocabularyOf } from './wording.js';

/** Flags that every command has. */
export const COMMON_FLAGS = ['json', 'verbose', 'help', 'help-all', 'version'];

/** Flags of commands that read a recipe. */
export const RECIPE_FLAGS: Readonly<Record<string, Options>> = {
  config: { describe: 'Recipe file, YAML or JSON', nargs: 1, group: 'Recipe:' },
  set: {
    describe: 'Recipe option as key=value, such as lora.rank=16; may be repeated',
    nargs: 1,
    group: 'Recipe:',
  },
};

/** A flag under its heading on a page of help. */
interface Listed {
  readonly flag: Flag;
  readonly heading: string;
  readonly hidden: boolean;
}

/**
 * Gives yargs a command's usage, words, flags and examples; without `all`, a command with many
 * flags shows those that matter first.
 */
export function addHelp(page: Argv, command: Command, json: JsonSchema, all: boolean): Argv {
  const words = new Set(positionalsOf(command.command).map(({ name }) => name));
  const vocabulary = vocabularyOf(command, json);
  const short = !all && command.first !== undefined;
  page.usage(`Usage: phasetune ${command.command} [flags]\n\n${sentence(command.describe)}`);
  for (const { flag, heading, hidden } of listed(command, flagsOf(json), short)) {
    const option = optionFor(flag, wordText(flag.schema.description ?? '', vocabulary));
    if (words.has(flag.name)) page.positional(flag.name, { ...option, default: undefined }).nargs(flag.name, 1);
    else page.option(flag.name, { ...option, group: `${heading}:`, hidden });
  }
  if (command.recipe) page.options(RECIPE_FLAGS);
  if (short) for (const flag of COMMON_FLAGS) page.hide(flag);
  return page.epilogue(endOf(command, short));
}

/** Every flag of a command under its heading, in the order of the page. */
function listed({ groups, first = [] }: Command, flags: readonly Flag[], short: boolean): Listed[] {
  const find = (option: string) => flags.filter(({ path }) => isOrHolds(option, path.join('.')));
  const grouped = Object.entries(groups ?? {}).flatMap(([heading, options]) =>
    options.flatMap((option) => find(option).map((flag) => ({ flag, heading, hidden: false }))),
  );
  const rest = flags.filter((flag) => !grouped.some((entry) => entry.flag === flag));
  const whole = [...grouped, ...rest.map((flag) => ({ flag, heading: groups ? 'Other' : 'Flags', hidden: false }))];
  if (!short) return whole;
  const shown = first.flatMap(find);
  return [
    ...shown.map((flag) => ({ flag, heading: 'Flags', hidden: false })),
    ...flags.filter((flag) => !shown.includes(flag)).map((flag) => ({ flag, heading: 'Flags', hidden: true })),
  ];
}

const isOrHolds = (option: string, path: string) => path === option || path.startsWith(`${option}.`);

/** What stands below the flags: examples, and on a short page where the rest is. */
function endOf(command: Command, short: boolean): string {
  const examples = (command.examples ?? []).slice(0, short ? 2 : undefined);
  const lines = examples.flatMap(([line, comment]) => [`  # ${comment}`, `  ${line}`]);
  const rest = short ? ['', `phasetune ${nameOf(command.command)} --help-all shows all flags and examples.`] : [];
  return [...(lines.length > 0 ? ['Examples:', ...lines] : []), ...rest].join('\n');
}

/**
 * Booleans and choices are checked by yargs; every other value stays as typed, for the schema to
 * read and refuse by name.
 */
function optionFor(flag: Flag, description: string): Options & { type?: 'boolean' } {
  const { schema } = flag;
  const choices = alternatives(schema).length === 1 && schema.enum?.every((choice) => typeof choice === 'string');
  const plain = flag.boolean || flag.bare || choices || schema.type === 'string';
  const notes = [plain ? '' : describeSchema(schema), flag.required ? 'required' : ''].filter(Boolean).join('; ');
  const negatable = schema.default === true ? `(--no-${flag.name} turns it off)` : '';
  const describe = [sentence(description), notes && `[${notes}]`, negatable].filter(Boolean).join(' ');
  return {
    describe,
    ...(flag.boolean ? { type: 'boolean' } : flag.bare ? {} : { nargs: 1 }),
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
