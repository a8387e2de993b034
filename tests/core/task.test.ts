import { expect, test } from 'vitest';
import { reporting, startTask, within } from '../../src/core/task.js';

async function* three(log: string[] = []): AsyncGenerator<number, string> {
  try {
    for (let i = 1; i <= 3; i++) {
      log.push(`work ${i}`);
      yield i;
    }
    return 'done';
  } finally {
    log.push('closed');
  }
}

async function* failing(): AsyncGenerator<number, string> {
  yield 1;
  throw new Error('broken');
}

test('events come in order, and the result after them', async () => {
  const task = startTask(() => three());
  const seen: number[] = [];
  for await (const event of task.events) seen.push(event);
  expect(seen).toEqual([1, 2, 3]);
  await expect(task.result).resolves.toBe('done');
});

test('the result alone does the whole work', async () => {
  const log: string[] = [];
  await expect(startTask(() => three(log)).result).resolves.toBe('done');
  expect(log).toEqual(['work 1', 'work 2', 'work 3', 'closed']);
});

test('nothing starts before something is read', async () => {
  const log: string[] = [];
  startTask(() => three(log));
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual([]);
});

test('a reader that begins in the same turn as the result misses no event', async () => {
  const task = startTask(() => three());
  const { result } = task;
  const seen: number[] = [];
  for await (const event of task.events) seen.push(event);
  expect(seen).toEqual([1, 2, 3]);
  await expect(result).resolves.toBe('done');
});

test('the work waits for the reader of its events', async () => {
  const log: string[] = [];
  const reader = startTask(() => three(log)).events[Symbol.asyncIterator]();
  await reader.next();
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual(['work 1']);
  await reader.return?.();
});

test('an error ends events and result, and is handled where either is read', async () => {
  const first = startTask(failing);
  await expect(first.result).rejects.toThrow('broken');
  const second = startTask(failing);
  await expect(
    (async () => {
      for await (const _ of second.events);
    })(),
  ).rejects.toThrow('broken');
  await expect(second.result).rejects.toThrow('broken');
});

test('a reader that leaves stops the work, which closes what it holds', async () => {
  const log: string[] = [];
  const task = startTask(() => three(log));
  for await (const _ of task.events) break;
  expect(log).toEqual(['work 1', 'closed']);
  await expect(task.result).rejects.toMatchObject({ code: 'interrupted' });
});

test('a second reader is refused', () => {
  const { events } = startTask(() => three());
  events[Symbol.asyncIterator]();
  expect(() => events[Symbol.asyncIterator]()).toThrow('one reader');
});

test('a task inside another passes on its events and its result', async () => {
  const outer = startTask(async function* () {
    const inner = yield* within(startTask(() => three()));
    return `${inner} twice`;
  });
  const seen: number[] = [];
  for await (const event of outer.events) seen.push(event);
  expect(seen).toEqual([1, 2, 3]);
  await expect(outer.result).resolves.toBe('done twice');
});

test('what a function reports by callback becomes events, in order, and its result the result', async () => {
  const task = startTask(() =>
    reporting<number, string>(async (report) => {
      report(1);
      report(2);
      await new Promise((resolve) => setImmediate(resolve));
      report(3);
      return 'done';
    }),
  );
  const seen: number[] = [];
  for await (const event of task.events) seen.push(event);
  expect(seen).toEqual([1, 2, 3]);
  await expect(task.result).resolves.toBe('done');
});

test('a function that reports and fails ends both, what it reported before first', async () => {
  const seen: number[] = [];
  const task = startTask(() =>
    reporting<number, string>(async (report) => {
      report(1);
      throw new Error('broken');
    }),
  );
  await expect(
    (async () => {
      for await (const event of task.events) seen.push(event);
    })(),
  ).rejects.toThrow('broken');
  expect(seen).toEqual([1]);
});

test('a function whose reports nobody reads any more is told so, and waited for', async () => {
  let closed = false;
  const task = startTask(() =>
    reporting<number, string>(async (report, signal) => {
      report(1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise((resolve) => setImmediate(resolve));
      closed = true;
      return 'stopped';
    }),
  );
  for await (const _ of task.events) break;
  expect(closed).toBe(true);
});
