import { join } from 'node:path';
import { PhasetuneError } from '../../core/errors.js';
import { fileStamp } from '../../io/files.js';
import { followLines } from '../../io/follow-lines.js';
import { folderHolder } from '../../io/lock-file.js';
import { residentBytes } from '../../io/process-memory.js';
import { parseRunEvent } from '../../train/read-run-events.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';
import { startHistory } from '../../train/run-history.js';
import { logLine } from './run-log.js';
import type { RunFacts } from './run-state.js';

/** Lines of a log that are shown. */
export const LOG_LINES = 50;

/** A run as its files have it so far. */
export interface FollowedRun extends RunFacts {
  /** The last things that happened, a line each. */
  readonly log: readonly string[];
  /** What could not be read, and how often. */
  readonly problems: readonly string[];
  /** Bytes of events that were read. */
  readonly position: number;
  /** Times that the events were cut off or replaced: the run was taken up again at a checkpoint. */
  readonly restarts: number;
}

/** Follows a run's folder, which may not be there yet. `read` reads what is new; one call at a time. */
export interface RunFollower {
  read(): Promise<FollowedRun>;
}

/** Follows the files of a run; see {@link RunFollower}. */
export function followRun(folder: string): RunFollower {
  const events = followLines(join(folder, 'events.jsonl'));
  const readRun = runFileReader(folder);
  let builder = startHistory();
  let log: string[] = [];
  let [line, bad, restarts] = [0, 0, 0];
  let firstBad = '';
  const begin = () => {
    builder = startHistory();
    log = [];
    [line, bad] = [0, 0];
  };
  const take = (text: string) => {
    line++;
    if (text.trim() === '') return;
    try {
      const event = parseRunEvent(JSON.parse(text), `events.jsonl:${line}`);
      builder.add(event);
      const words = logLine(event);
      if (words !== undefined) log.push(words);
    } catch (error) {
      firstBad =
        bad++ === 0 ? (error instanceof PhasetuneError ? error.problem : `events.jsonl:${line}: not JSON`) : firstBad;
    }
  };
  return {
    async read() {
      for (let more = true; more; ) {
        const part = await events.read();
        if (part.restarted) {
          begin();
          restarts++;
        }
        part.lines.forEach(take);
        log = log.slice(-LOG_LINES);
        more = part.more;
      }
      const holder = await folderHolder(folder);
      const { run, problem } = await readRun();
      return {
        history: builder.history,
        run,
        holder,
        memory: holder?.standing === 'here' ? await residentBytes(holder.pid) : undefined,
        writtenMs: events.seen?.changedMs,
        log,
        problems: [...(bad > 0 ? [`${firstBad}${bad > 1 ? `; ${bad} lines could not be read` : ''}`] : []), ...problem],
        position: events.offset,
        restarts,
      };
    },
  };
}

/** Reads `run.json` where it has changed since it was last read. */
function runFileReader(folder: string) {
  let stamp = '';
  let read: { run?: RunFile; problem: string[] } = { problem: [] };
  return async () => {
    const now = await fileStamp(join(folder, 'run.json'));
    if (now === stamp) return read;
    stamp = now;
    try {
      read = now === '' ? { problem: [] } : { run: await readRunFile(folder), problem: [] };
    } catch (error) {
      if (!(error instanceof PhasetuneError)) throw error;
      read = { problem: [error.problem] };
    }
    return read;
  };
}
