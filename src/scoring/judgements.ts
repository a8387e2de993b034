import { dataError } from '../core/errors.js';
import type { InstructionRecord } from '../data/record.js';
import type { Ledger } from '../endpoint/ledger.js';
import type { AnswerLine } from '../endpoint/scheduler/ask-types.js';
import type { ChatReply, Feature, Question, SettledQuestion } from '../endpoint/types.js';
import { contentKey, type Judge, questionKey, questionOf, type Verdict, verdictOf } from './judge.js';
import { type JudgePrompt, promptFor } from './prompt.js';
import type { Unscored } from './scored.js';

/**
 * Judging in types: `readJudgements` reads the rows and what the ledger knows of them,
 * `openQuestions` lists what is left to ask, `judgeRows` asks and returns the judgements with the
 * answers in them, and `outcomeAt` is the score of a row, at any time.
 *
 * Only hashes and scores are in memory; the rows themselves are read as a stream, as often as needed.
 */
export interface Judgements {
  readonly judge: Judge;
  /** Key of each row's content, in the rows' order. Equal rows have equal keys, and are judged once. */
  readonly contents: readonly string[];
  /** Characters that were left out of a row because it is too long, by its index. */
  readonly cuts: ReadonlyMap<number, number>;
  /** By content: what is known of each of its repeats. */
  readonly repeats: ReadonlyMap<string, readonly Judgement[]>;
}

/** The rows of a file, from its beginning at each call. */
export type RowSource = () => AsyncIterable<InstructionRecord>;

/** What is known of one repeat: its score, or why there is none yet and which attempt comes next, from 0. */
export type Judgement = ScoredJudgement | (Unscored & { readonly attempt: number });

/** A repeat with a score. */
export type ScoredJudgement = Exclude<Verdict, { unclear: string }> & Pick<ChatReply, 'without'>;

/** Replies of earlier runs. */
export type Replies = Pick<Ledger<AnswerLine>, 'get' | 'failure'>;

/** A question about one repeat of a content. */
export interface JudgeQuestion extends Question {
  readonly content: string;
  readonly repeat: number;
  readonly attempt: number;
}

/**
 * Reads the rows and what the ledger knows of them. An unreadable reply does not settle a question:
 * the repeat is open, under the key of the next attempt.
 */
export async function readJudgements(rows: RowSource, judge: Judge, replies: Replies): Promise<Judgements> {
  const render = promptFor(judge.rubric, judge);
  const [contents, cuts, repeats] = [[] as string[], new Map<number, number>(), new Map<string, Judgement[]>()];
  for await (const record of rows()) {
    const prompt = render(record);
    const content = contentKey(judge, prompt);
    if (prompt.cut > 0) cuts.set(contents.length, prompt.cut);
    contents.push(content);
    if (repeats.has(content)) continue;
    const known = Array.from({ length: judge.repeats }, (_, repeat) => replied(replies, judge, content, repeat));
    repeats.set(content, known);
  }
  return { judge, contents, cuts, repeats };
}

/**
 * What is left to ask, each content once. What failed in an earlier run comes last, in a second
 * reading of the rows, so that a block of rows that the endpoint refuses does not keep the others
 * from being asked about.
 */
export async function* openQuestions(judgements: Judgements, rows: RowSource): AsyncGenerator<JudgeQuestion> {
  const { judge, repeats } = judgements;
  const open = new Set<string>();
  const failed = new Set<string>();
  for (const [content, known] of repeats)
    if (!known.every(isScored)) (known.some(isFailure) ? failed : open).add(content);
  for (const wanted of [open, failed]) {
    if (wanted.size === 0) continue;
    const render = promptFor(judge.rubric, judge);
    for await (const record of rows()) {
      const prompt = render(record);
      const content = contentKey(judge, prompt);
      if (!repeats.has(content)) throw changedRow(record.id);
      if (!wanted.delete(content)) continue;
      yield* questionsAbout(judgements, record, prompt, content);
      if (wanted.size === 0) break;
    }
  }
}

function* questionsAbout(
  { judge, repeats }: Judgements,
  { id }: InstructionRecord,
  prompt: JudgePrompt,
  content: string,
): Generator<JudgeQuestion> {
  for (const [repeat, judgement] of repeats.get(content)!.entries()) {
    if (isScored(judgement)) continue;
    const { attempt } = judgement;
    const key = questionKey(content, repeat, attempt);
    yield { ...questionOf(judge, prompt, key, id, repeat), content, repeat, attempt };
  }
}

/** What a question comes to by its answer. */
export function judgementOf(judge: Judge, { attempt }: JudgeQuestion, answer: SettledQuestion): Judgement {
  if ('failure' in answer) return { kind: answer.failure.kind, reason: answer.failure.message, attempt };
  const verdict = verdictOf(judge, answer.reply);
  if ('score' in verdict) return scoredJudgement(verdict, answer.reply);
  return { kind: UNREADABLE, reason: verdict.unclear, attempt: attempt + 1 };
}

const UNREADABLE = 'unreadable';
const NOT_ASKED = 'not-asked';

/** Whether a reply came that no score can be read from. */
export const isUnreadable = (judgement: Judgement): judgement is Exclude<Judgement, ScoredJudgement> =>
  !isScored(judgement) && judgement.kind === UNREADABLE;

/** Whether a score is known. */
export const isScored = (judgement: Judgement): judgement is ScoredJudgement => 'score' in judgement;

/** Whether it was asked and got no reply at all. */
const isFailure = (judgement: Judgement): boolean =>
  !isScored(judgement) && judgement.kind !== NOT_ASKED && judgement.kind !== UNREADABLE;

/** One list for all replies without the same features: there may be tens of thousands. */
const listsOfFeatures = new Map<string, readonly Feature[]>();

function scoredJudgement(verdict: Exclude<Verdict, { unclear: string }>, { without }: ChatReply): ScoredJudgement {
  if (without === undefined) return verdict;
  const name = without.join();
  if (!listsOfFeatures.has(name)) listsOfFeatures.set(name, without);
  return { ...verdict, without: listsOfFeatures.get(name)! };
}

/** What earlier runs were replied about one repeat. */
function replied(replies: Replies, judge: Judge, content: string, repeat: number): Judgement {
  let last: Unscored = { kind: NOT_ASKED, reason: 'there is no reply yet' };
  for (let attempt = 0; ; attempt++) {
    const key = questionKey(content, repeat, attempt);
    const reply = replies.get(key)?.reply;
    if (!reply) {
      const failure = replies.failure(key)?.failure;
      return { ...(failure ? { kind: failure.kind, reason: failure.message } : last), attempt };
    }
    const verdict = verdictOf(judge, reply);
    if ('score' in verdict) return scoredJudgement(verdict, reply);
    last = { kind: UNREADABLE, reason: verdict.unclear };
  }
}

/** The file changed between two readings. */
export const changedRow = (id: string) =>
  dataError(
    `row ${id}: it was not in the file when the rows were first read; do not change the file while it is scored`,
    { id },
  );
