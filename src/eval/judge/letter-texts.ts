import { dataError } from '../../core/errors.js';
import type { EncodedRow } from '../../data/encoded.js';
import { encodable, renderPrompt } from '../../data/prompt.js';
import type { Message } from '../../data/record.js';
import { cutMiddle } from '../../scoring/shorten.js';
import type { LiteralText } from '../../tokenizer/literal-text.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { PairQuestion } from './pair-judge.js';

/**
 * The reply that is begun for the model: its next token is the label. Without it a small model
 * hardly ever gives one.
 */
export const OPENING = 'The better answer is Answer';
const LABELS = [' A', ' B'] as const;

/** How one model is asked for a letter. */
export interface LetterForm {
  readonly tokenizer: Tokenizer;
  /** Most tokens of a text. */
  readonly maxLength: number;
  /** Ids of the labels of the answer that stands first, and of the other. */
  readonly labels: readonly [first: number, second: number];
}

/** What a pair is asked with, before it fits. */
export type PairMessages = (question: PairQuestion) => readonly Message[];

/** Changes with every change of what {@link letterMessages} writes. */
export const LETTER_PROMPT_VERSION = 1;

/**
 * A pair for a judge that has one token to answer with. Not what an LLM is asked with: to a small
 * model rules, marks and JSON hide the answers (docs/log.md), and there is no reply to give a form
 * to. Each text is one line in quotes, so that none can pose as another part.
 */
export function letterMessages({ messages, first, second }: PairQuestion): Message[] {
  const [only] = messages;
  const instruction =
    messages.length === 1 && only!.role === 'user'
      ? `Instruction:\n${JSON.stringify(only!.content)}`
      : `Conversation:\n${messages.map(({ role, content }) => `${role}: ${JSON.stringify(content)}`).join('\n')}`;
  const [a, b] = [first, second].map((answer) => JSON.stringify(answer));
  const content = `${instruction}\n\nAnswer A:\n${a}\n\nAnswer B:\n${b}\n\nWhich answer is better, Answer A or Answer B?`;
  return [{ role: 'user', content }];
}

/** Characters that are left of an answer at least. */
const LEAST_ROOM = 100;

/**
 * Finds out how a model is asked. Throws a data error for a tokenizer that has no chat
 * template, or in which a label after the begun reply is not one token.
 */
export async function letterForm(tokenizer: Tokenizer, maxLength: number): Promise<LetterForm> {
  const { folder } = tokenizer;
  if (!tokenizer.hasChatTemplate)
    throw dataError(
      `${folder}: a judge needs a model that was tuned on conversations, and this one has no chat template`,
      { file: folder, remedies: [{ option: 'model', change: 'set', note: 'to a chat model' }] },
    );
  const begun = begin([{ role: 'user', content: 'Which answer is better?' }], tokenizer);
  const base = await tokenizer.encode(begun);
  const labels: number[] = [];
  for (const label of LABELS) {
    const ids = await tokenizer.encode({ ...begun, text: begun.text + label });
    const same = base.every((id, i) => ids[i] === id);
    if (!same || ids.length !== base.length + 1)
      throw dataError(
        `${folder}: "${label}" after "${OPENING}" is not one token of this tokenizer, so a letter's probability cannot be measured`,
        { file: folder, remedies: [{ option: 'model', change: 'set', note: 'to another model' }] },
      );
    labels.push(ids.at(-1)!);
  }
  return { tokenizer, maxLength, labels: labels as [number, number] };
}

/** A prompt with the reply begun. */
function begin(messages: readonly Message[], tokenizer: Tokenizer): LiteralText {
  const { text, literal } = encodable(renderPrompt(messages, tokenizer, 'chat'), { splitSpecialTokens: true });
  return { text: `${text}${/\s$/.test(text) ? '' : ' '}${OPENING}`, literal };
}

/** A question that is too long even with short answers. */
export interface TooLong {
  /** Tokens that it would take. */
  readonly needs: number;
}

/**
 * Texts of questions, each ended by the label of the first answer, which alone is to be measured. A
 * text over `maxLength` loses the middle of its answers, of the longer one first, so that it has
 * the same answers in both orders.
 */
export async function letterTexts(
  questions: readonly PairQuestion[],
  messagesOf: PairMessages,
  form: LetterForm,
): Promise<(EncodedRow | TooLong)[]> {
  const idsOf = async (asked: readonly PairQuestion[]) => {
    const texts = asked.map((question) => begin(messagesOf(question), form.tokenizer));
    return (await form.tokenizer.encodeBatch(texts)).map(({ ids }) => ids);
  };
  const whole = await idsOf(questions);
  const rows: (EncodedRow | TooLong)[] = [];
  for (const [i, question] of questions.entries()) {
    const ids = whole[i]!.length < form.maxLength ? whole[i]! : await shortened(question, form.maxLength, idsOf);
    rows.push('needs' in ids ? ids : rowOf(question.item, ids, form.labels[0]));
  }
  return rows;
}

function rowOf(id: string, prompt: readonly number[], label: number): EncodedRow {
  const ids = Int32Array.of(...prompt, label);
  const mask = new Uint8Array(ids.length);
  mask[ids.length - 1] = 1;
  return { id, ids, mask, trained: 1 };
}

/** Ids of a question with as much of its answers as fits, in this order and in the other. */
async function shortened(
  question: PairQuestion,
  maxLength: number,
  idsOf: (asked: readonly PairQuestion[]) => Promise<(readonly number[])[]>,
): Promise<readonly number[] | TooLong> {
  const { first, second } = question;
  let fits: readonly number[] | undefined;
  let [low, high] = [LEAST_ROOM, Math.max(first.length, second.length)];
  const cutTo = async (room: number) => {
    const [x, y] = [first, second].map((text) => cutMiddle(text, room).text) as [string, string];
    const [ids, other] = await idsOf([
      { ...question, first: x, second: y },
      { ...question, first: y, second: x },
    ]);
    return { ids: ids!, length: Math.max(ids!.length, other!.length) };
  };
  while (low <= high) {
    const room = Math.floor((low + high) / 2);
    const { ids, length } = await cutTo(room);
    if (length < maxLength) {
      fits = ids;
      low = room + 1;
    } else high = room - 1;
  }
  return fits ?? { needs: (await cutTo(LEAST_ROOM)).length + 1 };
}
