import type { Registered } from './registry.js';
import { run } from './run.js';

/** Lets the process's arguments run a command, and sets its exit code. A reader that closes the pipe early is no error. */
export async function runProcess(commands?: readonly Registered[]): Promise<void> {
  const stop = (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1);
  process.stdout.on('error', stop);
  process.stderr.on('error', stop);
  process.exitCode = await run(process.argv.slice(2), commands);
}
