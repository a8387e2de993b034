import { PhasetuneError } from '../core/errors.js';
import { fileError } from '../io/files.js';
import type { StreamState } from '../telemetry/sink.js';
import { processTerminal, type Terminal } from '../telemetry/terminal.js';
import { exitCodeOf, failureJson, report } from './failure.js';
import type { Registered } from './registry.js';
import { run } from './run.js';

/**
 * Runs the command that the process's arguments name, and sets the exit code. A reader that closes
 * the pipe early does not end the work; an uncaught error is reported as one line.
 */
export async function runProcess(commands?: readonly Registered[]): Promise<void> {
  const args = process.argv.slice(2);
  const terminal = processTerminal();
  process.on('uncaughtException', (error) => process.exit(report(error, args, terminal)));
  const code = await run(args, commands, terminal);
  await Promise.all([terminal.out.settled(), terminal.err.settled()]);
  process.exitCode = await reportLosses(code, args.includes('--json'), terminal);
}

/**
 * Reports, on the other stream, that a stream could not be written to, and returns the exit code:
 * the command's own, or 1 if everything but the output succeeded. A stream that nobody reads is not
 * a failure.
 */
async function reportLosses(code: number, json: boolean, terminal: Terminal): Promise<number> {
  const { out, err } = terminal;
  const losses = [lossOf(out, 'standard output', code), lossOf(err, 'standard error', code)].filter(
    (loss) => loss !== undefined,
  );
  if (losses.length === 0) return code;
  for (const loss of losses) {
    if (!err.loss) terminal.write(`error: ${loss.message}`);
    else if (json) terminal.printJson(failureJson(loss));
    else terminal.print(`error: ${loss.message}`);
  }
  await Promise.all([out.settled(), err.settled()]);
  return code || exitCodeOf(losses[0]!);
}

function lossOf({ loss }: StreamState, name: string, code: number): PhasetuneError | undefined {
  if (loss?.kind !== 'failed') return undefined;
  const { message, fields } = fileError('write', name, loss.error);
  const rest = code === 0 ? ', everything else is done' : '';
  return new PhasetuneError('failed', `${message}; its output is lost${rest}`, fields, {
    cause: loss.error,
  });
}
