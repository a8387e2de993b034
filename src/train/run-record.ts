import { join } from 'node:path';
import { PhasetuneError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { rowIdsOf } from '../data/batch-plan.js';
import { makeFolder } from '../io/files.js';
import { openAppender } from '../io/jsonl.js';
import type { TrainEvent } from './events.js';
import type { RunPlan } from './plan.js';
import { checkRunFolder, type RunFile, writeRunFile } from './run-file.js';

/** What the caller knows about a run: versions, options, inputs and their hashes. */
export type RunAbout = Pick<RunFile, 'versions' | 'recipe' | 'inputs'>;

/** A run's `run.json` and `events.jsonl` while it goes. */
export interface RunRecord {
  /** Contents of `run.json`; change them, then call `write`. */
  readonly run: RunFile;
  write(): Promise<void>;
  /** Passes events on, each once it is in `events.jsonl` with its time; progress of a measurement is passed on only. */
  log(events: AsyncGenerator<TrainEvent, void>): AsyncGenerator<TrainEvent, void>;
  /** Writes the last state and closes the files; harmless when done before. */
  close(status: RunFile['status'], error?: unknown): Promise<void>;
}

/** Makes a run's folder, which must be missing or empty, with its first `run.json`. */
export async function openRunRecord(folder: string, plan: RunPlan, about: RunAbout): Promise<RunRecord> {
  await checkRunFolder(folder);
  await makeFolder(folder);
  const start = performance.now();
  const stages = plan.stages.map(({ summary, batches }) => ({
    ...summary,
    plan: batches.hash,
    rowsHash: hashOf(batches.steps.flatMap((step) => step.microBatches.flatMap(rowIdsOf))),
  }));
  const run: RunFile = {
    schema: 'phasetune/run',
    version: 1,
    status: 'running',
    started: new Date().toISOString(),
    ...about,
    order: plan.order,
    seed: plan.seed,
    stages,
    ...(plan.holdout && { matrix: { bands: [...plan.holdout.bands], rows: [] } }),
  };
  const write = () => writeRunFile(folder, run);
  await write();
  const appender = await openAppender(join(folder, 'events.jsonl'));
  let open = true;
  return {
    run,
    write,
    async *log(events) {
      for await (const event of events) {
        if (event.type !== 'eval-progress') await appender.append({ time: new Date().toISOString(), ...event });
        yield event;
      }
    },
    async close(status, error) {
      if (!open) return;
      open = false;
      run.status = status;
      if (error !== undefined) run.error = error instanceof PhasetuneError ? error.message : String(error);
      run.finished = new Date().toISOString();
      run.seconds = (performance.now() - start) / 1000;
      try {
        await write();
      } finally {
        await appender.close();
      }
    },
  };
}
