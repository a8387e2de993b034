import { join } from 'node:path';
import { PhasetuneError } from '../core/errors.js';
import { keepLines, openAppender } from '../io/jsonl.js';
import type { FolderLock } from '../io/lock.js';
import { hide } from '../telemetry/redact.js';
import type { TrainEvent } from './events.js';
import { consumed } from './ledger.js';
import type { ResumePoint } from './resume.js';
import { checkRunFolder, type RunAbout, type RunFile, writeRunFile } from './run-file.js';
import type { RunPlan } from './run-plan.js';

/** A run's `run.json` and `events.jsonl` while it goes. */
export interface RunRecord {
  /** Contents of `run.json`; change them, then call `write`. */
  readonly run: RunFile;
  /** Lines of `events.jsonl`. */
  events(): number;
  /** Time that the run has taken, up to a checkpoint that it was resumed from and since then. */
  seconds(): number;
  write(): Promise<void>;
  /** Passes events on, each once it is in `events.jsonl` with its time, except for those that are passed on only. */
  log(events: AsyncGenerator<TrainEvent, void>): AsyncGenerator<TrainEvent, void>;
  /** Waits until all events are on the disk. */
  flush(): Promise<void>;
  /** Writes the last state, closes the files; harmless when done before. */
  close(status: RunFile['status'], error?: unknown): Promise<void>;
}

/** Events of the moment. */
const UNLOGGED: ReadonlySet<TrainEvent['type']> = new Set(['eval-progress', 'resume']);

/** Opens the record of a new run, or, to resume, of the one in the folder, as it was at the checkpoint. */
export async function openRunRecord(
  folder: string,
  lock: FolderLock,
  plan: RunPlan,
  about: RunAbout,
  resume?: ResumePoint,
): Promise<RunRecord> {
  if (!resume) await checkRunFolder(folder);
  const run = recordedRun(plan, about, resume);
  const start = performance.now();
  const state = resume?.found?.checkpoint.state;
  const seconds = () => (state?.seconds ?? 0) + (performance.now() - start) / 1000;
  // A folder that is another's by now, or gone, is left alone.
  const write = async () => {
    await lock.check();
    await writeRunFile(folder, run);
  };
  const events = join(folder, 'events.jsonl');
  let lines = state?.events ?? 0;
  if (resume) await keepLines(events, lines);
  await write();
  const appender = await openAppender(events);
  let open = true;
  return {
    run,
    events: () => lines,
    seconds,
    write,
    flush: appender.flush,
    async *log(events) {
      for await (const event of events) {
        if (!UNLOGGED.has(event.type)) {
          await appender.append(hide({ time: new Date().toISOString(), ...event }));
          lines++;
        }
        yield event;
      }
    },
    async close(status, error) {
      if (!open) return;
      open = false;
      run.status = status;
      if (error !== undefined) run.error = error instanceof PhasetuneError ? error.message : String(error);
      run.finished = new Date().toISOString();
      run.seconds = seconds();
      try {
        await appender.flush();
        await write();
      } finally {
        await appender.close();
      }
    },
  };
}

function recordedRun(plan: RunPlan, about: RunAbout, resume: ResumePoint | undefined): RunFile {
  const state = resume?.found?.checkpoint.state;
  const results = state ? [...state.stages, { origin: state.origin }] : [];
  const now = new Date().toISOString();
  const stages = plan.stages.map(({ summary, batches }, i) => ({
    ...summary,
    plan: batches.hash,
    planned: consumed(batches.steps, batches.steps.length, []),
    ...results[i],
  }));
  return {
    schema: 'phasetune/run',
    version: 2,
    status: 'running',
    started: resume?.run.started ?? now,
    ...about,
    order: plan.order,
    seed: plan.seed,
    stages,
    ...(plan.holdout && { matrix: { bands: [...plan.holdout.bands], rows: [...(state?.matrix ?? [])] } }),
    ...(resume && {
      resumed: [...(resume.run.resumed ?? []), { time: now, from: resume.found?.saved, changes: [...resume.changes] }],
    }),
  };
}
