import type { ChatRequest, Feature } from '../types.js';
import { type Dialect, FEATURES, type Part, requestedFeatures, restorePart } from './dialect.js';

/** A request that tries a feature that was given up. */
export interface Comeback {
  /** How it is sent. */
  readonly dialect: Dialect;
  /** A dialect with the feature in it. */
  restore(dialect: Dialect): Dialect;
  /** Must be called when it is over. */
  end(result: 'refused' | 'open'): void;
}

/** Features that were given up, and when each is tried again: a gateway may have sent a request to another server. */
export interface Comebacks {
  /** Notes what a change of the dialect gives up. */
  note(from: Dialect, to: Dialect): void;
  /** Has some tried by the next requests, and again soon: trouble left open whether they are refused. */
  soon(parts: readonly Part[]): void;
  /** Counts a reply. */
  count(dialect: Dialect): void;
  /** What the next request shall try, if it is time; one at a time. */
  next(request: ChatRequest, dialect: Dialect): Comeback | undefined;
}

/** Replies without a feature until it is tried again: at first, and at most. */
const FIRST = 50;
/** The same for one that trouble left open. */
const SOON = 4;
const LONGEST = 3200;

/** With nothing given up. */
export function createComebacks(): Comebacks {
  const pauses = new Map<Feature, { replies: number; left: number }>();
  let trying = false;
  const pause = (feature: Feature) => {
    const replies = Math.min(LONGEST, (pauses.get(feature)?.replies ?? FIRST / 2) * 2);
    pauses.set(feature, { replies, left: replies });
  };
  return {
    note(from, to) {
      for (const feature of FEATURES) if (to.without.has(feature) && !from.without.has(feature)) pause(feature);
    },
    soon(parts) {
      for (const part of parts) {
        if (pauses.has(part as Feature)) pauses.set(part as Feature, { replies: SOON, left: 0 });
      }
    },
    count(dialect) {
      for (const feature of dialect.without) pauses.get(feature)!.left--;
    },
    next(request, dialect) {
      if (trying) return undefined;
      const due = requestedFeatures(request).find((one) => dialect.without.has(one) && pauses.get(one)!.left <= 0);
      if (due === undefined) return undefined;
      trying = true;
      const restore = (other: Dialect) => restorePart(other, due, other);
      return {
        dialect: restore(dialect),
        restore,
        end(result) {
          trying = false;
          if (result === 'refused') pause(due);
        },
      };
    },
  };
}
