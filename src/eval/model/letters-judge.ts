import { setImmediate } from 'node:timers/promises';
import { dataError } from '../../core/errors.js';
import { hashOf } from '../../core/hash.js';
import { chunk } from '../../core/lists.js';
import type { EncodedRow } from '../../data/encoded.js';
import { type MicroBatch, rowsOf } from '../../data/micro-batch.js';
import type { LedgerLine } from '../../endpoint/ledger.js';
import { planLosses } from '../../scoring/measure-losses.js';
import { formatCount } from '../../telemetry/format.js';
import {
  LETTER_PROMPT_VERSION,
  type LetterForm,
  letterForm,
  letterMessages,
  letterTexts,
  OPENING,
  type PairMessages,
  type TooLong,
} from '../judge/letter-texts.js';
import { choiceOfLogOdds, scoreOfOrders } from '../judge/log-odds.js';
import type { PairJudge, PairOutcome, PairQuestion, SettledPair } from '../judge/pair-judge.js';
import { checkTexts, type JudgeModel, type LocalJudgeSetup, measuring, openJudgeModel } from './judge-model.js';
import { type LabelMeter, openLabelMeter } from './loss-meter.js';

/** What a model says after a text, in the ledger: log-probabilities of the two labels, in nats. */
export type LettersLine = LedgerLine &
  ({ readonly first: number; readonly second: number } | { readonly failure: { readonly message: string } });

/** What the letters judge is opened with. */
export interface LettersSetup extends LocalJudgeSetup<LettersLine> {
  /** Default {@link letterMessages}. */
  readonly messagesOf?: PairMessages;
}

/**
 * A judge that is a chat model in this process: it reads the prompt of a pair, its reply is begun for it, and the
 * probabilities of the two letters that may come next are its verdict. A backend must be loaded. Throws data errors of
 * the model's files, and of a tokenizer that cannot be asked for a letter.
 */
export async function openLettersJudge(setup: LettersSetup): Promise<PairJudge> {
  const judge = await openJudgeModel(setup);
  try {
    const form = await letterForm(judge.tokenizer, judge.maxLength);
    const { labels } = form;
    const about = { ...judge.about, prompt: LETTER_PROMPT_VERSION, opening: OPENING, labels };
    let meter: LabelMeter | undefined;
    const open = async (batches: readonly MicroBatch[]): Promise<LabelMeter> => {
      meter ??= await openLabelMeter(judge.model, labels[1], batches, setup.compile);
      return meter;
    };
    return {
      name: 'letters',
      kind: 'letters',
      about,
      ordered: true,
      combine: (logOdds) => scoreOfOrders(logOdds),
      judge: (questions, signal) => askAll(questions, { setup, judge, form, open }, signal),
      async close() {
        meter?.dispose();
        meter = undefined;
        await judge.model.close();
      },
    };
  } catch (error) {
    await judge.model.close();
    throw error;
  }
}

/** What questions are answered with. */
interface Asking {
  readonly setup: LettersSetup;
  readonly judge: JudgeModel;
  readonly form: LetterForm;
  open(batches: readonly MicroBatch[]): Promise<LabelMeter>;
}

/** Questions that are encoded together, between two looks at the signal. */
const ENCODED = 64;

async function* askAll(
  questions: readonly PairQuestion[],
  { setup, judge, form, open }: Asking,
  signal: AbortSignal | undefined,
): AsyncGenerator<SettledPair> {
  const { ledger, judgeBatch, messagesOf = letterMessages } = setup;
  const texts: (EncodedRow | TooLong)[] = [];
  for (const some of chunk(questions, ENCODED)) {
    texts.push(...(await letterTexts(some, messagesOf, form)));
    await setImmediate();
    if (signal?.aborted) return;
  }
  const waiting = new Map<number, EncodedRow>();
  refuseTooLong(judge, texts);
  for (const [index, text] of texts.entries())
    if ('needs' in text) yield { index, outcome: tooLong(form.maxLength, text) };
    else waiting.set(index, text);
  const rows = [...waiting.values()];
  await checkTexts(judge, rows);
  const { model: _, maxLength: _most, ...decides } = judge.about;
  const plan = planLosses(rows, hashOf({ letters: form.labels, ...decides }), ledger.has, judgeBatch);
  const measure = async (batch: MicroBatch): Promise<LettersLine[]> => {
    const { first, second } = await (await open(plan.batches)).measure(batch);
    return rowsOf(batch).map((text, i) => lineOf(plan.keyOf(text), text.id, -first[i]!, -second[i]!));
  };
  for await (const _ of measuring(plan, measure, ledger, signal))
    for (const [index, text] of waiting) {
      const line = ledger.get(plan.keyOf(text));
      if (!line) continue;
      waiting.delete(index);
      yield { index, outcome: outcomeOf(line) };
    }
  if (signal?.aborted) return;
  for (const index of waiting.keys()) yield { index, outcome: NO_NUMBER };
}

const lineOf = (key: string, item: string, first: number, second: number): LettersLine =>
  Number.isFinite(first - second)
    ? { key, item, first, second }
    : { key, item, failure: { message: `the log-probabilities are ${first} and ${second}` } };

const NO_NUMBER: PairOutcome = {
  missing: 'unreadable',
  message: "the probabilities of the letters are not finite numbers: the judge's weights are damaged",
};

const tooLong = (most: number, { needs }: TooLong): PairOutcome => ({
  missing: 'too-long',
  message: `the question takes ${formatCount(needs)} tokens even with short answers; this judge reads at most ${formatCount(most)}`,
});

/** A judge that can read none of its questions is the wrong one: that is said before anything is measured. */
function refuseTooLong({ model, maxLength }: JudgeModel, texts: readonly (EncodedRow | TooLong)[]): void {
  const needs = texts.flatMap((text) => ('needs' in text ? [text.needs] : []));
  if (texts.length === 0 || needs.length < texts.length) return;
  const least = needs.reduce((x, y) => Math.min(x, y));
  const context = model.config.max_position_embeddings;
  const limit =
    maxLength < context
      ? `\`judgeMaxLength\` of ${formatCount(maxLength)}`
      : `its context of ${formatCount(maxLength)}`;
  throw dataError(
    `${model.path}: cannot judge: even the shortest question takes ${formatCount(least)} tokens, more than ${limit}`,
    {
      file: model.path,
      option: 'model',
      remedies: [
        ...(maxLength < context ? [{ option: 'judgeMaxLength', change: 'raise' } as const] : []),
        { option: 'model', change: 'set', note: 'to a judge with a longer context' },
      ],
    },
  );
}

function outcomeOf(line: LettersLine): PairOutcome {
  if ('failure' in line && line.failure) return NO_NUMBER;
  const { first, second } = line as Extract<LettersLine, { first: number }>;
  const logOdds = first - second;
  return { choice: choiceOfLogOdds(logOdds), logOdds, mass: Math.exp(first) + Math.exp(second) };
}
