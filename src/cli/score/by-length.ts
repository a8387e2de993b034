import type { InstructionRecord } from '../../data/record.js';
import type { LengthOptions } from '../../scoring/length-options.js';
import type { ScoredRows } from './scored-rows.js';

/** Scores rows by their length, counted by the tokenizer of a model folder where one is named. */
export async function scoreByLength(
  records: readonly InstructionRecord[],
  { lengthOf, model }: LengthOptions & { readonly model?: string | undefined },
): Promise<ScoredRows> {
  const { lengthScores } = await import('../../scoring/length.js');
  const { loadTokenizer } = await import('../../tokenizer/tokenizer.js');
  const tokenizer = model === undefined ? undefined : await loadTokenizer(model);
  const counted = tokenizer ? 'tokenizer' : 'estimate';
  return {
    outcomes: await lengthScores(records, { lengthOf }, tokenizer),
    options: { lengthOf, counted, ...(model !== undefined && { model }) },
    told: { counted },
  };
}
