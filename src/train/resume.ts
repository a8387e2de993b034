import { dataError, usageError } from '../core/errors.js';
import type { Linears } from '../lora/adapter.js';
import { changes } from './changes.js';
import type { TrainerState } from './checkpoint.js';
import { type NewestCheckpoint, newestCheckpoint } from './checkpoints.js';
import { consumed } from './ledger.js';
import { OTHER_FOLDER, type RunAbout, type RunFile } from './run-file.js';
import type { RunPlan } from './run-plan.js';

/** Where a run continues; without a whole checkpoint it starts from scratch. */
export interface ResumePoint extends NewestCheckpoint {
  /** `run.json` as it was. */
  readonly run: RunFile;
  /** What differs from what the run was started with: nothing unless that was forced. */
  readonly changes: readonly string[];
}

/** What a run would continue with. */
export interface ResumeJob {
  readonly folder: string;
  /** `run.json` as it is. */
  readonly run: RunFile;
  readonly plan: RunPlan;
  readonly linears: Linears;
  readonly about: RunAbout;
  /** Continues although something differs. */
  readonly force: boolean;
}

/**
 * Finds where a run continues. Throws a usage error that lists what differs from what it was begun with,
 * unless that is forced, and a data error where the plan of batches or the rows consumed differ although
 * nothing else does.
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
    `${folder}: this differs from what the run was started with, so the result would differ, too: ${changed.join('; ')}`,
    {
      file: folder,
      changes: changed.join('; '),
      remedies: [
        { advice: 'put that back' },
        OTHER_FOLDER,
        { option: 'force', change: 'set', note: 'to continue all the same: the result is then that of neither' },
      ],
    },
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
      `${folder}: the run stopped at ${where} of ${steps}; the plan now has ${planned ? `${planned.steps.length} steps there` : `${plan.stages.length} stages`}, so it cannot continue there, not even with \`force\``,
      { file: folder, stage, step, remedies: [OTHER_FOLDER] },
    );
  if (force) return;
  const rows = consumed(planned.steps, step, skipped);
  if (planned.hash !== hash || rows.sha256 !== progress.consumed.sha256)
    throw dataError(
      `${folder}: up to ${where} the run consumed ${progress.consumed.rows} rows (order ${progress.consumed.sha256.slice(0, 12)}...), the plan has ${rows.rows} there (order ${rows.sha256.slice(0, 12)}...); the batches are not those it was started with`,
      {
        ...{ file: folder, stage, step, expected: progress.consumed.sha256, actual: rows.sha256 },
        remedies: [OTHER_FOLDER, { option: 'force', change: 'set', note: 'to continue with them' }],
      },
    );
}
