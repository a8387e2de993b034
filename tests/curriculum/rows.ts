import { findDuplicates } from '../../src/curriculum/duplicates.js';
import { estimateLength } from '../../src/curriculum/lengths.js';
import { stageRows } from '../../src/curriculum/stage.js';
import type { Staging } from '../../src/curriculum/staging.js';
import type { StagingPlan } from '../../src/curriculum/staging-options.js';
import { openTable, type RowTable } from '../../src/curriculum/table.js';
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
  ties: 'split',
  holdout: 0,
  nearDuplicates: 0.8,
  unscored: 'refuse',
  seed: 0,
  ...plan,
});

/** The ids of rows. */
export const ids = (rows: readonly InstructionRecord[]): string[] => rows.map(({ id }) => id);

/** What cutting needs to know of rows that all have a score; their tokens, by default as estimated. */
export function tableOf(
  rows: readonly InstructionRecord[],
  tokens: readonly number[] = rows.map(estimateLength),
): RowTable {
  const table = openTable({ near: true });
  for (const [i, record] of rows.entries()) table.add(record, record.score!, tokens[i]!);
  return table.done();
}

/** What a generator returns in the end. */
export function result<T>(search: Generator<unknown, T>): T {
  for (;;) {
    const next = search.next();
    if (next.done) return next.value;
  }
}

/** Rows cut into stages as a plan says. */
export function staged(rows: readonly InstructionRecord[], plan: StagingPlan, tokens?: readonly number[]): Staging {
  const table = tableOf(rows, tokens);
  return stageRows(table, plan, result(findDuplicates(table.keys, table.shingles, plan)));
}

/** The ids of the rows of a stage that are trained on (0) or held out (1). */
export const idsIn = (
  rows: readonly InstructionRecord[],
  { stageOf, held }: Staging,
  stage: number,
  side: 0 | 1,
): string[] => ids(rows.filter((_, i) => stageOf[i] === stage - 1 && held[i] === side));
