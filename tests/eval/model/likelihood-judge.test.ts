import { expect, test } from 'vitest';
import type { PairOutcome, PairQuestion } from '../../../src/eval/judge/pair-judge.js';
import type { LocalJudgeSetup } from '../../../src/eval/model/judge-model.js';
import { openLikelihoodJudge } from '../../../src/eval/model/likelihood-judge.js';
import { openLossMeter } from '../../../src/eval/model/loss-meter.js';
import { openModelFolder } from '../../../src/model/load.js';
import { encodePairs, type LossPair } from '../../../src/scoring/ifd.js';
import type { LossLine } from '../../../src/scoring/measure-losses.js';
import { loadTokenizer } from '../../../src/tokenizer/tokenizer.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { countingLedger, float32, judgeAll, question, swapped } from '../../helpers/judge.js';
import { onePerLine } from '../../helpers/micro-batch.js';
import { writeTinyModel } from '../../helpers/tiny-model.js';

async function setupOf(model: string, more: Partial<LocalJudgeSetup<LossLine>> = {}) {
  const ledger = await countingLedger<LossLine>();
  return { model, compile: await float32(), ledger, judgeBatch: 8, judgeMaxLength: 256, ...more };
}

async function judgeWith(
  setup: LocalJudgeSetup<LossLine>,
  asked: readonly PairQuestion[],
  stopAfter?: number,
): Promise<(PairOutcome | undefined)[]> {
  const judge = await openLikelihoodJudge(setup);
  try {
    return await judgeAll(judge, asked, stopAfter);
  } finally {
    await judge.close();
  }
}

const tinyModel = () => writeTinyModel(temporaryFolder('phasetune-likelihood'));
const questions = Array.from({ length: 8 }, (_, i) =>
  question(`Name ${i} rivers.`, 'The Rhine. '.repeat(1 + (i % 4)), `${i} rivers: ${'Elbe, '.repeat(i)}Oder.`),
);

test('an answer is better by how much the instruction lowers its loss, summed over its tokens', async () => {
  const folder = await tinyModel();
  const outcomes = await judgeWith(await setupOf(folder), questions);
  const tokenizer = await loadTokenizer(folder);
  const records = questions.flatMap(({ messages, first, second }, i) =>
    [first, second].map((content) => ({
      id: `${i}`,
      messages: [...messages, { role: 'assistant' as const, content }],
    })),
  );
  const options = { lossScore: 'ifd', template: 'chat', maxLength: 256 } as const;
  const pairs = (await encodePairs(records, tokenizer, options)) as LossPair[];
  const batch = onePerLine(pairs.flatMap(({ given, alone }) => [given, alone!]));
  const model = await openModelFolder(folder);
  const meter = await openLossMeter(model, undefined, [batch], { mode: 'eager', precision: 'float32' });
  const losses = await meter.measure(batch);
  meter.dispose();
  await model.close();
  const helps = (i: number) => losses[2 * i + 1]! - losses[2 * i]!;
  for (const [i, outcome] of outcomes.entries()) {
    const [first, second] = [helps(2 * i), helps(2 * i + 1)];
    const { choice, why } = outcome as Extract<PairOutcome, { choice: string }>;
    expect(choice).toBe(first > second ? 'first' : 'second');
    const [x, y] = [...why!.matchAll(/(-?[\d.]+) nats/g)].map(([, number]) => Number(number));
    // Four digits are written; losses of float32 sums differ by less.
    expect(Math.abs(x! - first)).toBeLessThan(2e-3);
    expect(Math.abs(y! - second)).toBeLessThan(2e-3);
  }
});

test('the order does not matter, equal answers are equal, and each text is measured once', async () => {
  const ledger = await countingLedger<LossLine>();
  const equal = questions.slice(1).map((one) => ({ ...one, second: one.first }));
  const asked = [...questions, ...questions.map(swapped), ...equal];
  const choices = (await judgeWith(await setupOf(await tinyModel(), { ledger }), asked)).map(
    (outcome) => outcome && 'choice' in outcome && outcome.choice,
  );
  const n = questions.length;
  const turned = { first: 'second', second: 'first', tie: 'tie' } as const;
  for (const i of questions.keys()) expect(choices[n + i]).toBe(turned[choices[i] as keyof typeof turned]);
  expect(choices.slice(2 * n)).toEqual(equal.map(() => 'tie'));
  expect(new Set(ledger.keys).size).toBe(ledger.keys.length);
});

test('nothing helps to expect an empty answer; a prompt that is too long is missing', async () => {
  const asked = [
    question('Why?', '', '  '),
    question('Why?', '', 'Because.'),
    question('and why '.repeat(400), 'Because.', 'So.'),
  ];
  const [both, one, long] = await judgeWith(await setupOf(await tinyModel()), asked);
  expect(both).toMatchObject({ choice: 'tie', why: '0.000 nats (no token) against 0.000 nats (no token)' });
  expect(one).toHaveProperty('choice');
  expect(long).toMatchObject({ missing: 'too-long', message: expect.stringContaining('256') });
});

test('a run that was cut off continues', async () => {
  const folder = await tinyModel();
  const whole = await judgeWith(await setupOf(folder, { judgeBatch: 4 }), questions);
  const ledger = await countingLedger<LossLine>();
  const setup = await setupOf(folder, { judgeBatch: 4, ledger });
  const part = await judgeWith(setup, questions, 1);
  expect(part.filter((outcome) => outcome !== undefined).length).toBeLessThan(questions.length);
  expect(await judgeWith(setup, questions)).toEqual(whole);
  expect(new Set(ledger.keys).size).toBe(ledger.keys.length);
});

test('a model without a chat template is asked with the template of the paper', async () => {
  const { rm } = await import('node:fs/promises');
  const folder = await tinyModel();
  await rm(`${folder}/chat_template.jinja`);
  const judge = await openLikelihoodJudge(await setupOf(folder));
  expect(judge.about).toMatchObject({ template: 'paper', precision: 'float32', maxLength: 256 });
  expect(await judgeAll(judge, questions.slice(0, 2))).toHaveLength(2);
  await judge.close();
});
