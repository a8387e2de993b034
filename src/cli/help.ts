import type * as z from 'zod';
import { describeSchema, type JsonSchema } from '../config/json-schema.js';
import { COMMON_FLAGS, RECIPE_FLAGS } from './argv.js';
import type { Command } from './command.js';
import { type Flag, flagsOf, positionalsOf } from './flags.js';
import type { Registered } from './registry.js';

/** A name and what it is for. */
type Entry = readonly [name: string, text: string];

/** The page of `phasetune --help`: the commands given, by name. */
export function overview(commands: readonly Registered[], columns?: number): string {
  return page([
    'Usage: phasetune <command> [flags]',
    'Tunes Llama and Mistral decoders with LoRA in stages of rising difficulty.',
    section(
      'Commands',
      commands.map(({ name, describe }) => [name, sentence(describe)]),
      columns,
    ),
    section('Flags of every command', COMMON_FLAGS.map(entryOf), columns),
    'phasetune <command> --help tells the flags of a command.',
  ]);
}

/** The page of `phasetune <command> --help`, from the command's schema. */
export function commandHelp(command: Command<z.ZodObject>, json: JsonSchema, columns?: number): string {
  const words = positionalsOf(command.command).map(({ name }) => name);
  const isWord = (flag: Flag) => words.includes(flag.path.join('.'));
  const flags = flagsOf(json);
  const positional = flags.filter(isWord).map((flag): Entry => [`<${flag.path.join('.')}>`, describeFlag(flag)]);
  const options = flags.filter((flag) => !isWord(flag)).map(entryOf);
  const general = [...(command.recipe ? RECIPE_FLAGS : []), ...COMMON_FLAGS].map(entryOf);
  const examples = command.examples?.flatMap(([line, comment]) => [`  # ${comment}`, `  ${line}`]) ?? [];
  return page([
    `Usage: phasetune ${command.command} [flags]`,
    sentence(command.describe),
    section('Words', positional, columns),
    section('Flags', options, columns),
    section('Flags of every command', general, columns),
    examples.length > 0 ? ['Examples:', ...examples].join('\n') : '',
  ]);
}

const page = (parts: readonly string[]) => parts.filter(Boolean).join('\n\n');

/** A heading and its entries in two columns, texts broken to the width; nothing where there are no entries. */
function section(heading: string, entries: readonly Entry[], columns = 100): string {
  if (entries.length === 0) return '';
  const indent = Math.max(...entries.map(([name]) => name.length)) + 4;
  const width = Math.max(30, Math.min(columns, 120) - indent);
  const lines = entries.map(([name, text]) => `  ${name.padEnd(indent - 2)}${broken(text, width, indent)}`);
  return [`${heading}:`, ...lines].join('\n');
}

function broken(text: string, width: number, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}

const entryOf = (flag: Flag): Entry => [`--${flag.name}`, describeFlag(flag)];

function describeFlag(flag: Flag): string {
  const { description = '', default: standard } = flag.schema;
  const plain = flag.boolean || (flag.schema.type === 'string' && !flag.schema.enum);
  const notes = [plain ? '' : describeSchema(flag.schema), flag.required ? 'required' : '', defaultText(standard)];
  const told = notes.filter(Boolean).join('; ');
  const negatable = standard === true ? `(--no-${flag.name} turns it off)` : '';
  return [sentence(description), told && `[${told}]`, negatable].filter(Boolean).join(' ');
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function defaultText(value: unknown): string {
  if (value === undefined || value === false) return '';
  const text = Array.isArray(value)
    ? value.join(',')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
  return text === '' ? '' : `default ${text}`;
}
