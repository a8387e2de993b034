import type { Exchange } from '../../../src/train/distributed/exchange.js';

/** Ranks in one process, with an array for the memory that they share. */
export function fakeExchanges(ranks: number, numbers: number): Exchange[] {
  const memory = new Float32Array(numbers);
  let waiting: (() => void)[] = [];
  const meet = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length < ranks) return;
      const all = waiting;
      waiting = [];
      for (const go of all) go();
    });
  return Array.from({ length: ranks }, (_, rank) => ({
    rank,
    ranks,
    write: (at, values) => memory.set(values, at),
    read: (at, into) => into.set(memory.subarray(at, at + into.length)),
    meet,
  }));
}
