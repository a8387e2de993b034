import { redact, secretsIn } from '../telemetry/redact.js';
import { asFailure, exitCodeOf, failureJson } from './failure.js';
import { dispatch } from './parser.js';
import { COMMANDS, type Registered } from './registry.js';

/** Runs one command line and returns the exit code. Results go to standard output, talk and errors to standard error. */
export async function run(args: readonly string[], commands: readonly Registered[] = COMMANDS): Promise<number> {
  try {
    return await dispatch(args, commands);
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
  if (json) process.stdout.write(`${redact(failureJson(failure), secrets)}\n`);
  return exitCodeOf(failure);
}
