import type { Random } from '../../core/random.js';
import type { Bell } from './bell.js';
import type { Clock, Pace } from './pace.js';

/** Lets requests through as fast as the endpoint takes them. */
export interface Gate {
  /** Waits until one more request, of that many tokens, may be sent; undefined once the signal is aborted. */
  enter(tokens: number, signal: AbortSignal): Promise<Pass | undefined>;
}

/** The right to have one request in flight. */
export interface Pass {
  /** No other request was in flight when this one was let through: too many at once can be no reason for a refusal of it. */
  readonly alone: boolean;
  /** The endpoint takes requests, whatever it says to this one. */
  answered(): void;
  /** The endpoint asks everyone to wait; see {@link Hold}. */
  held(hold: Hold): Wait;
  /** Nothing was learned about the endpoint: the request is over, or takes too long to hold its place. */
  free(): void;
}

/** Why everyone has to wait. */
export interface Hold {
  readonly kind: 'wait' | 'load';
  /** How long the endpoint asks to wait, in milliseconds. */
  readonly afterMs?: number | undefined;
}

/** What a refusal leads to. */
export interface Wait {
  /** How long nothing is sent from now on, in milliseconds. */
  readonly waitMs: number;
  /** False for a request that was in flight beside the one for which everyone waits already. */
  readonly first: boolean;
  /** For how long nothing was answered, with this wait, in milliseconds. */
  readonly sinceMs: number;
}

/** Settings of {@link createGate}. */
export interface GateSettings {
  /** Most requests in flight. */
  readonly concurrency: number;
  /** Longest wait after the first refusal, in milliseconds, where the endpoint names none; doubles with each that follows. */
  readonly firstWaitMs: number;
}

/** Longest wait that is not the endpoint's own, by what it is for: a limit of a minute is met soon after it is lifted. */
const LONGEST_MS = { wait: 15_000, load: 5_000 } as const;
/** Shortest wait after a refusal, also where `retryWait` is 0. */
const SHORTEST_MS = 50;
/** A wait that an endpoint asks for, in milliseconds, from which on it shows a limit of requests in time, not of those in flight. */
const LIMIT_OF_TIME_MS = 10_000;
/** Longest time between two requests that is concluded from refusals. */
const SLOWEST_MS = 60_000;
/**
 * What is left of the time between two requests after so many replies, as multiples of those that came before the refusal, and after so many at
 * least. One refusal alone may have been for something else: then soon less is left.
 */
const CERTAIN = { left: 0.75, times: 2, least: 20 } as const;
const DOUBTFUL = { left: 0.5, times: 1, least: 4 } as const;

/** What a gate works with. */
interface Surroundings {
  /** What the user allows, which holds beside what the endpoint bears. */
  readonly pace: Pace;
  readonly clock: Clock;
  readonly random: Random;
  readonly bell: Bell;
}

/**
 * A gate of a width that halves with each refusal and grows by one with each round of replies (AIMD, Jacobson 1988). After a refusal nobody
 * passes until the wait is over: the longer of what the endpoint asks for and of the usual backoff. Then one request goes first, and the rest
 * after it is answered. Where even that one is refused, there is a limit of requests in time: from then on they are spread over the time that
 * passed, as many as were answered in it, and come a little faster again while none is refused.
 */
export function createGate({ concurrency, firstWaitMs }: GateSettings, surroundings: Surroundings): Gate {
  const { clock, bell, pace } = surroundings;
  const width = createWidth(concurrency);
  const spread = createSpread(clock);
  const holds = createHolds(firstWaitMs, surroundings);
  const passes = createPasses({ width, spread, holds, bell });
  // One waits for its time at the head of the line; the others wait for it.
  let waiting = false;
  const ready = () => !waiting && (holds.active() ? !passes.probing() : passes.open() < width.now());
  return {
    async enter(tokens, signal) {
      for (;;) {
        await bell.until(() => signal.aborted || ready());
        if (signal.aborted) return undefined;
        // Another one may have passed since.
        if (!ready()) continue;
        const now = clock.now();
        const due = Math.max(pace.due(), holds.active() ? holds.until() : spread.due());
        if (due > now) {
          waiting = true;
          await clock.sleep(due - now, signal);
          waiting = false;
          if (signal.aborted) bell.ring();
          continue;
        }
        spread.sent(now);
        pace.book(tokens);
        const pass = passes.issue(now);
        bell.ring();
        return pass;
      }
    },
  };
}

/** What passes change when they come back. */
interface Sluices {
  readonly width: ReturnType<typeof createWidth>;
  readonly spread: ReturnType<typeof createSpread>;
  readonly holds: ReturnType<typeof createHolds>;
  readonly bell: Bell;
}

