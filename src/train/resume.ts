import { dataError, usageError } from '../core/errors.js';
import type { Linears } from '../lora/adapter.js';
import { changes } from './changes.js';
import type { TrainerState } from './checkpoint.js';
import { type NewestCheckpoint, newestCheckpoint } from './checkpoints.js';
import { consumed } from './ledger.js';
import type { RunAbout, RunFile } from './run-file.js';
import type { RunPlan } from './run-plan.js';

/** Where a run goes on; without a whole checkpoint it begins anew. */
export interface ResumePoint extends NewestCheckpoint {
  /** `run.json` as it was. */
  readonly run: RunFile;
  /** What differs from what the run was begun with: nothing unless that was forced. */
  readonly changes: readonly string[];
}

/** What a run would go on with. */
export interface ResumeJob {
  readonly folder: string;
  /** `run.json` as it is. */
  readonly run: RunFile;
  readonly plan: RunPlan;
  readonly linears: Linears;
  readonly about: RunAbout;
  /** Goes on although something differs. */
  readonly force: boolean;
}

/**
 * Finds where a run goes on. Throws a usage error that lists what differs from what it was begun with, unless that is forced,
 * and a data error where the plan of batches or the rows consumed are others although nothing differs.
 */
export async function findResumePoint({ folder, run, plan, linears, about, force }: ResumeJob): Promise<ResumePoint> {
  const changed = changes(run, about);
  if (changed.length > 0 && !force) throw refuseChanged(folder, changed);
  const { found, broken } = await newestCheckpoint(folder, linears);
  if (found) checkPlace(folder, found.checkpoint.state, plan, force);
  return { run, ...(found && { found }), broken, changes: changed };
}

const refuseChanged = (folder: string, changed: readonly string[]) =>
  usageError(
    `${folder}: not what this run was begun with, so it would not come to the same end: ${changed.join('; ')}. Put that back, choose another --out, or --force to go on with it: the result is then that of neither`,
    { file: folder, changes: changed.join('; ') },
  );

/** The place in the plan must be there, and, unless forced, have the same batches before it. */
function checkPlace(
  folder: string,
  { stage, steps, progress, plan: hash }: TrainerState,
  plan: RunPlan,
  force: boolean,
) {
  const { step, skipped } = progress;
  const planned = plan.stages[stage - 1]?.batches;
  const where = `stage ${stage}, step ${step}`;
  if (!planned || planned.steps.length < step)
    throw usageError(
      `${folder}: the run stopped at ${where} of ${steps}; the plan now has ${planned ? `${planned.steps.length} steps there` : `${plan.stages.length} stages`}, so it cannot go on there, forced or not; choose another --out`,
      { file: folder, stage, step },
    );
  if (force) return;
  const rows = consumed(planned.steps, step, skipped);
  if (planned.hash !== hash || rows.sha256 !== progress.consumed.sha256)
    throw dataError(
      `${folder}: up to ${where} the run consumed ${progress.consumed.rows} rows (order ${progress.consumed.sha256.slice(0, 12)}...), the plan has ${rows.rows} there (order ${rows.sha256.slice(0, 12)}...); the batches are not those it was begun with: choose another --out, or --force to go on with them`,
      { file: folder, stage, step, expected: progress.consumed.sha256, actual: rows.sha256 },
    );
}
