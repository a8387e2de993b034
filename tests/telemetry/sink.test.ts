import { describe, expect, it } from 'vitest';
import { sinkOf } from '../../src/telemetry/sink.js';

type Done = (error?: Error | null) => void;

/** A stream whose writes end when the test says so. */
function fakeStream(isTTY = false) {
  const listeners: ((error: Error) => void)[] = [];
  const written: { text: string; done: Done }[] = [];
  return {
    isTTY,
    written,
    on: (_: 'error', listener: (error: Error) => void) => listeners.push(listener),
    emit: (error: Error) => {
      for (const listener of listeners) listener(error);
    },
    write: (text: string, done: Done = () => {}) => written.push({ text, done }),
  };
}

const error = (code: string) => Object.assign(new Error(code), { code });

describe('a sink', () => {
  it('is one for a stream', () => {
    const stream = fakeStream();
    expect(sinkOf(stream)).toBe(sinkOf(stream));
    expect(sinkOf(fakeStream())).not.toBe(sinkOf(stream));
  });

  it.each([
    ['EPIPE', false, 'unread'],
    ['ECONNRESET', false, 'unread'],
    ['ERR_STREAM_DESTROYED', false, 'unread'],
    ['ERR_STREAM_WRITE_AFTER_END', false, 'unread'],
    ['EIO', true, 'unread'],
    ['EIO', false, 'failed'],
    ['ENOSPC', false, 'failed'],
    ['ENOSPC', true, 'failed'],
    ['EBADF', false, 'failed'],
  ])('that ends by %s, a terminal: %s, is %s', (code, isTTY, kind) => {
    for (const way of ['callback', 'event', 'throw']) {
      const stream = fakeStream(isTTY);
      if (way === 'throw')
        stream.write = () => {
          throw error(code);
        };
      const sink = sinkOf(stream);
      let gone = 0;
      sink.onUnread(() => gone++);
      sink.write('a');
      if (way === 'callback') stream.written[0]!.done(error(code));
      if (way === 'event') stream.emit(error(code));
      stream.emit(error('ENOSPC'));
      sink.write('b');
      expect(sink.loss?.kind).toBe(kind);
      expect(stream.written.map(({ text }) => text)).toEqual(way === 'throw' ? [] : ['a']);
      sink.onUnread(() => gone++);
      expect(gone).toBe(kind === 'unread' ? 2 : 0);
    }
  });

  it('is settled once all is written, and at once where nothing was, or where it is lost', async () => {
    const stream = fakeStream();
    const sink = sinkOf(stream);
    await sink.settled();
    expect(stream.written).toEqual([]);
    sink.write('a');
    sink.write('b');
    let settled = false;
    const all = sink.settled().then(() => {
      settled = true;
    });
    stream.written[0]!.done();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(settled).toBe(false);
    stream.written[1]!.done(null);
    await all;
    sink.write('c');
    const lost = sink.settled();
    stream.emit(error('EPIPE'));
    await lost;
    expect(sink.loss).toEqual({ kind: 'unread' });
  });
});
