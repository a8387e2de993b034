import { dataError } from '../core/errors.js';
import { type EncodedOutcome, encodeBatch } from '../data/encode.js';
import type { EncodedRow } from '../data/encoded.js';
import { renderHeader } from '../data/prompt.js';
import type { InstructionRecord } from '../data/record.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { LossOptions } from './loss-options.js';
import type { RowScore, Unscored } from './scored.js';

/** The tokens of one answer, the same ids twice, to be measured where the mask is 1. */
export interface LossPair {
  /** After the whole conversation. */
  readonly given: EncodedRow;
  /** After the assistant's header only. Absent where the score does not need it. */
  readonly alone?: EncodedRow;
  /** True when the answer was cut at `maxLength`. */
  readonly truncated: boolean;
}

/** Mean loss of an answer in nats a token; `alone` as in {@link LossPair}. */
export interface AnswerLoss {
  readonly given: number;
  readonly alone?: number | undefined;
}

/** The part of {@link LossOptions} that decides the tokens. */
type PairOptions = Pick<LossOptions, 'lossScore' | 'template' | 'maxLength'>;

/**
 * What is encoded of each row, or why it cannot be scored, in the rows' order: tokens of a row's last answer, as the trainer sees them,
 * after everything that was said before it, and after no more than what the
 * template writes at the beginning of a text and before an answer. Measured are the answer's own tokens, without the end token, as
 * in the code of the source of IFD (Cherry LLM, arXiv 2308.12032). Where not even one token comes before the answer (Mistral's template of a
 * tokenizer without bos), the end token stands there, as lm-eval does it. An answer over `maxLength` is cut, in both alike.
 */
export async function encodePairs(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  { lossScore, template, maxLength }: PairOptions,
): Promise<(LossPair | Unscored)[]> {
  const outcomes = await encodeBatch(records, tokenizer, {
    template,
    maxLength,
    trainOn: 'last',
    overflow: 'truncate',
    splitSpecialTokens: true,
    badRows: 'skip',
  });
  const pairs: (LossPair | Unscored)[] = [];
  for (const [i, record] of records.entries())
    pairs.push(await pairOf(record, outcomes[i]!, tokenizer, { lossScore, template, maxLength }));
  return pairs;
}

async function pairOf(
  record: InstructionRecord,
  outcome: EncodedOutcome,
  tokenizer: Tokenizer,
  { lossScore, template, maxLength }: PairOptions,
): Promise<LossPair | Unscored> {
  if (record.messages.at(-1)?.content.trim() === '') return EMPTY;
  if (outcome.kind === 'refused') return { kind: 'refused', reason: outcome.reason };
  if (outcome.kind === 'untrained')
    return { kind: 'untrained', reason: 'the last answer is not to be trained (weight 0)' };
  if (!('row' in outcome))
    return {
      kind: 'prompt-too-long',
      reason: `what comes before the answer fills all ${maxLength} tokens; raise \`maxLength\` (the row has ${outcome.tokens})`,
    };
  const { ids, mask } = outcome.row;
  const first = mask.indexOf(1);
  const last = mask.lastIndexOf(1);
  const end = outcome.ended ? last : last + 1;
  if (end <= first) return EMPTY;
  const measured = (ids: Int32Array, from: number): EncodedRow => ({
    id: record.id,
    ids,
    mask: Uint8Array.from(ids, (_, t) => (t >= from ? 1 : 0)),
    trained: ids.length - from,
  });
  const given = measured(ids.subarray(0, end), first);
  const truncated = outcome.kind === 'truncated';
  if (lossScore === 'answer') return { given, truncated };
  const header = renderHeader(record.messages, tokenizer, template);
  const start = await startIds(ids, first, header, tokenizer);
  return { given, alone: measured(Int32Array.of(...start, ...ids.subarray(first, end)), start.length), truncated };
}

const EMPTY: Unscored = { kind: 'empty-answer', reason: 'the answer is empty; expected some text' };

/** What stands before the answer when nothing was asked: bos, where the row begins with it, and the header's tokens as the row has them. */
async function startIds(ids: Int32Array, first: number, header: string, tokenizer: Tokenizer): Promise<number[]> {
  const start = [...ids.subarray(await headerAt(ids, first, header, tokenizer), first)];
  const { bos, eos, folder } = tokenizer;
  if (bos && ids[0] === bos.id && start[0] !== bos.id) start.unshift(bos.id);
  if (start.length > 0) return start;
  const begin = bos ?? eos;
  if (!begin)
    throw dataError(
      `${folder}: there is nothing before an answer alone: the template writes no header, and there is no bos_token and no eos_token`,
      { option: 'lossScore', remedies: [{ option: 'lossScore', change: 'set', value: 'answer' }] },
    );
  return [begin.id];
}

/** The index at which the header before the answer begins. */
async function headerAt(ids: Int32Array, first: number, header: string, tokenizer: Tokenizer): Promise<number> {
  const headerIds = await tokenizer.encode(header);
  const start = first - headerIds.length;
  if (start >= 0 && headerIds.every((id, i) => id === ids[start + i])) return start;
  // After a text it has other tokens, or its last one reaches into the answer: take as many as decode to it.
  const wanted = header.trim().length;
  let from = first;
  while (from > 0 && (await tokenizer.decode(ids.subarray(from, first))).length < wanted) from--;
  return from;
}

/**
 * The score of a row: IFD is the answer's mean loss given the instruction, divided by its mean loss alone. Higher is harder: at 1
 * and over the instruction does not help at all. A loss that is no number, or a loss alone of zero, leaves the row unscored.
 */
export function lossScoreOf({ given: row, alone: other, truncated }: LossPair, loss: AnswerLoss): RowScore | Unscored {
  const { given, alone } = loss;
  const details = {
    loss: given,
    ...(other && { lossAlone: alone }),
    answerTokens: row.trained,
    ...(truncated && { truncated }),
  };
  const score = other ? given / alone! : given;
  if (Number.isFinite(score)) return { score, details };
  return {
    kind: 'no-finite-loss',
    reason: `loss ${given}${other ? `, alone ${alone}` : ''}: no score can be computed from it`,
  };
}