/** Counts the requests in flight; one that goes while everyone waits is a probe. */
function createPasses({ width, spread, holds, bell }: Sluices) {
  let [open, probing] = [0, false];
  const hold = (asked: Hold, probe: boolean): Wait => {
    if (!holds.active()) width.narrow();
    const wait = holds.begin(asked, probe);
    const hinted = (asked.afterMs ?? 0) >= LIMIT_OF_TIME_MS;
    if (wait.first && asked.kind === 'wait' && (probe || hinted)) spread.refused(hinted);
    return wait;
  };
  const answered = (at: number, probe: boolean) => {
    if (probe) {
      holds.end();
      spread.opened(at);
    }
    spread.answered();
    width.widen();
  };
  return {
    open: () => open,
    probing: () => probing,
    issue(at: number): Pass {
      const probe = holds.active();
      open++;
      probing ||= probe;
      let gone = false;
      const leave = <T>(then: () => T): T | undefined => {
        if (gone) return undefined;
        gone = true;
        open--;
        if (probe) probing = false;
        const result = then();
        bell.ring();
        return result;
      };
      return {
        alone: open === 1,
        free: () => void leave(() => {}),
        answered: () => leave(() => answered(at, probe)),
        held: (asked) =>
          // One that was sent before the last wait, and comes back after it, shows nothing new.
          leave(() => (probe || holds.active() || at >= holds.beganAt() ? hold(asked, probe) : undefined)) ?? {
            waitMs: 0,
            first: false,
            sinceMs: holds.sinceMs(),
          },
      };
    },
  };
}

/** How many requests may be in flight. */
function createWidth(most: number) {
  let [width, replies] = [most, 0];
  return {
    now: () => width,
    narrow() {
      [width, replies] = [Math.max(1, Math.floor(width / 2)), 0];
    },
    widen() {
      if (width >= most || ++replies < width) return;
      width++;
      replies = 0;
    },
  };
}

/** Waits that follow each other until a request is answered. */
function createHolds(firstWaitMs: number, { clock, random }: Pick<Surroundings, 'clock' | 'random'>) {
  // How many in a row, when the first and the last of them began, and until when the last one lasts.
  let [inRow, firstAt, lastAt, until] = [0, 0, Number.NEGATIVE_INFINITY, 0];
  return {
    active: () => inRow > 0,
    until: () => until,
    beganAt: () => lastAt,
    /** For how long nothing was answered, with the wait that began last. */
    sinceMs: () => (inRow > 0 ? until - firstAt : 0),
    end() {
      inRow = 0;
    },
    begin({ kind, afterMs = 0 }: Hold, probe: boolean): Wait {
      const now = clock.now();
      const first = probe || inRow === 0;
      if (inRow === 0) firstAt = now;
      if (first) {
        const usual = Math.min(LONGEST_MS[kind], Math.max(SHORTEST_MS, firstWaitMs) * 2 ** inRow);
        // Between a quarter of it and the whole, so that several programs do not come back together.
        until = now + Math.max(usual * (0.25 + 0.75 * random.uniform()), afterMs);
        lastAt = now;
        inRow++;
      } else until = Math.max(until, now + afterMs);
      return { waitMs: until - now, first, sinceMs: until - firstAt };
    },
  };
}

/** Spreads requests over time as far as refusals show that there is a limit. */
function createSpread(clock: Clock) {
  // When requests began to be answered after the last wait, how many were since, and how many since the pace was set or changed.
  let [openedAt, answered, calm] = [Number.NaN, 0, 0];
  // The time between two requests, when the next one is due, and after how many replies it becomes less.
  let [betweenMs, next, patience] = [0, 0, 0];
  let [evidence, faster]: [number, typeof CERTAIN | typeof DOUBTFUL] = [0, CERTAIN];
  return {
    due: () => next,
    sent(now: number) {
      if (Number.isNaN(openedAt)) openedAt = now;
      next = now + betweenMs;
    },
    /** There is a limit of requests in time: certainly so after the second time, or where the endpoint itself says it. */
    refused(certain: boolean) {
      evidence += certain ? 2 : 1;
    },
    /** A request that was sent then was the first to be answered after a wait. */
    opened(at: number) {
      if (evidence > 0 && answered > 0) {
        faster = evidence > 1 ? CERTAIN : DOUBTFUL;
        betweenMs = Math.min(SLOWEST_MS, (at - openedAt) / answered);
        next = Math.max(next, at + betweenMs);
        patience = Math.max(faster.least, faster.times * answered);
      }
      [openedAt, answered, calm, evidence] = [at, 0, 0, 0];
    },
    answered() {
      answered++;
      if (betweenMs === 0 || ++calm < patience) return;
      calm = 0;
      betweenMs *= faster.left;
      if (betweenMs < 1) betweenMs = 0;
      next = Math.min(next, clock.now() + betweenMs);
    },
  };
}
