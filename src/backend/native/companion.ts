import { spawn } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { lastLine } from './child.js';

/** A program that runs beside this one. */
export interface Companion {
  /**
   * The first line that it printed; undefined where it ended without one, with the last line that it wrote to standard
   * error.
   */
  readonly started: Promise<{ readonly line: string } | { readonly line: undefined; readonly why: string }>;
}

const KEPT_CHARACTERS = 20_000;

/**
 * Starts a program that this one does not depend on: nothing that becomes of it reaches this
 * process, which does not wait for it either. It is in a group of its own, so that an interrupt on
 * the terminal reaches only this process, and has a channel to it, by whose end it knows that this
 * process is gone, however that came about.
 */
export function startCompanion(
  [program, ...args]: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
): Companion {
  const child = spawn(program, args, { env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  child.unref();
  child.channel?.unref();
  const { stdout, stderr } = child as unknown as Record<'stdout' | 'stderr', ReadableSocket>;
  for (const stream of [stdout, stderr]) {
    stream.setEncoding('utf8').on('error', () => {});
    stream.unref();
  }
  let said = '';
  stderr.on('data', (text: string) => {
    said = (said + text).slice(-KEPT_CHARACTERS);
  });
  const started = new Promise<Awaited<Companion['started']>>((resolve) => {
    let text = '';
    stdout.on('data', (part: string) => {
      text = (text + part).slice(0, KEPT_CHARACTERS);
      const end = text.indexOf('\n');
      if (end < 0) return;
      giveWay(child.pid);
      resolve({ line: text.slice(0, end) });
    });
    child.on('error', ({ message }) => resolve({ line: undefined, why: message }));
    child.on('close', () => resolve({ line: undefined, why: lastLine(said) }));
  });
  return { started };
}

/** Has a process, once it has begun, compute only what this one leaves. */
function giveWay(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + 10));
  } catch {
    // It is gone already, or the system does not let it: then it is as others are.
  }
}

/** A pipe to a process: Node types it without what its sockets can do. */
type ReadableSocket = NodeJS.ReadableStream & { unref(): void };
