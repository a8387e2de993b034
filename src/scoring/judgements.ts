import { dataError } from '../core/errors.js';
import type { InstructionRecord } from '../data/record.js';
import type { Ledger } from '../endpoint/ledger.js';
import type { AnswerLine } from '../endpoint/scheduler/ask-types.js';
import type { ChatReply, Feature, Question, SettledQuestion } from '../endpoint/types.js';
import { contentKey, type Judge, questionKey, questionOf, type Verdict, verdictOf } from './judge.js';
import { type Prompt, promptFor } from './prompt.js';
import type { RowScore, Unscored } from './scored.js';

/** What is known of one repeat of a row: its score, or why there is none yet and the attempt that is next. */
type Slot =
  | (Exclude<Verdict, { unclear: string }> & Pick<ChatReply, 'without'>)
  | (Unscored & { readonly attempt: number });

/** What was replied so far. */
export type Replies = Pick<Ledger<AnswerLine>, 'get' | 'failure'>;

/** Rows on their way to scores. Only hashes and scores are in memory; the rows are read as a stream, as often as needed. */
export interface Judging {
  /**
   * What is left to ask about the rows, each content once; replies in the ledger are read on the way. What failed in an earlier run comes
   * last, in a second reading of the rows: a block of rows that the endpoint refuses keeps nothing else from being asked. May be called again,
   * with the same rows: what was answered since is left out.
   */
  questions(rows: () => AsyncIterable<InstructionRecord>): AsyncGenerator<Question>;
  /** Takes an answer. Returns why its reply could not be read, where that is so. */
  take(answer: SettledQuestion): string | undefined;
  /** The outcome of the row that came at this place, from 0, in the last reading that went to the end. */
  outcomeOf(record: InstructionRecord, index: number): RowScore | Unscored;
  /** What there is to tell about the rows that were read last. */
  counts(): JudgingCounts;
}

/** See {@link Judging}. */
export interface JudgingCounts {
  readonly rows: number;
  /** Rows whose content came before. */
  readonly repeated: number;
  /** Rows that were cut since they are too long. */
  readonly cut: number;
  /** Contents that were judged fewer times than asked for, but at least once. */
  readonly partial: number;
  /** Replies that tell no usable probabilities though an expected value was asked for. */
  readonly fromText: number;
  /** Mean probability on the scale, of expected values. */
  readonly mass: number | undefined;
  /** Replies with a score that came without what was asked for, since the endpoint refused it. */
  readonly without: Readonly<Partial<Record<Feature, number>>>;
}

/** Begins with what the ledger has. Unreadable replies in it do not settle a question: it is asked again, under the key of the next attempt. */
export function createJudging(judge: Judge, ledger: Replies): Judging {
  const render = promptFor(judge.rubric, judge);
  const slots = new Map<string, Slot[]>();
  const asked = new Map<string, { content: string; repeat: number; attempt: number }>();
  let contents: string[] = [];
  let cuts = new Map<number, number>();
  const known = (content: string) =>
    slots.get(content) ?? Array.from({ length: judge.repeats }, (_, repeat) => slotIn(ledger, judge, content, repeat));
  const left = function* (record: InstructionRecord, prompt: Prompt, content: string): Generator<Question> {
    for (const [repeat, slot] of slots.get(content)!.entries()) {
      if ('score' in slot) continue;
      const key = questionKey(content, repeat, slot.attempt);
      asked.set(key, { content, repeat, attempt: slot.attempt });
      yield questionOf(judge, prompt, key, record.id, repeat);
    }
  };
  return {
    async *questions(rows) {
      asked.clear();
      const [read, shortened, seen] = [[] as string[], new Map<number, number>(), new Set<string>()];
      const failed = new Set<string>();
      for await (const record of rows()) {
        const prompt = render(record);
        const content = contentKey(judge, prompt);
        if (prompt.cut > 0) shortened.set(read.length, prompt.cut);
        read.push(content);
        if (seen.has(content)) continue;
        seen.add(content);
        const found = known(content);
        slots.set(content, found);
        if (found.some(isFailed)) failed.add(content);
        else yield* left(record, prompt, content);
      }
      // Only a whole reading shows where each row is.
      [contents, cuts] = [read, shortened];
      if (failed.size === 0) return;
      for await (const record of rows()) {
        const prompt = render(record);
        const content = contentKey(judge, prompt);
        if (failed.delete(content)) yield* left(record, prompt, content);
      }
    },
    take(answer) {
      const { content, repeat, attempt } = asked.get(answer.key)!;
      asked.delete(answer.key);
      const put = (slot: Slot) => {
        slots.get(content)![repeat] = slot;
      };
      if ('failure' in answer) {
        put({ kind: answer.failure.kind, reason: answer.failure.message, attempt });
        return undefined;
      }
      const verdict = verdictOf(judge, answer.reply);
      if ('score' in verdict) put(scoredSlot(verdict, answer.reply));
      else put({ kind: 'unreadable', reason: verdict.unclear, attempt: attempt + 1 });
      return 'unclear' in verdict ? verdict.unclear : undefined;
    },
    outcomeOf(record, index) {
      const found = slots.get(contents[index] ?? '');
      if (!found)
        throw dataError(
          `row ${record.id}: it was not in the file when the rows were first read; do not change the file while it is scored`,
        );
      return outcome(found, judge, cuts.get(index));
    },
    counts: () => ({ rows: contents.length, cut: cuts.size, ...countsOf(slots, contents) }),
  };
}

