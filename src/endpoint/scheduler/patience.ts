import type { Clock } from './pace.js';

/** Knows how long a reply usually takes, and notices requests that take far longer. */
export interface Patience {
  /** Watches over a request that was just sent; `late` is called when it takes far longer than the replies before. */
  watch(late: (waitedMs: number) => void): Watch;
  /** Ends all watches. */
  close(): void;
}

/** One request that is watched. */
export interface Watch {
  /** It was answered. */
  answered(): void;
  /** It is over without an answer, or no longer of interest. */
  end(): void;
}

/** Replies that must have come before any request counts as late. */
const ENOUGH = 4;
/** Replies of which the slowest is looked at. */
const LATELY = 64;
/** How many times longer than the slowest reply a request may take. */
const TIMES = 10;
/** Nothing is late before that, in milliseconds: a pause of the network is no hung connection. */
const SHORTEST_MS = 1000;

/** Watches requests by one timer for all of them, which are in the order in which they were sent. */
export function createPatience(clock: Clock): Patience {
  const waiting = new Set<{ readonly since: number; readonly late: (waitedMs: number) => void }>();
  let [replies, watching] = [0, false];
  const lately: number[] = [];
  const timer = new AbortController();
  const bound = () => Math.max(SHORTEST_MS, TIMES * Math.max(...lately));
  const look = async () => {
    watching = true;
    for (let first = oldest(); first; first = oldest()) {
      const [now, due] = [clock.now(), first.since + bound()];
      if (now < due) {
        await clock.sleep(due - now, timer.signal);
        if (timer.signal.aborted) break;
        continue;
      }
      waiting.delete(first);
      first.late(now - first.since);
    }
    watching = false;
  };
  const oldest = () => waiting.values().next().value;
  return {
    watch(late) {
      const entry = { since: clock.now(), late };
      waiting.add(entry);
      if (replies >= ENOUGH && !watching) void look();
      const end = () => waiting.delete(entry);
      return {
        answered() {
          end();
          lately[replies % LATELY] = clock.now() - entry.since;
          if (++replies >= ENOUGH && !watching && waiting.size > 0) void look();
        },
        end,
      };
    },
    close() {
      waiting.clear();
      timer.abort();
    },
  };
}
