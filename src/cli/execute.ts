import { jsonSchemaOf } from '../config/from-zod.js';
import type { JsonSchema } from '../config/json-schema.js';
import { type Layer, mergeLayers, resolveLayers } from '../config/layers.js';
import { assignmentLayer, environmentLayer, hasForeignVariable, recipeLayer } from '../config/sources.js';
import { type Vocabulary, wordText } from '../core/remedies.js';
import { createLogger } from '../telemetry/logger.js';
import { showProgress } from '../telemetry/progress.js';
import type { Terminal } from '../telemetry/terminal.js';
import type { Command, CommandContext } from './command.js';
import { confirmOnTerminal } from './confirm.js';
import { report } from './failure.js';
import { flagName, positionalsOf } from './flags.js';
import { type Arguments, given, optionsOf } from './options.js';
import type { Registered } from './registry.js';
import { listenForInterrupt } from './signals.js';
import { stopWhenUnread } from './unread.js';
import { vocabularyOf } from './wording.js';

/** Where a command runs: the arguments before `--`, and where it prints. */
interface Place {
  readonly args: readonly string[];
  readonly commands: readonly Registered[];
  readonly terminal: Terminal;
}

/** A command that was loaded to be run. */
export interface Loaded {
  readonly entry: Registered;
  readonly command: Command;
  readonly json: JsonSchema;
}

/**
 * Runs a command with what yargs read of its arguments and reports an error in the command's words.
 * Returns the exit code.
 */
export async function execute(loaded: Loaded, argv: Arguments, place: Place): Promise<number> {
  const vocabulary = vocabularyOf(loaded.command, loaded.json);
  try {
    return await perform(loaded, argv, place, vocabulary);
  } catch (thrown) {
    return report(thrown, place.args, place.terminal, vocabulary);
  }
}

async function perform(
  { entry, command, json: schema }: Loaded,
  argv: Arguments,
  place: Place,
  vocabulary: Vocabulary,
) {
  const word: Wording = (text) => wordText(text, vocabulary);
  const { terminal } = place;
  const [json, verbose] = [argv.json === true, argv.verbose === true];
  const logger = createLogger({ write: (line) => terminal.write(word(line)), verbose });
  const options = resolveLayers(command.schema, schema, await layersOf(command, schema, argv, place));
  const interruption = listenForInterrupt(logger, { serves: command.serves });
  if (command.onlyPrints?.(options)) stopWhenUnread(terminal);
  let announced = false;
  const context: CommandContext = {
    logger,
    json,
    verbose,
    color: terminal.color,
    vocabulary,
    print: (line) => json || terminal.print(typeof line === 'string' ? word(line) : line),
    printText: (text) => json || terminal.printText(text),
    printData: (text) => json || terminal.printData(text),
    announce: (result) => {
      announced = true;
      if (json) terminal.printJson(result);
    },
    progress: (task) => showProgress(terminal, task),
    confirm:
      process.stdin.isTTY && terminal.live
        ? (question) => confirmOnTerminal(question, terminal.ask, interruption.signal())
        : undefined,
    get signal() {
      return interruption.signal();
    },
  };
  try {
    const run = await entry.run();
    const result = await run(options, context);
    if (json && !announced) terminal.printJson(wordWarnings(result, word));
    return interruption.code() ?? 0;
  } catch (error) {
    throw interruption.reasonOf(error);
  } finally {
    terminal.show();
    interruption.release();
  }
}

type Wording = (text: string) => string;

/** The result with its `warnings`, if it has any, in the words of the command line, as they are logged. */
const wordWarnings = (result: Record<string, unknown>, word: Wording): Record<string, unknown> =>
  Array.isArray(result.warnings)
    ? { ...result, warnings: result.warnings.map((warning) => (typeof warning === 'string' ? word(warning) : warning)) }
    : result;

/** Options of all commands that read variables. */
async function recipeSchemas(commands: readonly Registered[]): Promise<JsonSchema[]> {
  const all = await Promise.all(commands.map((entry) => entry.options()));
  return all.filter(({ recipe }) => recipe).map(({ schema }) => jsonSchemaOf(schema));
}

/** The places that options come from, later ones winning: recipe file, environment, `--set`, flags and words. */
async function layersOf(
  command: Command,
  json: JsonSchema,
  argv: Arguments,
  { args, commands }: Place,
): Promise<Layer[]> {
  const words = positionalsOf(command.command).map(({ name }) => name);
  const flags: Layer = {
    values: optionsOf(command, json, argv, args),
    where: (path) => (words.includes(path.join('.')) ? `<${path.join('.')}>` : `--${flagName(path)}`),
  };
  if (!command.recipe) return [flags];
  const files = await Promise.all(given(argv, 'config').map((file) => recipeLayer(String(file))));
  const others = hasForeignVariable(json, process.env) ? await recipeSchemas(commands) : [];
  const variables = environmentLayer(json, process.env, others);
  const assignments = assignmentLayer(json, given(argv, 'set').map(String), '--set');
  const dropped = command.notFromEnvironment?.(mergeLayers([...files, variables, assignments, flags])) ?? [];
  const kept = Object.entries(variables.values).filter(([option]) => !dropped.includes(option));
  const layers = [...files, { ...variables, values: Object.fromEntries(kept) }, assignments, flags];
  const inherited = await command.inherits?.(mergeLayers(layers));
  return inherited ? [inherited, ...layers] : layers;
}
