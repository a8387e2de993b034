import { memoryLimits } from '../io/memory-limits.js';
import type { Forecaster, MemoryAnswer } from '../workflow/forecast.js';
import type { RunSummary } from '../workflow/plan-runs.js';
import { blockOf, type Cell } from './cell.js';
import { peakOf } from './forecast-memory.js';

/** The memory of the largest cell. */
export interface KnownMemory {
  /** Its peak; null where that is not known, and why. */
  readonly bytes: number | null;
  readonly problem: string | null;
  /** Which cell. */
  readonly cell: string;
  /** What this process could have at most; null where the system does not report it. */
  readonly free: number | null;
}

/** Looks for the largest cell while cells are planned. */
export interface LargestRun {
  onPlan(cell: Pick<Cell, 'id' | 'seed' | 'split'>, plan: RunSummary): void;
  answer(): Promise<{ readonly memory: KnownMemory; readonly answer: MemoryAnswer }>;
}

/** Asks for the memory of the largest cell of the first block, while the other blocks, which are as large, are planned. */
export function memoryOfFirst(forecaster: Forecaster): LargestRun {
  let largest: { readonly block: string; readonly id: string; readonly plan: RunSummary } | undefined;
  let asked: Promise<MemoryAnswer> | undefined;
  const ask = ({ question }: RunSummary): Promise<MemoryAnswer> => {
    asked ??= forecaster.memory(question);
    return asked;
  };
  return {
    onPlan(cell, plan) {
      const block = blockOf(cell);
      if (largest && block !== largest.block) void ask(largest.plan);
      else if (!largest || plan.roughBytes > largest.plan.roughBytes) largest = { block, id: cell.id, plan };
    },
    async answer() {
      const { id, plan } = largest!;
      const answer = await ask(plan);
      const bytes = peakOf(plan, answer);
      const problem = answer.problem ?? 'what an eager program takes is not known beforehand';
      const free = memoryLimits()[0]?.bytes ?? null;
      return { memory: { bytes, problem: bytes === null ? problem : null, cell: id, free }, answer };
    },
  };
}
