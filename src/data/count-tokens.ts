import { dataError, isDataError } from '../core/errors.js';
import type { LiteralText } from '../tokenizer/literal-text.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { InstructionRecord } from './record.js';

/**
 * Tokens of each row: of all texts that `textsOf` returns for it. A row whose texts cannot be made
 * or encoded is a data error that names it.
 */
export async function countTokens(
  rows: readonly InstructionRecord[],
  textsOf: (row: InstructionRecord) => readonly LiteralText[],
  tokenizer: Tokenizer,
): Promise<number[]> {
  try {
    const texts = rows.map(textsOf);
    const encodings = (await tokenizer.encodeBatch(texts.flat())).values();
    return texts.map((own) => own.reduce((sum) => sum + encodings.next().value!.ids.length, 0));
  } catch (error) {
    if (!isDataError(error)) throw error;
    const [{ id }] = rows as [InstructionRecord];
    if (rows.length === 1) throw dataError(`row ${id}: ${error.message}`, { id }, error);
    const counts = [];
    for (const row of rows) counts.push(...(await countTokens([row], textsOf, tokenizer)));
    return counts;
  }
}
