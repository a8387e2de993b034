import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Tries whose least counts: what else the machine does only ever makes a try longer. */
const TRIES = 5;

/**
 * Processor time of a try at least, in microseconds, below which it is repeated: the clock of the
 * system counts coarsely.
 */
const LEAST = 4000;

type Work = () => unknown;

/** Processor time of some repetitions, in microseconds a piece. */
async function taken(work: Work, repetitions: number): Promise<number> {
  const start = process.cpuUsage();
  for (let i = 0; i < repetitions; i++) await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / repetitions;
}

/** The least processor time of work in microseconds, of some tries after one that warms up. */
async function least(work: Work): Promise<number> {
  let repetitions = 1;
  while ((await taken(work, repetitions)) * repetitions < LEAST) repetitions *= 2;
  let fewest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES; i++) fewest = Math.min(fewest, await taken(work, repetitions));
  return fewest;
}

/**
 * Work on `size` takes about eight times as long as on an eighth of it, and not 64 times, as a
 * search that begins again at every place would: the limit lies in the middle between the two
 * powers. Both are measured here and now, so no machine's speed comes in.
 */
export async function expectLinear(work: (size: number) => unknown, size: number): Promise<void> {
  const small = await least(() => work(Math.ceil(size / 8)));
  const whole = await least(() => work(size));
  expect(whole / small, `processor time for ${size} as against an eighth of it`).toBeLessThan(8 ** 1.5);
}

/**
 * Rounds after which memory that is still taken counts as kept: allocators take more for a while
 * and give it back late.
 */
const ROUNDS = 3;

/**
 * The least that the process grew by, in bytes, in some rounds of the same work: what is kept of
 * each round shows in all of them.
 */
export async function leastGrowth(work: Work): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const before = process.memoryUsage.rss();
    await work();
    fewest = Math.min(fewest, process.memoryUsage.rss() - before);
  }
  return fewest;
}

/**
 * Bytes that this process asked the system for so far in reading, or undefined where the system
 * does not count them.
 */
export function bytesRead(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return Number(/^rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))![1]);
}
