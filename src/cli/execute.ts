import type * as z from 'zod';
import { jsonSchemaOf } from '../config/from-zod.js';
import type { JsonSchema } from '../config/json-schema.js';
import { type Layer, resolveLayers } from '../config/layers.js';
import { createLogger } from '../telemetry/logger.js';
import { showProgress } from '../telemetry/progress.js';
import { secretsIn } from '../telemetry/redact.js';
import { openTerminal } from '../telemetry/terminal.js';
import { COMMON_FLAGS, given, isOn, optionsOf, RECIPE_FLAGS, readArguments, type Typed } from './argv.js';
import type { Command, CommandContext } from './command.js';
import { flagName, flagsOf, positionalsOf } from './flags.js';
import { listenForInterrupt } from './signals.js';
import { version } from './version.js';

const print = (line: string) => process.stdout.write(`${line}\n`);

/** Reads a command's flags and words, runs it, or shows its help. Returns the exit code; errors are thrown. */
export async function runCommand(command: Command<z.ZodObject>, args: readonly string[]): Promise<number> {
  const json = jsonSchemaOf(command.schema);
  const typed = readArguments(args, [...flagsOf(json), ...COMMON_FLAGS, ...(command.recipe ? RECIPE_FLAGS : [])]);
  if (isOn(typed, 'version')) print(version());
  else if (isOn(typed, 'help')) print((await import('./help.js')).commandHelp(command, json, process.stdout.columns));
  else return execute(command, json, typed);
  return 0;
}

async function execute(command: Command<z.ZodObject>, schema: JsonSchema, typed: Typed): Promise<number> {
  const [json, verbose] = [isOn(typed, 'json'), isOn(typed, 'verbose')];
  const terminal = openTerminal(process.stderr);
  const logger = createLogger({ write: terminal.write, verbose, secrets: secretsIn(process.env) });
  const options = resolveLayers(command.schema, schema, await layersOf(command, schema, typed));
  const interruption = listenForInterrupt(logger);
  const context: CommandContext = {
    logger,
    json,
    verbose,
    print: (line) => terminal.aside(() => json || print(line)),
    progress: (task) => showProgress(terminal, task),
    get signal() {
      return interruption.signal();
    },
  };
  try {
    const result = await command.run(options, context);
    if (json) print(JSON.stringify(result));
    return interruption.interrupted() ? 130 : 0;
  } catch (error) {
    throw interruption.interrupted() && (error as Error)?.name === 'AbortError' ? interruption.signal().reason : error;
  } finally {
    terminal.show();
    interruption.release();
  }
}

/** The places that options come from, later ones winning: recipe file, environment, `--set`, flags and words. */
async function layersOf(command: Command<z.ZodObject>, json: JsonSchema, typed: Typed): Promise<Layer[]> {
  const own = new Map(
    [...typed.flags].filter(([flag]) => !COMMON_FLAGS.includes(flag) && !RECIPE_FLAGS.includes(flag)),
  );
  const words = positionalsOf(command.command).map(({ name }) => name);
  const flags: Layer = {
    values: optionsOf(command.command, json, { ...typed, flags: own }),
    where: (path) => (words.includes(path.join('.')) ? `<${path.join('.')}>` : `--${flagName(path)}`),
  };
  if (!command.recipe) return [flags];
  const { environmentLayer, recipeLayer, setLayer } = await import('../config/sources.js');
  const files = await Promise.all(given(typed, 'config').map((file) => recipeLayer(String(file))));
  return [...files, environmentLayer(json, process.env), setLayer(json, given(typed, 'set').map(String)), flags];
}
