import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Recipe } from '../config/recipe.js';
import { PhasetuneError, usageError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import type { RunPlanner, RunSummary } from '../workflow/plan-runs.js';
import type { Cell } from './cell.js';
import { diskOf } from './disk.js';
import type { DraftCell } from './lay-out.js';
import { type PinnedPrecision, withPinned } from './pin-precision.js';
import { largestDifference, plannedByArm, unequalSteps } from './planned-by-arm.js';
import type { StudyFile } from './study-file.js';

/** Cells with their plans, and what a user should know about them. */
export interface PlannedCells {
  /** Trained tokens of every cell. */
  readonly budget: number;
  readonly cells: readonly Cell[];
  /** A sentence each, with the arms that it is about. */
  readonly warnings: readonly string[];
  /** What is known of each cell's run, by id. */
  readonly plans: ReadonlyMap<string, RunSummary>;
  /** The first cell that no rows are held out for. */
  readonly withoutHoldout: string | undefined;
}

/** What cells are planned with. */
export interface PlanInputs {
  /** Where the sets are: the study's folder, or a temporary one. */
  readonly folder: string;
  readonly planner: RunPlanner;
  /** Hash of the manifest of a set, or of the staged folder for null. */
  manifestOf(set: string | null): string | undefined;
  /** Files of a model and their hashes. */
  modelFiles(model: string): Readonly<Record<string, string>>;
  /** The budget of a study that is registered, and its cells. */
  readonly budget?: number | undefined;
  readonly registered?: readonly Cell[] | undefined;
  /** What `precision: auto` is in all cells. */
  readonly precision: PinnedPrecision;
  /** The folder that relative paths of models and of a staged folder start from. */
  readonly from: string;
  onProgress?(done: number, of: number): void;
  /** Is given every plan as it is made. */
  onPlan?(cell: DraftCell, plan: RunSummary): void;
}

/** Largest share by which trained tokens of arms may differ. */
const MOST_DIFFERENT = 0.01;

/**
 * Plans every cell, as `train` will. Throws its errors with the arm in front, and a usage error where arms would train
 * on numbers of tokens that differ by more than 1 %.
 */
export async function planCells(
  study: StudyFile,
  drafts: readonly DraftCell[],
  inputs: PlanInputs,
): Promise<PlannedCells> {
  const budget = inputs.budget ?? (await decideBudget(study, drafts, inputs));
  const cells: Cell[] = [];
  const plans = new Map<string, RunSummary>();
  const about = new Map<string, Set<string>>();
  const largest = new Map<string, number>();
  let withoutHoldout: string | undefined;
  for (const draft of drafts) {
    // Between two, whoever wants to stop it has a turn.
    await setImmediate();
    const { epochs: _, steps: __, tokens: ___, ...ofDraft } = draft.recipe;
    const plan = await planOne(draft, { ...withPinned(ofDraft, inputs.precision), budget }, inputs);
    const { recipe, adapterSize, warnings } = plan;
    plans.set(draft.id, plan);
    inputs.onPlan?.(draft, plan);
    for (const warning of warnings) about.set(warning, (about.get(warning) ?? new Set()).add(draft.arm));
    if (plan.heldOutRows === 0) withoutHoldout ??= draft.id;
    largest.set(draft.arm, Math.max(largest.get(draft.arm) ?? 0, plan.largestStep));
    const { stages, steps, tokens, trainedTokens } = plan;
    const { out: ____, ...decides } = recipe;
    cells.push({
      schema: 'phasetune/cell',
      version: 1,
      ...draft,
      recipe,
      hash: hashOf({
        recipe: decides,
        data: inputs.manifestOf(draft.set),
        model: inputs.modelFiles(recipe.model),
      }),
      planned: { stages, steps, tokens, trainedTokens },
      forecast: { seconds: null, memoryBytes: null, diskBytes: diskOf({ ...recipe, stageCount: stages, adapterSize }) },
    });
    inputs.onProgress?.(cells.length, drafts.length);
  }
  refuseUnequal([...(inputs.registered ?? []), ...cells], largest);
  const arms = Object.keys(study.arms).length;
  const warnings = [...about].map(([warning, of]) =>
    of.size === arms ? warning : `${[...of].join(', ')}: ${warning}`,
  );
  warnings.push(...unequalSteps([...(inputs.registered ?? []), ...cells]));
  return { budget, cells, plans, warnings, withoutHoldout };
}

/** What the study says, or else the recipe, or else what the control trains with the recipe's own length. */
async function decideBudget(study: StudyFile, drafts: readonly DraftCell[], inputs: PlanInputs): Promise<number> {
  if (study.budget !== undefined) return study.budget;
  const first = drafts.find(({ arm }) => arm === study.control)!;
  return first.recipe.budget ?? (await planOne(first, first.recipe, inputs)).trainedTokens;
}

async function planOne(cell: DraftCell, recipe: Recipe, { folder, from, planner }: PlanInputs): Promise<RunSummary> {
  const { model, data } = recipe;
  const inputs = { model: resolve(from, model), data: resolve(cell.set === null ? from : folder, data) };
  try {
    const plan = await planner.plan({ ...recipe, ...inputs });
    return { ...plan, recipe: { ...plan.recipe, model, data } };
  } catch (error) {
    if (!(error instanceof PhasetuneError) || error.code === 'interrupted') throw error;
    throw new PhasetuneError(error.code, `${cell.id}: ${error.problem}`, error.fields, { cause: error });
  }
}

function refuseUnequal(cells: readonly Cell[], largestStep: ReadonlyMap<string, number>): void {
  for (const [group, tokens] of plannedByArm(cells, 'trainedTokens')) {
    const { fewest, most, share } = largestDifference(tokens);
    if (share <= MOST_DIFFERENT) continue;
    const where = group === '' ? '' : ` (${group})`;
    const count = (n: number) => Math.round(n).toLocaleString('en-US');
    throw usageError(
      `arms would not train on as many tokens${where}: ${most.arm} on ${count(most.mean)}, ${fewest.arm} on ${count(fewest.mean)} on average, ${(100 * share).toFixed(1)} % apart; expected at most 1 %. A step has up to ${count(largestStep.get(most.arm) ?? 0)} trained tokens, and a run ends with a whole one`,
      {
        option: 'budget',
        expected: fewest.mean,
        actual: most.mean,
        remedies: [
          { option: 'budget', change: 'raise', note: 'so that a step is a smaller part of it' },
          { advice: 'make steps smaller (`batchRows` or `accumulate` of the recipe)' },
        ],
      },
    );
  }
}
