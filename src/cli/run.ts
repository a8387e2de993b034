import { redact, secretsIn } from '../telemetry/redact.js';
import { COMMON_FLAGS, isOn, readArguments } from './argv.js';
import { asFailure, exitCodeOf, failureJson } from './failure.js';
import { COMMANDS, type Registered } from './registry.js';
import { selectCommand } from './select.js';
import { version } from './version.js';

const print = (line: string) => process.stdout.write(`${line}\n`);

/** Runs one command line and returns the exit code. Results go to standard output, talk and errors to standard error. */
export async function run(args: readonly string[], commands: readonly Registered[] = COMMANDS): Promise<number> {
  try {
    const selection = selectCommand(args, commands);
    if ('command' in selection) {
      const { runCommand } = await import('./execute.js');
      return await runCommand(await selection.command.load(), selection.rest);
    }
    const typed = readArguments(selection.rest, COMMON_FLAGS);
    if (isOn(typed, 'version')) print(version());
    else print((await import('./help.js')).overview(selection.family, process.stdout.columns));
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
