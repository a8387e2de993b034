import yargs, { type Argv } from 'yargs';
import { version } from '../core/version.js';
import type { Terminal } from '../telemetry/terminal.js';
import type { Loaded } from './execute.js';
import { nameOf } from './flags.js';
import { addHelp, COMMON_FLAGS, sentence } from './help.js';
import { type Arguments, placeOf } from './options.js';
import { type Place, refusal, unknownCommand } from './refuse.js';
import type { Registered } from './registry.js';
import { stopWhenUnread } from './unread.js';

const ABOUT = 'Tunes Llama and Mistral decoders with LoRA in stages of increasing difficulty.';

/** The state of a parse: how far the arguments were understood, and how the command that they name ended. */
interface Parse {
  /** The arguments before `--`. */
  readonly args: readonly string[];
  /** Whether help is to show every flag, as by `--help-all`. */
  readonly all: boolean;
  readonly commands: readonly Registered[];
  readonly terminal: Terminal;
  place: Place;
  code?: number;
}

/**
 * Reads the arguments with yargs and runs the command that they name, or shows help. Returns the
 * exit code; throws errors.
 */
export async function dispatch(
  args: readonly string[],
  commands: readonly Registered[],
  terminal: Terminal,
): Promise<number> {
  const [before, after] = splitAtDashes(args);
  const parse: Parse = {
    args: before,
    all: before.includes(HELP_ALL),
    terminal,
    commands,
    place: placeAmong(commands, []),
  };
  const refuse = (message: string | null, error?: Error): never => {
    throw error && error.name !== 'YError' ? error : refusal(message ?? error!.message, parse.args, parse.place);
  };
  const parser = addCommands(base(terminal.columns).fail(refuse), commands, parse);
  let shown = '';
  const show = (text: string) => {
    shown = text;
  };
  try {
    const words = [...before.map((arg) => (arg === HELP_ALL ? '--help' : arg)), ...after];
    await parser.parseAsync(words, {}, (_error, _argv, output) => show(output));
  } catch (error) {
    refuse(null, error as Error);
  }
  if (parse.code === undefined && !shown) parser.showHelp(show);
  if (shown) {
    stopWhenUnread(terminal);
    terminal.printText(shown);
  }
  return parse.code ?? 0;
}

/** To yargs it is `--help`, with more on the page. */
const HELP_ALL = '--help-all';

/** The arguments before `--`, and the rest with it. */
function splitAtDashes(args: readonly string[]): [readonly string[], readonly string[]] {
  const end = args.indexOf('--');
  return end < 0 ? [args, []] : [args.slice(0, end), args.slice(end)];
}

/** What all pages and commands share. Values stay as typed, names as written, and a list takes one value per flag. */
const base = (columns = 100) =>
  yargs()
    .scriptName('phasetune')
    .locale('en')
    .wrap(Math.min(columns, 120))
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
    })
    .usage(`Usage: phasetune <command> [flags]\n\n${ABOUT}`)
    .strict()
    .strictCommands()
    .option('json', { type: 'boolean', describe: 'Print the result as one JSON line, last on standard output' })
    .option('verbose', {
      type: 'boolean',
      describe: 'Print more, including the log of the native libraries and stack traces',
    })
    .help('help', 'Show this help')
    .alias('help', 'h')
    .option('help-all', { type: 'boolean', describe: 'Show this help with every flag' })
    .version('version', 'Show the version', version())
    .group(COMMON_FLAGS, 'Flags of every command:')
    .epilogue('phasetune <command> --help shows the flags of a command.');

/**
 * Lists every command, and lets the first word lead to its command or, for names of two words, to
 * its family. A family may also have a command of that one word: it runs unless the next word names
 * one of the others.
 */
function addCommands(page: Argv, commands: readonly Registered[], parse: Parse): Argv {
  for (const entry of commands) listCommand(page, entry.command, entry);
  const first = (entry: Registered) => entry.command.split(' ')[0]!;
  for (const word of new Set(commands.map(first))) {
    const family = commands.filter((entry) => first(entry) === word);
    const alone = family.find((entry) => nameOf(entry.command) === word);
    const others = family.filter((entry) => entry !== alone);
    const named = `${word} ${parse.args[parse.args.indexOf(word) + 1]}`;
    if (!alone || others.some((entry) => nameOf(entry.command) === named)) addFamily(page, word, others, parse);
    else addCommand(page, alone.command, alone, parse);
  }
  return page;
}

const listCommand = (page: Argv, line: string, { describe }: Registered) => page.command(line, sentence(describe));

function addFamily(page: Argv, word: string, family: readonly Registered[], parse: Parse): void {
  const place = placeAmong(family, [word]);
  const build = (inner: Argv) => {
    parse.place = place;
    inner.usage(`Usage: phasetune ${word} <command> [flags]`);
    for (const entry of family) {
      const line = entry.command.slice(word.length + 1);
      addCommand(listCommand(inner, line, entry), line, entry, parse);
    }
    return inner;
  };
  page.command(word, false, build, () => {
    throw place.unknownWords([]);
  });
}

/** Lets a name run its command; the command's files are loaded only then. */
function addCommand(page: Argv, line: string, entry: Registered, parse: Parse): void {
  let loading: Promise<Loaded> | undefined;
  const loaded = () => (loading ??= load(entry));
  const build = async (inner: Argv) => {
    const { command, json } = await loaded();
    parse.place = placeOf(command, json);
    return addHelp(inner, command, json, parse.all);
  };
  const handle = async (argv: Arguments) => {
    // Loaded here, as in `load`, so that `phasetune --help` stays fast.
    const { execute } = await import('./execute.js');
    parse.code = await execute(await loaded(), argv, parse);
  };
  // yargs must not demand a positional: a recipe or a variable may give it.
  page.command(line.replace(/<([^>]*)>/g, '[$1]'), false, build, handle);
}

async function load(entry: Registered): Promise<Loaded> {
  const [command, { jsonSchemaOf }] = await Promise.all([entry.options(), import('../config/from-zod.js')]);
  return { entry, command, json: jsonSchemaOf(command.schema) };
}

const placeAmong = (commands: readonly Registered[], before: readonly string[]): Place => ({
  flags: COMMON_FLAGS,
  positionals: [],
  unknownWords: (after) => {
    const words = [...before, ...after];
    const names = commands.map(({ command }) => nameOf(command));
    return unknownCommand(words.slice(0, before.length + 1).join(' '), words, names);
  },
});
