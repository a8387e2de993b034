import { expect } from 'vitest';

/** Tries whose least counts: what else the machine does only ever makes a try longer. */
const TRIES = 5;

/** Processor time of a try at least, in microseconds, below which it is repeated: the clock of the system counts coarsely. */
const LEAST = 4000;

/** Processor time of some repetitions, in microseconds a piece. */
function taken(work: () => void, repetitions: number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < repetitions; i++) work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / repetitions;
}

/** The least processor time of work in microseconds, of some tries after one that warms up. */
function least(work: () => void): number {
  let repetitions = 1;
  while (taken(work, repetitions) * repetitions < LEAST) repetitions *= 2;
  return Math.min(...Array.from({ length: TRIES }, () => taken(work, repetitions)));
}

/**
 * Work on `size` takes about eight times as long as on an eighth of it, and not 64 times, as a search that begins again at every
 * place would: the limit lies in the middle between the two powers. Both are measured here and now, so no machine's speed comes in.
 */
export function expectLinear(work: (size: number) => void, size: number): void {
  const [small, whole] = [size / 8, size].map((n) => least(() => work(Math.ceil(n)))) as [number, number];
  expect(whole / small, `processor time for ${size} as against an eighth of it`).toBeLessThan(8 ** 1.5);
}
