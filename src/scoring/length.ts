import { chunk } from '../core/lists.js';
import { estimateTokens } from '../curriculum/lengths.js';
import { countTokens } from '../data/count-tokens.js';
import type { InstructionRecord } from '../data/record.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { LengthOptions } from './length-options.js';
import type { RowScore } from './scored.js';

/** Rows that are counted together. */
const BATCH = 256;

/**
 * Scores rows by their number of tokens, without those of a template: the baseline that every other scorer must beat. By default the
 * tokens of the last answer, the length that other difficulty scores correlate with most. Counted by the tokenizer, or estimated
 * from characters where there is none.
 *
 * @example
 * const record = { id: 'row-1', messages: [{ role: 'assistant' as const, content: 'The Rhine.' }] };
 * const [first] = await lengthScores([record], lengthOptionsSchema.parse({}));
 * console.log(first!.score);
 */
export async function lengthScores(
  records: readonly InstructionRecord[],
  { lengthOf }: LengthOptions,
  tokenizer?: Tokenizer,
): Promise<RowScore[]> {
  const parts = ({ messages }: InstructionRecord) =>
    ({ answer: messages.slice(-1), instruction: messages.slice(0, -1), both: messages })[lengthOf].map(
      ({ content }) => content,
    );
  const texts = (row: InstructionRecord) =>
    parts(row).map((text) => ({ text, literal: [{ start: 0, end: text.length }] }));
  const estimate = (row: InstructionRecord) => parts(row).reduce((sum, text) => sum + estimateTokens(text), 0);
  const counts = [];
  for (const batch of chunk(records, BATCH))
    counts.push(...(tokenizer ? await countTokens(batch, texts, tokenizer) : batch.map(estimate)));
  return counts.map((score) => ({ score }));
}
