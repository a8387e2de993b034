import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { messageText, openStreams, type Stream } from '../../src/live/server/streams.js';
import { openStream } from './ask.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  vi.useRealTimers();
});

async function serve() {
  const streams = openStreams({});
  const opened: Stream[] = [];
  const closed: number[] = [];
  server = createServer((_, response) => {
    const number = opened.length;
    opened.push(streams.open(response, () => closed.push(number)));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server!.once('listening', resolve));
  return { streams, opened, closed, port: (server.address() as AddressInfo).port };
}

it('writes a message as server-sent events have it, on one line of data', () => {
  expect(messageText({ event: 'sections', id: 12, data: { html: 'a\nb\r\u2028' } })).toBe(
    'event: sections\nid: 12\ndata: {"html":"a\\nb\\r\u2028"}\n\n',
  );
});

it('drops a reader that takes nothing, once a megabyte is on its way to it', async () => {
  const { streams, opened, closed, port } = await serve();
  const stream = await openStream(port, '/');
  const other = await openStream(port, '/');
  stream.pause();
  const data = 'x'.repeat(100_000);
  // The system takes some megabytes itself before anything waits here.
  for (let sent = 0; sent < 1000 && closed.length === 0; sent++) {
    opened[0]!.send({ event: 'sections', data });
    await new Promise(setImmediate);
  }
  expect(closed).toEqual([0]);
  expect(streams.count).toBe(1);
  opened[1]!.send({ event: 'sections', data: 'still' });
  await other.until((_, text) => text.includes('still'));
  stream.close();
  other.close();
});

it('sends a sign of life every 15 s, and forgets a reader that is gone', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { streams, closed, port } = await serve();
  const stream = await openStream(port, '/');
  await stream.until((_, text) => text === 'retry: 2000\n\n');
  vi.advanceTimersByTime(15_000);
  await stream.until((_, text) => text.endsWith(': still here\n\n'));
  stream.close();
  await vi.waitUntil(() => streams.count === 0);
  expect(closed).toEqual([0]);
  expect(vi.getTimerCount()).toBe(0);
});
