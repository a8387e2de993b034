import { chunk } from '../core/lists.js';
import { estimateTokens } from '../curriculum/lengths.js';
import type { InstructionRecord } from '../data/record.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { LengthOptions } from './length-options.js';
import type { RowScore } from './scored.js';

/** Rows that are counted together. */
const BATCH = 256;

/**
 * Scores rows by their number of tokens, without what a template adds: the baseline that every other scorer must beat. By default the
 * last answer's, which is the length that other scores of difficulty follow most, and that training pays for. Counted by the
 * tokenizer, or estimated from characters where there is none.
 */
export async function lengthScores(
  records: readonly InstructionRecord[],
  { lengthOf }: LengthOptions,
  tokenizer?: Tokenizer,
): Promise<RowScore[]> {
  const counted = ({ messages }: InstructionRecord) =>
    ({ answer: messages.slice(-1), instruction: messages.slice(0, -1), both: messages })[lengthOf].map(
      (m) => m.content,
    );
  const count = tokenizer ? countTokens(tokenizer) : async (texts: readonly string[]) => texts.map(estimateTokens);
  const scores: RowScore[] = [];
  for (const batch of chunk(records, BATCH)) {
    const texts = batch.map(counted);
    const lengths = (await count(texts.flat())).values();
    for (const own of texts) scores.push({ score: own.reduce((sum) => sum + lengths.next().value!, 0) });
  }
  return scores;
}

/** Counts the tokens of texts, whatever special tokens they spell. */
const countTokens = (tokenizer: Tokenizer) => async (texts: readonly string[]) =>
  (await tokenizer.encodeBatch(texts.map((text) => ({ text, literal: [{ start: 0, end: text.length }] })))).map(
    ({ ids }) => ids.length,
  );
