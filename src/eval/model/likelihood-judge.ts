import { setImmediate } from 'node:timers/promises';
import { hashOf } from '../../core/hash.js';
import { chunk } from '../../core/lists.js';
import type { MicroBatch } from '../../data/micro-batch.js';
import type { InstructionRecord } from '../../data/record.js';
import { encodePairs, type LossPair } from '../../scoring/ifd.js';
import { type LossLine, type LossPlan, lossesOf, planLosses } from '../../scoring/measure-losses.js';
import type { Unscored } from '../../scoring/scored.js';
import { choiceOfLogOdds } from '../judge/log-odds.js';
import type { PairJudge, PairOutcome, PairQuestion, SettledPair } from '../judge/pair-judge.js';
import { checkTexts, type JudgeModel, type LocalJudgeSetup, measuring, openJudgeModel } from './judge-model.js';
import { type ModelMeter, openLossMeter } from './loss-meter.js';

/**
 * A judge that asks how much the instruction helps a model to expect an answer: log p(answer | instruction) - log
 * p(answer), summed over the answer's tokens; the larger is the better. It knows what belongs to an instruction, and
 * nothing about whether an answer is complete: a control, not a verdict. A backend must be loaded. Throws data errors
 * of the model's files.
 */
export async function openLikelihoodJudge(setup: LocalJudgeSetup<LossLine>): Promise<PairJudge> {
  const judge = await openJudgeModel(setup);
  const template = judge.tokenizer.hasChatTemplate ? 'chat' : 'paper';
  let meter: ModelMeter | undefined;
  const open = async (batches: readonly MicroBatch[]): Promise<ModelMeter> => {
    meter ??= await openLossMeter(judge.model, undefined, batches, setup.compile);
    return meter;
  };
  return {
    name: 'likelihood',
    kind: 'likelihood',
    about: { ...judge.about, template, compared: 'log p(answer | instruction) - log p(answer), summed' },
    ordered: false,
    judge: (questions, signal) => compareAll(questions, { setup, judge, template, open }, signal),
    async close() {
      meter?.dispose();
      meter = undefined;
      await judge.model.close();
    },
  };
}

/** What answers are measured with. */
interface Measuring {
  readonly setup: LocalJudgeSetup<LossLine>;
  readonly judge: JudgeModel;
  readonly template: 'chat' | 'paper';
  open(batches: readonly MicroBatch[]): Promise<ModelMeter>;
}

/** Answers that are encoded together, between two looks at the signal. */
const ENCODED = 64;

async function* compareAll(
  questions: readonly PairQuestion[],
  { setup, judge, template, open }: Measuring,
  signal: AbortSignal | undefined,
): AsyncGenerator<SettledPair> {
  const { ledger, judgeBatch } = setup;
  const answers = new Map<string, LossPair | Unscored>();
  const records = new Map<string, InstructionRecord>();
  for (const question of questions)
    for (const answer of [question.first, question.second])
      records.set(nameOf(question, answer), recordOf(question, answer));
  for (const some of chunk([...records], ENCODED)) {
    const options = { lossScore: 'ifd', template, maxLength: judge.maxLength } as const;
    const pairs = await encodePairs(
      some.map(([, record]) => record),
      judge.tokenizer,
      options,
    );
    for (const [i, [name]] of some.entries()) answers.set(name, pairs[i]!);
    await setImmediate();
    if (signal?.aborted) return;
  }
  const texts = [...answers.values()].flatMap((pair) => ('given' in pair ? [pair.given, pair.alone!] : []));
  await checkTexts(judge, texts);
  const { model: _, maxLength: _most, ...decides } = judge.about;
  const plan = planLosses(texts, hashOf({ likelihood: 1, ...decides }), ledger.has, judgeBatch);
  const waiting = new Map(questions.entries());
  const ratio = (question: PairQuestion, answer: string) =>
    ratioOf(answers.get(nameOf(question, answer))!, plan, ledger);
  const measure = async (batch: MicroBatch) => lossesOf(plan, await open(plan.batches))(batch);
  for await (const _ of measuring(plan, measure, ledger, signal))
    for (const [index, question] of waiting) {
      const [first, second] = [ratio(question, question.first), ratio(question, question.second)];
      if (!first || !second) continue;
      waiting.delete(index);
      yield { index, outcome: outcomeOf(first, second) };
    }
  if (signal?.aborted) return;
  for (const index of waiting.keys()) yield { index, outcome: NO_NUMBER };
}

const nameOf = ({ messages }: PairQuestion, answer: string): string => JSON.stringify([messages, answer]);

const recordOf = ({ item, messages }: PairQuestion, answer: string): InstructionRecord => ({
  id: item,
  messages: [...messages, { role: 'assistant', content: answer }],
});

/** How much the instruction helps, in nats, over so many tokens. */
type Ratio = { readonly sum: number; readonly tokens: number } | { readonly refused: Unscored };

/** Undefined where the losses are not known. Nothing helps to expect an empty answer. */
function ratioOf(
  pair: LossPair | Unscored,
  { keyOf }: LossPlan,
  ledger: LocalJudgeSetup<LossLine>['ledger'],
): Ratio | undefined {
  if (!('given' in pair)) return pair.kind === 'empty-answer' ? { sum: 0, tokens: 0 } : { refused: pair };
  const [given, alone] = [ledger.get(keyOf(pair.given)), ledger.get(keyOf(pair.alone!))];
  if (!given || !alone || !('loss' in given) || !('loss' in alone)) return undefined;
  return { sum: alone.loss - given.loss, tokens: given.tokens };
}

function outcomeOf(first: Ratio, second: Ratio): PairOutcome {
  for (const ratio of [first, second])
    if ('refused' in ratio)
      return {
        missing: ratio.refused.kind === 'prompt-too-long' ? 'too-long' : 'unreadable',
        message: ratio.refused.reason,
      };
  const [x, y] = [first, second] as Extract<Ratio, { sum: number }>[];
  return { choice: choiceOfLogOdds(x!.sum - y!.sum), why: `${shown(x!)} against ${shown(y!)}` };
}

const shown = ({ sum, tokens }: { sum: number; tokens: number }): string =>
  `${sum.toFixed(3)} nats (${tokens === 0 ? 'no token' : `${(sum / tokens).toFixed(3)} a token`})`;

const NO_NUMBER: PairOutcome = {
  missing: 'unreadable',
  message: "the losses are not finite numbers: the judge's weights are damaged",
};
