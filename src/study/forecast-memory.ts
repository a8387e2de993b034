import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { recipeSchema } from '../config/recipe.js';
import { memoryLimits } from '../io/memory-limits.js';
import { sizeInBytes } from '../train/options.js';
import { type MemoryAnswer, startForecaster } from '../workflow/forecast.js';
import type { Hooks } from '../workflow/hooks.js';
import { openRunPlanner, type RunPlanner, type RunSummary } from '../workflow/plan-runs.js';
import { blockOf } from './cell.js';
import { threadsFor } from './executors/capacity.js';
import type { Study } from './study-record.js';

/** Peak memory of a run, no more than its own limit; null where it is not known. */
export function peakOf({ recipe }: Pick<RunSummary, 'recipe'>, { memory }: MemoryAnswer): number | null {
  if (!memory) return null;
  return recipe.memoryLimit === undefined ? memory.peak : Math.min(sizeInBytes(recipe.memoryLimit), memory.peak);
}

/** The run that takes most memory. */
export const largestOf = <T>(runs: readonly T[], roughBytes: (run: T) => number): T =>
  runs.reduce((x, y) => (roughBytes(y) > roughBytes(x) ? y : x));

/** Bytes that a process takes besides what its run does, generously. */
const PROCESS_BYTES = 2 * 2 ** 30;

/**
 * The study with the memory of its cells, where several of them may run at once on this machine and a rough estimate
 * does not say that they fit: that of the largest for all of them. TensorFlow is loaded in a process of its own; where
 * that cannot be, nothing is known. Not part of `cells.jsonl`, which would be another file on another machine.
 */
export async function withMemory(study: Study, hooks: Hooks): Promise<Study> {
  const { executor } = study.record.study;
  const cores = availableParallelism();
  const several = executor.parallel ?? Math.floor(cores / threadsFor(executor, cores));
  const free = memoryLimits()[0]?.bytes;
  if (executor.kind !== 'local' || several < 2 || free === undefined) return study;
  const planner = openRunPlanner(hooks);
  try {
    const largest = await largestRun(study, planner);
    // A rough estimate is at least half of what a run takes.
    if (2 * several * (PROCESS_BYTES + 2 * largest.roughBytes) < free) return study;
    const memoryBytes = peakOf(largest, await ask(largest, hooks));
    return { ...study, cells: study.cells.map((cell) => ({ ...cell, forecast: { ...cell.forecast, memoryBytes } })) };
  } finally {
    await planner.close();
  }
}

/**
 * Peak memory of the process of the largest cell, or why it is not known; on a card it would be that of the card.
 * TensorFlow is loaded in a process of its own.
 */
export async function processMemory(study: Study, hooks: Hooks): Promise<number | { readonly problem: string }> {
  const planner = openRunPlanner(hooks);
  try {
    const largest = await largestRun(study, planner);
    const answer = await ask(largest, hooks);
    if (answer.device === 'cuda') return { problem: 'cells would compute on a card of this machine' };
    return peakOf(largest, answer) ?? { problem: answer.problem ?? 'that of an eager program is not known beforehand' };
  } finally {
    await planner.close();
  }
}

const largestRun = async (study: Study, planner: RunPlanner): Promise<RunSummary> =>
  largestOf(await firstBlock(study, planner), ({ roughBytes }) => roughBytes);

/** Plans of the cells of one block: those of the others are as large. */
async function firstBlock({ folder, record, cells }: Study, planner: RunPlanner): Promise<RunSummary[]> {
  const plans: RunSummary[] = [];
  for (const { recipe, set } of cells.filter((cell) => blockOf(cell) === blockOf(cells[0]!))) {
    const [model, data] = [String(recipe.model), String(recipe.data)];
    const inputs = {
      model: resolve(record.begunIn, model),
      data: resolve(set === null ? record.begunIn : folder, data),
    };
    plans.push(await planner.plan(recipeSchema.parse({ ...recipe, ...inputs })));
  }
  return plans;
}

async function ask({ question }: RunSummary, hooks: Hooks): Promise<MemoryAnswer> {
  const forecaster = startForecaster(hooks);
  try {
    return await forecaster.memory(question);
  } finally {
    await forecaster.end();
  }
}
