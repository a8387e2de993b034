/** Steps left out of medians: the first two may still build what the others use. */
export const DROPPED = 2;

/** Progress of a bench, and what stops it between two steps. */
export interface BenchHooks {
  readonly onStep?: (done: number, note: string, total: number) => void;
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

/** Calls of {@link timedCalls} that count. */
const CALLS = 9;

/** The median and the least seconds of several calls, of which the first is left out. */
export async function timedCalls(work: () => Promise<unknown>): Promise<{ median: number; least: number }> {
  const times: number[] = [];
  for (let call = 0; call <= CALLS; call++) times.push((await timed(work)).seconds);
  const kept = times.slice(1);
  return { median: median(kept), least: Math.min(...kept) };
}

/** Seconds since the process started. */
export const sinceStart = (): number => performance.now() / 1000;

/** Rounds to `digits` decimal places, for figures that are printed. */
export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
