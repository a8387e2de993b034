import { setImmediate } from 'node:timers/promises';

/** The part of one of Node's output streams that is used here. */
export interface OutputStream {
  write(text: string, done?: (error?: Error | null) => void): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
}

/** Why a stream takes no more: nobody reads it, or writing failed, on a full disk for instance. */
export type Loss = { readonly kind: 'unread' } | { readonly kind: 'failed'; readonly error: Error };

/** State of a stream. */
export interface StreamState {
  /** Why what is written is dropped by now; undefined while it is not. */
  readonly loss: Loss | undefined;
  /** Runs something once nobody reads the stream any more; at once where that is so already. */
  onUnread(action: () => void): void;
  /** Resolves when all that was written has left the process, or cannot. */
  settled(): Promise<void>;
}

/** A stream whose failures end nothing: once one has failed, what is written to it is dropped. */
export interface Sink extends StreamState {
  write(text: string): void;
}

/** Errors of a pipe or a socket whose other end is gone, and of a stream that is closed. */
const UNREAD = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

/** A terminal that was closed gives EIO (or ENXIO); on a file these are a broken disk. */
const UNREAD_TERMINAL = new Set(['EIO', 'ENXIO', 'ENOTTY']);

function lossOf(error: Error, stream: OutputStream): Loss {
  const { code = '' } = error as NodeJS.ErrnoException;
  const unread = UNREAD.has(code) || (stream.isTTY === true && UNREAD_TERMINAL.has(code));
  return unread ? { kind: 'unread' } : { kind: 'failed', error };
}

const sinks = new WeakMap<OutputStream, Sink>();

/** The sink of a stream, always the same one. */
export function sinkOf(stream: OutputStream): Sink {
  const sink = sinks.get(stream) ?? openSink(stream);
  sinks.set(stream, sink);
  return sink;
}

function openSink(stream: OutputStream): Sink {
  let loss: Loss | undefined;
  let pending = 0;
  const unread: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const settle = () => {
    if (loss || pending === 0) for (const resolve of waiting.splice(0)) resolve();
  };
  /** Errors come in three ways: thrown (files, before Node 22), to the callback, and as an event. */
  const fail = (error: Error) => {
    if (loss) return;
    loss = lossOf(error, stream);
    if (loss.kind === 'unread') for (const action of unread) action();
    settle();
  };
  stream.on?.('error', fail);
  return {
    get loss() {
      return loss;
    },
    write: (text) => {
      if (loss) return;
      pending++;
      try {
        stream.write(text, (error) => {
          pending--;
          if (error) fail(error);
          else settle();
        });
      } catch (error) {
        fail(error as Error);
      }
    },
    onUnread: (action) => {
      if (loss?.kind === 'unread') action();
      else unread.push(action);
    },
    settled: async () => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        settle();
      });
      // An error may come as an event only, right after.
      await setImmediate();
    },
  };
}
