import type { Registered } from './registry.js';
import { report, run } from './run.js';

/** Lets the process's arguments run a command, and sets its exit code. A reader that closes the pipe early is no error; what nobody caught is told as one line. */
export async function runProcess(commands?: readonly Registered[]): Promise<void> {
  const stop = (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1);
  process.stdout.on('error', stop);
  process.stderr.on('error', stop);
  const args = process.argv.slice(2);
  process.on('uncaughtException', (error) => process.exit(report(error, args)));
  process.exitCode = await run(args, commands);
}
