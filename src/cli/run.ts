import { jsonText } from '../core/json-text.js';
import { hide, keepSecret } from '../telemetry/redact.js';
import { asFailure, exitCodeOf, failureJson } from './failure.js';
import { dispatch } from './parser.js';
import { COMMANDS, type Registered } from './registry.js';
import { findSecrets } from './secrets.js';

/** Runs one command line and returns the exit code. Results go to standard output, talk and errors to standard error. */
export async function run(args: readonly string[], commands: readonly Registered[] = COMMANDS): Promise<number> {
  keepSecret(await findSecrets(process.env, args));
  try {
    return await dispatch(args, commands);
  } catch (thrown) {
    return report(thrown, args);
  }
}

/** Says what went wrong, without secrets, and gives the exit code. */
export function report(thrown: unknown, args: readonly string[]): number {
  const [json, verbose] = [args.includes('--json'), args.includes('--verbose')];
  const failure = asFailure(thrown);
  process.stderr.write(hide(`error: ${failure.message}\n`));
  for (let cause: unknown = thrown; verbose && cause instanceof Error; cause = cause.cause)
    process.stderr.write(hide(`${cause.stack}\n`));
  if (json) process.stdout.write(`${jsonText(hide(failureJson(failure)))}\n`);
  return exitCodeOf(failure);
}
