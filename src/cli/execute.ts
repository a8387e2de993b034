import type * as z from 'zod';
import type { JsonSchema } from '../config/json-schema.js';
import { type Layer, mergeLayers, resolveLayers } from '../config/layers.js';
import { jsonText } from '../core/json-text.js';
import { createLogger } from '../telemetry/logger.js';
import { showProgress } from '../telemetry/progress.js';
import { hide } from '../telemetry/redact.js';
import { openTerminal, type TextStream } from '../telemetry/terminal.js';
import type { Command, CommandContext } from './command.js';
import { confirmOnTerminal } from './confirm.js';
import { flagName, positionalsOf } from './flags.js';
import { type Arguments, given, optionsOf } from './options.js';
import { listenForInterrupt } from './signals.js';

const print = (line: string) => process.stdout.write(`${line}\n`);

/** Standard error, without secrets. */
const talk: TextStream = {
  write: (text) => process.stderr.write(hide(text)),
  get isTTY() {
    return process.stderr.isTTY;
  },
  get columns() {
    return process.stderr.columns;
  },
};

/** Runs a command with what yargs read of its arguments. Returns the exit code; errors are thrown. */
export async function execute(
  command: Command<z.ZodObject>,
  schema: JsonSchema,
  argv: Arguments,
  args: readonly string[],
): Promise<number> {
  const [json, verbose] = [argv.json === true, argv.verbose === true];
  const terminal = openTerminal(talk);
  const logger = createLogger({ write: terminal.write, verbose });
  const options = resolveLayers(command.schema, schema, await layersOf(command, schema, argv, args));
  const interruption = listenForInterrupt(logger);
  const context: CommandContext = {
    logger,
    json,
    verbose,
    print: (line) => terminal.aside(() => json || print(hide(line))),
    progress: (task) => showProgress(terminal, task),
    confirm:
      process.stdin.isTTY && process.stderr.isTTY
        ? (question) => confirmOnTerminal(hide(question), interruption.signal())
        : undefined,
    get signal() {
      return interruption.signal();
    },
  };
  try {
    const result = await command.run(options, context);
    if (json) print(jsonText(hide(result)));
    return interruption.interrupted() ? 130 : 0;
  } catch (error) {
    throw interruption.interrupted() && (error as Error)?.name === 'AbortError' ? interruption.signal().reason : error;
  } finally {
    terminal.show();
    interruption.release();
  }
}

/** The places that options come from, later ones winning: recipe file, environment, `--set`, flags and words. */
async function layersOf(
  command: Command<z.ZodObject>,
  json: JsonSchema,
  argv: Arguments,
  args: readonly string[],
): Promise<Layer[]> {
  const words = positionalsOf(command.command).map(({ name }) => name);
  const flags: Layer = {
    values: optionsOf(command, json, argv, args),
    where: (path) => (words.includes(path.join('.')) ? `<${path.join('.')}>` : `--${flagName(path)}`),
  };
  if (!command.recipe) return [flags];
  const { environmentLayer, recipeLayer, setLayer } = await import('../config/sources.js');
  const files = await Promise.all(given(argv, 'config').map((file) => recipeLayer(String(file))));
  const layers = [...files, environmentLayer(json, process.env), setLayer(json, given(argv, 'set').map(String)), flags];
  const inherited = await command.inherits?.(mergeLayers(layers));
  return inherited ? [inherited, ...layers] : layers;
}
