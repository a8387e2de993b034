import type { StagingPlan } from '../../src/curriculum/options.js';
import type { InstructionRecord } from '../../src/data/record.js';

/** A row with this id and score; its instruction is `ask`, by default one that no other row has. */
export const row = (id: string, score?: number, ask = `Question ${id}?`): InstructionRecord => ({
  id,
  messages: [
    { role: 'user', content: ask },
    { role: 'assistant', content: `Answer ${id}.` },
  ],
  ...(score !== undefined && { score }),
});

/** Rows r1, r2, ... with these scores. */
export const rowsOf = (...scores: number[]): InstructionRecord[] => scores.map((score, i) => row(`r${i + 1}`, score));

/** A staging plan of three stages of equal rows with nothing held out, unless told otherwise. */
export const planOf = (plan: Partial<StagingPlan> = {}): StagingPlan => ({
  stages: 3,
  by: 'rows',
  thresholds: [],
  holdout: 0,
  unscored: 'refuse',
  seed: 0,
  ...plan,
});

/** The ids of rows. */
export const ids = (rows: readonly InstructionRecord[]): string[] => rows.map(({ id }) => id);
