import { spawn } from 'node:child_process';
import { PhasetuneError } from '../../core/errors.js';

/** How a child process ended, and what it said. */
export interface ChildResult {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly killedBy: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a child process. */
export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Killed after this long; default no limit. */
  readonly timeoutMs?: number;
  /** Gets standard output as it comes. */
  readonly onOutput?: (text: string) => void;
}

const KEPT_CHARACTERS = 200_000;

/**
 * Runs a program and collects its output (the last 200,000 characters of each stream). Gives
 * undefined when there is no program of that name on the PATH; throws (code `interrupted`) once it
 * is gone when the signal aborts it, which kills it.
 */
export function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildResult | undefined> {
  const { env, signal, timeoutMs, onOutput } = options;
  return new Promise((resolve, reject) => {
    const interrupted = () => reject(new PhasetuneError('interrupted', `interrupted while running ${command}`));
    if (signal?.aborted) return interrupted();
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
    // Not spawn's own timeout: that keeps the process alive when the program does not exist.
    const timer = timeoutMs ? setTimeout(() => child.kill('SIGKILL'), timeoutMs) : undefined;
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-KEPT_CHARACTERS);
      onOutput?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-KEPT_CHARACTERS);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      // Callers may rely on the process being gone.
      if (error.name === 'AbortError') child.once('exit', interrupted);
      else if (error.code === 'ENOENT' || error.code === 'EACCES' || error.code === 'ENOTDIR') resolve(undefined);
      else reject(error);
    });
    child.on('close', (code, killedBy) => {
      clearTimeout(timer);
      resolve({ code, killedBy, stdout, stderr });
    });
  });
}

/** The last line of a text that says something; empty when there is none. */
export const lastLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '') ?? '';
