import { PhasetuneError } from '../core/errors.js';
import { type Attempts, appendAttempt, readAttempts } from './attempts.js';
import type { Attempt } from './state.js';

/** Writes the attempts of many cells. */
export interface AttemptLog {
  /** Adds a line. Where the disk is full it is kept, and written with the next one that has room. */
  add(path: string, line: Attempt): Promise<void>;
  /** Attempts at a cell, with those that are not written yet. */
  read(path: string): Promise<Attempts>;
  /** Tries again to write what is not written yet; throws where that fails. */
  flush(): Promise<void>;
}

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** True for an error of a disk that has no room. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof PhasetuneError && FULL.has(String(error.fields.errno));

/** Opens nothing yet; see {@link AttemptLog}. */
export function openAttemptLog(): AttemptLog {
  let waiting: { readonly path: string; readonly line: Attempt }[] = [];
  const flush = async () => {
    while (waiting.length > 0) {
      const [{ path, line }] = waiting as [(typeof waiting)[number]];
      await appendAttempt(path, line);
      waiting = waiting.slice(1);
    }
  };
  return {
    async add(path, line) {
      waiting.push({ path, line });
      await flush().catch((error: unknown) => {
        if (!isDiskFull(error)) throw error;
      });
    },
    read: (path) =>
      readAttempts(
        path,
        waiting.filter((each) => each.path === path).map(({ line }) => line),
      ),
    flush,
  };
}
