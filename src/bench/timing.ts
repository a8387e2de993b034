/** Steps left out of medians: the first builds what the others use, the second may still. */
export const DROPPED = 2;

/** What a bench shows while it goes, and how it is stopped: between two steps. */
export interface BenchHooks {
  readonly onStep?: (done: number, note: string, of: number) => void;
  readonly signal?: AbortSignal;
}

/** The middle value; the mean of the two in the middle where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Seconds that work took, with its result. */
export async function timed<T>(work: () => Promise<T> | T): Promise<{ value: T; seconds: number }> {
  const start = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - start) / 1000 };
}

/** Seconds since the process started. */
export const sinceStart = (): number => performance.now() / 1000;

/** Rounds to `digits` after the decimal point, for figures that are printed. */
export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
