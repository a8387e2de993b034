import { memoryKills } from '../../io/memory-kills.js';

/** Finds out whether the system ended a process for lack of memory. */
export interface KillWatch {
  /** Notes how many it has ended so far. */
  look(): void;
  /** Whether it ended any within the last seconds. */
  killedLately(): boolean;
}

/** A killed process is gone when its memory is freed, which may take seconds for a large one. */
const WITHIN_MS = 10_000;

/** Watches the system's count of processes that it ended for lack of memory; where there is none it never did. */
export function watchKills(count: () => number | undefined = memoryKills, now = () => performance.now()): KillWatch {
  let samples: { readonly at: number; readonly kills: number }[] = [];
  const look = () => {
    const kills = count();
    if (kills === undefined) return;
    const at = now();
    // The newest that is old enough stays, to compare with.
    const old = samples.findLastIndex((sample) => sample.at < at - WITHIN_MS);
    samples = [...samples.slice(Math.max(0, old)), { at, kills }];
  };
  look();
  return {
    look,
    killedLately() {
      look();
      return samples.length > 1 && samples.at(-1)!.kills > samples[0]!.kills;
    },
  };
}
