import { dataError, isDataError } from '../core/errors.js';
import type { Encoding } from '../tokenizer/encoding.js';
import type { LiteralText } from '../tokenizer/literal-text.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { AnswerPart } from './answer-parts.js';
import type { EncodedRow } from './encoded.js';
import type { EncodeOptions } from './options.js';
import { encodable, type RenderedRow, renderRow } from './prompt.js';
import type { InstructionRecord } from './record.js';

/** What became of a row. `tokens` counts its tokens before any cut, up to its last trained one. */
export type EncodedOutcome =
  | {
      readonly kind: 'kept' | 'truncated';
      readonly row: EncodedRow;
      readonly tokens: number;
      /** True where every trained answer has its end token. */
      readonly ended: boolean;
      /** True where the template leaves out some text of the turns. */
      readonly leavesOut: boolean;
    }
  /** `untrained`: no answer of the row is to be trained. `refused`: the row cannot be used, and why. */
  | { readonly kind: 'too-long' | 'prompt-too-long' | 'untrained'; readonly tokens: number }
  | { readonly kind: 'refused'; readonly tokens: 0; readonly reason: string };

/**
 * Tokens and masks of rows. A rendered conversation is tokenised once, as a whole, so the ids are
 * those of transformers' `apply_chat_template(tokenize=True)`, except where a turn spells a special
 * token: with `splitSpecialTokens` that stays text. Trained (mask 1) are the tokens that hold a
 * character of a trained answer, and what follows up to and including the end token that the
 * template writes. The very first token is never trained. Where the template has `{% generation %}`
 * blocks, the mask is transformers' `assistant_masks`.
 *
 * A row over `maxLength` is cut at its end under `truncate`, so its answer loses its end token;
 * under the other policies it is `too-long`. A row whose prompt leaves no room for one trained
 * token is `prompt-too-long` under every policy. What follows the last trained token never counts
 * as too long; it is cut away when it does not fit.
 */
export async function encodeBatch(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  options: EncodeOptions,
): Promise<EncodedOutcome[]> {
  const rendered = records.map((record) => render(record, tokenizer, options));
  const usable = rendered.filter((row) => 'text' in row);
  const encodings = (
    await encodeTexts(
      usable.map((row) => encodable(row, options)),
      tokenizer,
    )
  ).values();
  return rendered.map((row, i) => {
    if (!('text' in row)) return row;
    const encoding = encodings.next().value!;
    return 'ids' in encoding ? outcomeOf(records[i]!, row, encoding, tokenizer, options) : encoding;
  });
}

/** All texts at once; where the tokenizer refuses one of them, one by one, so that only that one is refused. */
async function encodeTexts(texts: readonly LiteralText[], tokenizer: Tokenizer): Promise<(Encoding | Refusal)[]> {
  try {
    return await tokenizer.encodeBatch(texts);
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (texts.length === 1) return [refuse(error.message)];
    const alone = await Promise.all(texts.map((text) => encodeTexts([text], tokenizer)));
    return alone.flat();
  }
}

/** One row, see {@link encodeBatch}. A row that cannot be used is a data error that names it. */
export async function encodeRow(
  record: InstructionRecord,
  tokenizer: Tokenizer,
  options: EncodeOptions,
): Promise<Exclude<EncodedOutcome, { kind: 'refused' }>> {
  const [outcome] = await encodeBatch([record], tokenizer, options);
  if (outcome!.kind === 'refused') throw dataError(`row ${record.id}: ${outcome!.reason}`, { id: record.id });
  return outcome!;
}

type Refusal = Extract<EncodedOutcome, { kind: 'refused' }>;

const refuse = (reason: string): Refusal => ({ kind: 'refused', tokens: 0, reason });

/** The row as text; a refusal where the template or the row itself does not allow it. */
function render(record: InstructionRecord, tokenizer: Tokenizer, options: EncodeOptions): RenderedRow | Refusal {
  if (record.messages.at(-1)?.role !== 'assistant')
    return refuse("row without an answer; expected the last message to be the assistant's");
  try {
    return renderRow(record.messages, tokenizer, options);
  } catch (error) {
    if (isDataError(error)) return refuse(error.message);
    throw error;
  }
}

function outcomeOf(
  { id }: InstructionRecord,
  { answers, leavesOut }: RenderedRow,
  encoding: Encoding,
  { turnEndIds }: Tokenizer,
  { maxLength, overflow }: EncodeOptions,
): EncodedOutcome {
  const { ids } = encoding;
  if (answers.length === 0) return { kind: 'untrained', tokens: ids.length };
  const { mask, ended } = maskOf(encoding, answers, turnEndIds);
  const tokens = mask.lastIndexOf(1) + 1;
  if (tokens === 0) return refuse('no token of the answer is left after tokenising');
  if (mask.indexOf(1) >= maxLength) return { kind: 'prompt-too-long', tokens };
  if (tokens > maxLength && overflow !== 'truncate') return { kind: 'too-long', tokens };
  const cut = mask.slice(0, maxLength);
  const row: EncodedRow = {
    id,
    ids: Int32Array.from(ids.length > maxLength ? ids.slice(0, maxLength) : ids),
    mask: cut,
    trained: cut.reduce((n, m) => n + m, 0),
  };
  return tokens > maxLength
    ? { kind: 'truncated', row, tokens, ended: false, leavesOut }
    : { kind: 'kept', row, tokens, ended, leavesOut };
}

/**
 * One pass over tokens and answers: the tokens that hold a character of an answer, then those up to
 * its end token, if there is one before the next turn's text.
 */
function maskOf({ ids, offsets }: Encoding, answers: readonly AnswerPart[], ends: ReadonlySet<number>) {
  const mask = new Uint8Array(ids.length);
  let ended = true;
  let t = 0;
  for (const { start, end, limit } of answers) {
    while (t < ids.length && offsets[2 * t + 1]! <= start) t++;
    while (t < ids.length && offsets[2 * t]! < end) mask[t++] = 1;
    if (limit === end) {
      ended &&= t > 0 && ends.has(ids[t - 1]!);
      continue;
    }
    let stop = t;
    while (stop < ids.length && offsets[2 * stop]! < limit && !ends.has(ids[stop]!)) stop++;
    const hasEnd = stop < ids.length && offsets[2 * stop]! < limit;
    if (hasEnd) mask.fill(1, t, stop + 1);
    ended &&= hasEnd;
  }
  mask[0] = 0;
  return { mask, ended };
}
