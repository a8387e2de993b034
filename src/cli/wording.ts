import type { JsonSchema } from '../config/json-schema.js';
import type { OptionValue, Vocabulary } from '../core/remedies.js';
import { shellWord } from '../core/shell-word.js';
import type { Command } from './command.js';
import { flagName, flagsOf, nameOf, positionalsOf } from './flags.js';
import { COMMANDS } from './registry.js';

/**
 * How the command line names options and tasks: the library's `` `maxLength` `` is `--max-length`,
 * `` `mode: eager` `` is `--mode eager`, a positional is `<file>`, and the task `stage` is
 * `phasetune stage FILE`. Only options of the command that runs are translated; without a command
 * there are none.
 */
export function vocabularyOf(command?: Command, schema: JsonSchema = {}): Vocabulary {
  const flags = new Map(flagsOf(schema).map((flag) => [flag.path.join('.'), flag]));
  const positionals = new Set(positionalsOf(command?.command ?? '').map(({ name }) => name));
  return {
    taskWord: 'command',
    option(name, value) {
      const flag = flags.get(name);
      if (!flag) return undefined;
      if (positionals.has(flag.name)) return `<${flag.name}>`;
      return typedFlag(flag.name, flag.boolean && typeof value === 'string' ? value === 'true' : value);
    },
    task(name, options) {
      const { command: line } = COMMANDS.find((entry) => nameOf(entry.command) === name)!;
      const words = positionalsOf(line).map((word) => word.name);
      const rest = Object.entries(options).filter(([option]) => !words.includes(option));
      const typed = [
        ...words.map((word) => (options[word] === undefined ? word.toUpperCase() : typedWords(options[word]))),
        ...rest.map(([option, value]) => typedFlag(flagName(option.split('.')), value)),
      ];
      return `\`${['phasetune', name, ...typed].join(' ')}\``;
    },
  };
}

/** Values as words of their own. */
const typedWords = (value: OptionValue | readonly string[]): string =>
  typeof value === 'object' ? value.map(shellWord).join(' ') : shellWord(value);

/** A flag with its value, as it is typed. */
function typedFlag(name: string, value?: OptionValue | readonly string[]): string {
  if (typeof value === 'object') return `--${name} ${typedWords(value)}`;
  if (typeof value === 'boolean') return value ? `--${name}` : `--no-${name}`;
  if (value === undefined) return `--${name}`;
  const text = shellWord(value);
  return text.startsWith('-') ? `--${name}=${text}` : `--${name} ${text}`;
}
