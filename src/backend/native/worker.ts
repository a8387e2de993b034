import { fork } from 'node:child_process';
import process from 'node:process';
import { lastLine } from './child.js';

/** How a worker ended although it was not asked to. */
export interface WorkerEnd {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null;
  readonly killedBy: string | null;
  /** The last line that it wrote to stderr; empty where there is none. */
  readonly lastLine: string;
}

/** What a worker reports to the process that started it. */
export interface WorkerListener {
  onMessage(message: unknown): void;
  /** It is gone, though nobody called `end`. */
  onEnd(end: WorkerEnd): void;
}

/** A process of this program that works for this one. */
export interface Worker {
  readonly pid: number;
  /** Sends a value, typed arrays and maps among them; does nothing once it is gone. */
  send(message: unknown): void;
  /** Ends it at once; resolves when it is gone. */
  end(): Promise<void>;
}

/** How to start a worker. */
export interface WorkerOptions {
  /** An open file that it gets as {@link SHARED_FILE}. */
  readonly file?: number;
  /** Lets what it writes to stderr through. */
  readonly verbose: boolean;
}

/** Number of the open file that a worker was given. */
export const SHARED_FILE = 4;

const KEPT_CHARACTERS = 20_000;

/** Starts a process on a module that calls {@link serveParent}. It ends when this process does, however that ends. */
export function startWorker(module: URL, { file, verbose }: WorkerOptions, listener: WorkerListener): Worker {
  const stderr = verbose ? ('inherit' as const) : ('pipe' as const);
  const stdio = ['ignore' as const, 'ignore' as const, stderr, 'ipc' as const, ...(file === undefined ? [] : [file])];
  const child = fork(module, [], { serialization: 'advanced', stdio });
  let said = '';
  let ending = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_CHARACTERS);
  });
  const gone = new Promise<void>((resolve) => {
    const over = (end: Omit<WorkerEnd, 'lastLine'>, why: string) => {
      resolve();
      if (!ending) listener.onEnd({ ...end, lastLine: why });
      ending = true;
    };
    child.on('close', (code, killedBy) => over({ code, killedBy }, lastLine(said)));
    // It could not be started, or not be sent to: the latter because it is gone.
    child.on('error', (error) => {
      if (child.pid === undefined) over({ code: null, killedBy: null }, error.message);
    });
  });
  child.on('message', (message) => listener.onMessage(message));
  return {
    pid: child.pid ?? 0,
    send(message) {
      if (child.connected) child.send(message as object, () => {});
    },
    end() {
      ending = true;
      child.kill('SIGKILL');
      return gone;
    },
  };
}

/** The way from a worker to the process that started it. */
export interface ParentLink {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

/**
 * Makes this process a worker: interrupts are for the process that started it, which decides when it ends; when
 * that process is gone, so is this one.
 */
export function serveParent(): ParentLink {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2', 'SIGHUP'] as const) process.on(signal, () => {});
  // Not `exit`, which would wait for the library's threads.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  return {
    send: (message) => process.send?.(message),
    onMessage: (listener) => {
      process.on('message', listener);
    },
  };
}
