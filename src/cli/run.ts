import { keepSecret } from '../telemetry/redact.js';
import { processTerminal, type Terminal } from '../telemetry/terminal.js';
import { asFailure, exitCodeOf, failureJson } from './failure.js';
import { dispatch } from './parser.js';
import { COMMANDS, type Registered } from './registry.js';
import { findSecrets } from './secrets.js';

/** Runs one command line and returns the exit code. Results go to standard output, talk and errors to standard error. */
export async function run(
  args: readonly string[],
  commands: readonly Registered[] = COMMANDS,
  terminal: Terminal = processTerminal(),
): Promise<number> {
  keepSecret(await findSecrets(process.env, args));
  try {
    return await dispatch(args, commands, terminal);
  } catch (thrown) {
    return report(thrown, args, terminal);
  }
}

/** Says what went wrong and gives the exit code. */
export function report(thrown: unknown, args: readonly string[], terminal: Terminal): number {
  const [json, verbose] = [args.includes('--json'), args.includes('--verbose')];
  const failure = asFailure(thrown);
  terminal.write(`error: ${failure.message}`);
  for (let cause: unknown = thrown; verbose && cause instanceof Error; cause = cause.cause)
    terminal.writeText(String(cause.stack));
  if (json) terminal.printJson(failureJson(failure));
  return exitCodeOf(failure);
}
