import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../core/random.js';

/** The time, which a test may replace. */
export interface Clock {
  /** Milliseconds on a steady clock. */
  now(): number;
  /** Resolves after that many milliseconds, or as soon as the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of this process. */
export const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}).catch(() => {}),
};

/** Longest wait between two attempts where the endpoint names none. */
const LONGEST_MS = 60_000;

/**
 * Wait before a retry: uniform between 0 and a bound that begins at `firstMs` and doubles with each retry, up to a minute ("full
 * jitter", Brooker 2015). `retry` counts from 0.
 */
export const backoffMs = (retry: number, firstMs: number, random: Random): number =>
  random.uniform() * Math.min(LONGEST_MS, firstMs * 2 ** retry);

/** Keeps requests within the user's limits of requests and tokens a minute. */
export interface Pace {
  /** When the next request may be sent. */
  due(): number;
  /** Counts a request that is sent now; `tokens` are those of it and its reply. */
  book(tokens: number): void;
  /** Replaces the tokens booked for a request by those that it had. */
  settle(booked: number, actual: number): void;
}

/** Limits of {@link createPace}; undefined is none. */
export interface Limits {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

const MINUTE_MS = 60_000;

/**
 * Spreads requests evenly: each books the time that its share of a minute's requests and tokens takes, and the next one is due after
 * that, so that no minute has more than the limit, except for the request that begins it.
 */
export function createPace({ requestsPerMinute, tokensPerMinute }: Limits, clock: Clock): Pace {
  let [nextRequest, nextTokens] = [0, 0];
  const tokensMs = (tokens: number) => (tokensPerMinute === undefined ? 0 : (tokens * MINUTE_MS) / tokensPerMinute);
  return {
    due: () => Math.max(nextRequest, nextTokens),
    book(tokens) {
      const now = clock.now();
      if (requestsPerMinute !== undefined) nextRequest = now + MINUTE_MS / requestsPerMinute;
      nextTokens = now + tokensMs(tokens);
    },
    settle(booked, actual) {
      nextTokens += tokensMs(actual - booked);
    },
  };
}
