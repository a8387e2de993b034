/** A limit of time over everything that is run. */
export interface Limit {
  /** Seconds that are left; infinite without a limit. */
  left(): number;
  /** Aborts when the time is up; undefined without a limit. */
  readonly signal: AbortSignal | undefined;
}

/** A limit of so many seconds from now; none for undefined. */
export function limitOf(seconds: number | undefined, now = () => performance.now()): Limit {
  if (seconds === undefined) return { left: () => Number.POSITIVE_INFINITY, signal: undefined };
  const end = now() + seconds * 1000;
  return { left: () => (end - now()) / 1000, signal: AbortSignal.timeout(Math.ceil(seconds * 1000)) };
}

/** What is not begun with less than this left, in seconds: it could only be cut off. */
export const LEAST_S = 5;
