import { type PhasetuneError, usageError } from '../core/errors.js';
import { didYouMean, suggest } from '../core/suggest.js';

/** What an error can say about a command line that yargs refuses, depending on how far it was understood. */
export interface Place {
  /** Flags known here, as typed after `--`. */
  readonly flags: readonly string[];
  /** Names of the positionals here. */
  readonly positionals: readonly string[];
  /** The error for words that nothing here takes. */
  unknownWords(words: readonly string[]): PhasetuneError;
}

/** Turns yargs' message about these arguments into a usage error of one line, with what was probably meant. */
export function refusal(message: string, args: readonly string[], place: Place): PhasetuneError {
  const [, words] = /^Unknown commands?: ([\s\S]*)$/.exec(message) ?? [];
  if (words !== undefined) return place.unknownWords(words.split(', '));
  const [, names] = /^Unknown arguments?: ([\s\S]*)$/.exec(message) ?? [];
  if (names !== undefined) return unknownFlag(asTyped(names.split(', ')[0]!, args), place.flags);
  const [, short] = /^Not enough arguments following: (.*)$/.exec(message) ?? [];
  if (short !== undefined) return missingValue(short, args);
  const [, name, got, choices] = /Argument: (.*?), Given: (.*?), Choices: (.*)/.exec(message) ?? [];
  if (name === undefined) return usageError(message.replace(/\s+/g, ' '));
  const where = place.positionals.includes(name) ? `<${name}>` : `--${name}`;
  const expected = `one of ${choices!.replaceAll('"', '')}`;
  return usageError(`${where}: expected ${expected}, got ${got}`, { option: name, expected });
}

/** The error for a flag that a command does not have. */
export const unknownFlag = (typed: string, flags: readonly string[]): PhasetuneError => {
  const dashed = flags.map((name) => `--${name}`);
  return usageError(`${typed}: unknown flag${didYouMean(typed, dashed) || '; --help-all lists every flag'}`, {
    flag: typed,
  });
};

/** The error for words that begin with no command; it lists the commands that there are. */
export function unknownCommand(typed: string, words: readonly string[], names: readonly string[]): PhasetuneError {
  const near = suggest(words.slice(0, 2).join(' '), names) ?? suggest(words[0]!, names);
  const known = names.map((name) => `phasetune ${name}`).join(', ');
  const hint = near ? ` (did you mean "${near}"?)` : '';
  return usageError(`"${typed}": unknown command${hint}; expected ${known}`, { command: typed });
}

/** The argument that yargs read a name from: `--name`, `--no-name`, or a group of letters that contains it. */
function asTyped(name: string, args: readonly string[]): string {
  const heads = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.replace(/=[\s\S]*$/, ''));
  const exact = heads.find((head) => head === `--${name}` || head === `--no-${name}` || head === `-${name}`);
  return exact ?? heads.find((head) => !head.startsWith('--') && head.includes(name)) ?? `--${name}`;
}

function missingValue(flag: string, args: readonly string[]): PhasetuneError {
  const position = args.findIndex((arg, i) => arg === `--${flag}` && (args[i + 1] ?? '-').startsWith('-'));
  const next = args[position + 1];
  const hint = next === undefined ? '' : `; a value that begins with - is written --${flag}=${next}`;
  return usageError(`--${flag}: expected a value after it, got ${next ?? 'nothing'}${hint}`, { flag });
}
