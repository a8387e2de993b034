import { join } from 'node:path';
import { exists } from '../io/files.js';
import { freeSpace } from '../io/free-space.js';
import { liveHolder } from '../io/lock-file.js';
import { readRunFile } from '../train/run-file.js';
import type { Cell } from './cell.js';
import { outcomeOfRun } from './cell-states.js';
import type { JobEnd } from './executors/executor.js';
import { type Outcome, outcomeOf } from './failures.js';
import { type Study, studyPaths } from './study-record.js';

/** With less than this no checkpoint can be written. */
const LEAST_FREE = 1 << 20;

/** What the end of a cell's job comes to, by its files; `end` is undefined where the executor lost it. */
export async function endedCell(
  study: Study,
  cell: Cell,
  { end, asked }: { end: JobEnd | undefined; asked: boolean },
): Promise<Outcome> {
  const run = studyPaths(study.folder).run(cell.id);
  const holder = await liveHolder(run);
  const written = await outcomeOfRun(cell, run);
  if (typeof written === 'object' && end?.code === 0) return { outcome: 'failed', ...written };
  const free = await freeSpace(study.folder);
  return outcomeOf({
    end,
    asked,
    holder,
    done: written === 'done',
    runError: await recordedError(run),
    diskFull: free !== undefined && free < LEAST_FREE,
  });
}

/** Seconds that a cell's run took in all; undefined where it is not done. */
export async function secondsOfRun(folder: string): Promise<number | undefined> {
  if (!exists(join(folder, 'run.json'))) return undefined;
  const { status, seconds } = await readRunFile(folder);
  return status === 'done' ? seconds : undefined;
}

async function recordedError(folder: string): Promise<string | undefined> {
  if (!exists(join(folder, 'run.json'))) return undefined;
  const run = await readRunFile(folder).catch(() => undefined);
  return run?.status === 'failed' ? run.error : undefined;
}