/** One list for all replies without the same features: there may be tens of thousands. */
const listsOfFeatures = new Map<string, readonly Feature[]>();

function scoredSlot(verdict: Exclude<Verdict, { unclear: string }>, { without }: ChatReply): Slot {
  if (without === undefined) return verdict;
  const name = without.join();
  if (!listsOfFeatures.has(name)) listsOfFeatures.set(name, without);
  return { ...verdict, without: listsOfFeatures.get(name)! };
}

/** What the ledger knows of one repeat. */
function slotIn(ledger: Replies, judge: Judge, content: string, repeat: number): Slot {
  let last: Unscored = { kind: 'not-asked', reason: 'there is no reply yet' };
  for (let attempt = 0; ; attempt++) {
    const key = questionKey(content, repeat, attempt);
    const reply = ledger.get(key)?.reply;
    if (!reply) {
      const failure = ledger.failure(key)?.failure;
      return { ...(failure ? { kind: failure.kind, reason: failure.message } : last), attempt };
    }
    const verdict = verdictOf(judge, reply);
    if ('score' in verdict) return scoredSlot(verdict, reply);
    last = { kind: 'unreadable', reason: verdict.unclear };
  }
}

/** True for a question that was asked and got no reply at all. */
const isFailed = (slot: Slot): boolean => !('score' in slot) && slot.kind !== 'not-asked' && slot.kind !== 'unreadable';

type Scored = Extract<Slot, { score: number }>;
const isScored = (slot: Slot): slot is Scored => 'score' in slot;

/** A row's score is the mean of its repeats; `deviation` is their sample standard deviation. */
function outcome(slots: readonly Slot[], { repeats, expected }: Judge, cut: number | undefined): RowScore | Unscored {
  const given = slots.filter(isScored);
  const shortened = cut === undefined ? {} : { cut };
  if (given.length === 0) {
    const { kind, reason } = slots.find((slot): slot is Exclude<Slot, Scored> => !isScored(slot))!;
    return { kind, reason, details: shortened };
  }
  const scores = given.map(({ score }) => rounded(score));
  const score = mean(scores);
  const deviation = Math.sqrt(scores.reduce((sum, s) => sum + (s - score) ** 2, 0) / (scores.length - 1));
  const masses = given.flatMap(({ mass }) => (mass === undefined ? [] : [mass]));
  const reason = given.find((slot) => slot.reason !== undefined)?.reason;
  const details = {
    ...(repeats > 1 && { scores, ...(scores.length > 1 && { deviation: rounded(deviation) }) }),
    ...(masses.length > 0 && { mass: rounded(mean(masses)) }),
    ...(expected && given.some(({ fromText }) => fromText) && { fromText: true }),
    ...(reason !== undefined && { reason }),
    ...shortened,
  };
  return { score: rounded(score), details };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Six decimals are more than a judge knows. */
const rounded = (value: number) => Math.round(value * 1e6) / 1e6;

function countsOf(slots: ReadonlyMap<string, readonly Slot[]>, contents: readonly string[]) {
  const distinct = new Set(contents);
  let [partial, fromText, total, masses] = [0, 0, 0, 0];
  const without: Partial<Record<Feature, number>> = {};
  for (const content of distinct) {
    const all = slots.get(content)!;
    const given = all.filter(isScored);
    if (given.length > 0 && given.length < all.length) partial++;
    for (const { mass, fromText: text, without: features = [] } of given) {
      for (const feature of features) without[feature] = (without[feature] ?? 0) + 1;
      if (text) fromText++;
      if (mass === undefined) continue;
      total += mass;
      masses++;
    }
  }
  return {
    repeated: contents.length - distinct.size,
    partial,
    fromText,
    mass: masses === 0 ? undefined : total / masses,
    without,
  };
}
