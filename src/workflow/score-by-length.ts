import type { InstructionRecord } from '../data/record.js';
import { lengthScores } from '../scoring/length.js';
import type { RowScore } from '../scoring/scored.js';
import { loadTokenizer } from '../tokenizer/tokenizer.js';
import type { ResolvedScoreOptions } from './score-options.js';

/** Scores rows by their length, counted by the tokenizer of a model folder where one is named. */
export async function scoreByLength(
  records: readonly InstructionRecord[],
  { lengthOf, model }: Pick<ResolvedScoreOptions, 'lengthOf' | 'model'>,
): Promise<{ readonly outcomes: readonly RowScore[]; readonly counted: 'tokenizer' | 'estimate' }> {
  const tokenizer = model === undefined ? undefined : await loadTokenizer(model);
  const outcomes = await lengthScores(records, { lengthOf }, tokenizer);
  return { outcomes, counted: tokenizer ? 'tokenizer' : 'estimate' };
}
