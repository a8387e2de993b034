import { createRequire } from 'node:module';
import type * as z from 'zod';
import { type JsonSchema, jsonSchemaOf } from '../config/json-schema.js';
import { type Layer, resolveLayers } from '../config/layers.js';
import { createLogger } from '../telemetry/logger.js';
import { showProgress } from '../telemetry/progress.js';
import { redact, secretsIn } from '../telemetry/redact.js';
import { openTerminal } from '../telemetry/terminal.js';
import { COMMON_FLAGS, optionsOf, RECIPE_FLAGS, readArguments, type Typed } from './argv.js';
import type { Command, CommandContext } from './command.js';
import { asFailure, exitCodeOf, failureJson } from './failure.js';
import { flagName, flagsOf, positionalsOf } from './flags.js';
import { COMMANDS, type Registered } from './registry.js';
import { selectCommand } from './select.js';
import { listenForInterrupt } from './signals.js';

const print = (line: string) => process.stdout.write(`${line}\n`);
const columns = () => process.stdout.columns ?? 100;

/** Runs one command line and returns the exit code. Results go to standard output, talk and errors to standard error. */
export async function run(args: readonly string[], commands: readonly Registered[] = COMMANDS): Promise<number> {
  try {
    const selection = selectCommand(args, commands);
    if ('command' in selection) return await runCommand(await selection.command.load(), selection.rest);
    const typed = readArguments(selection.rest, COMMON_FLAGS);
    if (isOn(typed, 'version')) print(version());
    else print(await (await import('./help.js')).overview(selection.family, columns()));
    return 0;
  } catch (thrown) {
    return report(thrown, args.includes('--json'), args.includes('--verbose'));
  }
}

/** Says what went wrong, without secrets, and gives the exit code. */
function report(thrown: unknown, json: boolean, verbose: boolean): number {
  const secrets = secretsIn(process.env);
  const failure = asFailure(thrown);
  process.stderr.write(redact(`error: ${failure.message}\n`, secrets));
  for (let cause: unknown = thrown; verbose && cause instanceof Error; cause = cause.cause)
    process.stderr.write(redact(`${cause.stack}\n`, secrets));
  if (json) print(redact(failureJson(failure), secrets));
  return exitCodeOf(failure);
}

/** The version in package.json, which lies two folders up from the sources as from the build. */
const version = () => (createRequire(import.meta.url)('../../package.json') as { version: string }).version;

const given = (typed: Typed, name: string) => [...typed.flags].find(([flag]) => flag.name === name)?.[1] ?? [];
const isOn = (typed: Typed, name: string) => given(typed, name).at(-1) === true;

async function runCommand(command: Command<z.ZodObject>, args: readonly string[]): Promise<number> {
  const json = jsonSchemaOf(command.schema);
  const typed = readArguments(args, [...flagsOf(json), ...COMMON_FLAGS, ...(command.recipe ? RECIPE_FLAGS : [])]);
  if (isOn(typed, 'version')) print(version());
  else if (isOn(typed, 'help')) print(await (await import('./help.js')).commandHelp(command, json, columns()));
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
