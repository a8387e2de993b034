import type * as z from 'zod';
import { describeSchema, type JsonSchema } from '../config/json-schema.js';
import { COMMON_FLAGS, RECIPE_FLAGS } from './argv.js';
import type { Command } from './command.js';
import { type Flag, flagsOf, positionalsOf } from './flags.js';
import type { Registered } from './registry.js';

async function base(columns = 100) {
  const { default: yargs } = await import('yargs');
  return yargs([]).scriptName('phasetune').help(false).version(false).locale('en').wrap(Math.min(columns, 120));
}

/** The page of `phasetune --help`: the commands given, by name. */
export async function overview(commands: readonly Registered[], columns = 100): Promise<string> {
  const page = (await base(columns)).usage(
    'Usage: phasetune <command> [flags]\n\nTunes Llama and Mistral decoders with LoRA in stages of rising difficulty.',
  );
  for (const { name, describe } of commands) page.command(name, sentence(describe));
  for (const flag of COMMON_FLAGS) page.option(flag.name, optionFor(flag));
  return page.epilogue('phasetune <command> --help tells the flags of a command.').getHelp();
}

/** The page of `phasetune <command> --help`, from the command's schema. */
export async function commandHelp(command: Command<z.ZodObject>, json: JsonSchema, columns = 100): Promise<string> {
  const page = (await base(columns)).usage(
    `Usage: phasetune ${command.command} [flags]\n\n${sentence(command.describe)}`,
  );
  const words = positionalsOf(command.command).map(({ name }) => name);
  const flags = flagsOf(json);
  const positional = flags.filter((flag) => words.includes(flag.name) || words.includes(flag.path.join('.')));
  for (const flag of positional) page.positional(flag.name, { describe: describeFlag(flag) });
  const options = flags.filter((flag) => !positional.includes(flag));
  for (const flag of options) page.option(flag.name, optionFor(flag));
  page.group(
    options.map((flag) => flag.name),
    'Options:',
  );
  const common = [...(command.recipe ? RECIPE_FLAGS : []), ...COMMON_FLAGS];
  for (const flag of common) page.option(flag.name, optionFor(flag));
  page.group(
    common.map((flag) => flag.name),
    'General:',
  );
  page.epilogue(examples(command));
  return page.getHelp();
}

/** The examples, each with its comment above it: lines to be copied stay whole. */
function examples({ examples: all = [] }: Command<z.ZodObject>): string {
  if (all.length === 0) return '';
  return ['Examples:', ...all.flatMap(([line, comment]) => [`  # ${comment}`, `  ${line}`])].join('\n');
}

function describeFlag(flag: Flag): string {
  const { description = '', default: standard } = flag.schema;
  const plain = flag.boolean || (flag.schema.type === 'string' && !flag.schema.enum);
  const notes = [plain ? '' : describeSchema(flag.schema), flag.required ? 'required' : '', defaultText(standard)];
  const told = notes.filter(Boolean).join('; ');
  return [sentence(description), told && `[${told}]`].filter(Boolean).join(' ');
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function defaultText(value: unknown): string {
  if (value === undefined) return '';
  const text = Array.isArray(value)
    ? value.join(',')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
  return text === '' ? '' : `default ${text}`;
}

function optionFor(flag: Flag) {
  const negatable = flag.schema.default === true ? ` (--no-${flag.name} turns it off)` : '';
  return { describe: `${describeFlag(flag)}${negatable}` };
}
