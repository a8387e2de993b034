/** The part of one of Node's output streams that is used here. */
export interface OutputStream {
  write(text: string, done?: (error?: Error | null) => void): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
}

/** Why a stream takes no more: nobody reads it, or writing failed, on a full disk for instance. */
export type Loss = { readonly kind: 'unread' } | { readonly kind: 'failed'; readonly error: Error };

/** How a stream fares. */
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
  const actions: (() => void)[] = [];
  const fail = (error: Error) => {
    if (loss) return;
    loss = lossOf(error, stream);
    if (loss.kind === 'unread') for (const action of actions) action();
  };
  stream.on?.('error', fail);
  /** Errors come in three ways: thrown (files, before Node 22), to the callback, and as an event. */
  const put = (text: string, done: () => void) => {
    if (loss) return done();
    try {
      stream.write(text, (error) => {
        if (error) fail(error);
        done();
      });
    } catch (error) {
      fail(error as Error);
      done();
    }
  };
  return {
    get loss() {
      return loss;
    },
    write: (text) => put(text, () => {}),
    onUnread: (action) => {
      if (loss?.kind === 'unread') action();
      else actions.push(action);
    },
    settled: () => new Promise((resolve) => put('', () => setImmediate(resolve))),
  };
}
