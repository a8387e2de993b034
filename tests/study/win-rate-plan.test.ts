import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { studyFileSchema } from '../../src/study/study-file.js';
import { decideMetric } from '../../src/study/win-rate-options.js';
import { checkWinRates, planWinRates } from '../../src/study/win-rate-plan.js';
import { temporaryFolder } from '../helpers/folder.js';

let home: string;

const ANSWER = 'Water boils at a hundred degrees at the level of the sea';

beforeEach(() => {
  home = temporaryFolder('win-rate-plan');
  const rows = (n: number, output: string) =>
    Array.from({ length: n }, (_, i) => ({ instruction: `Question ${i}`, output: output && `${output} ${i}.` }));
  writeFileSync(join(home, 'koala.json'), JSON.stringify(rows(30, '')));
  writeFileSync(join(home, 'own.json'), JSON.stringify(rows(40, ANSWER)));
  const about = { schema: 'phasetune/prices', version: 1, date: '2026-11-28' };
  const prices = { ...about, prices: [{ model: 'my-judge', input: 1, output: 10 }] };
  writeFileSync(join(home, 'prices.json'), JSON.stringify(prices));
});

/** A study of three arms and two seeds, with or without an axis of two values. */
function study(winRate: Record<string, unknown>, axes: Record<string, string[]> = {}) {
  const parsed = studyFileSchema.parse({
    base: {},
    arms: { a: {}, b: {}, c: {} },
    axes,
    control: 'a',
    metric: { 'win-rate': winRate },
  });
  const groups: Record<string, string>[] = axes.model ? axes.model.map((model) => ({ model })) : [{}];
  const cells = [1, 2].flatMap((seed) =>
    groups.flatMap((values) =>
      ['a', 'b', 'c'].map((arm) => ({ id: `${arm}-${seed}`, arm, axes: values, seed, split: 1 })),
    ),
  );
  return {
    record: { study: { ...parsed, metric: decideMetric(parsed.metric, { environment: {} }) }, begunIn: home },
    cells,
  };
}

test('answers of every cell, pairs of every cell but the control, questions in both orders', async () => {
  const plan = await planWinRates(study({ sets: ['koala.json', 'own.json'], judge: 'letters', controls: [] }));
  expect(plan).toEqual({
    evaluations: 1,
    sets: [
      { name: 'koala', rows: 30, chosen: 30 },
      { name: 'own', rows: 40, chosen: 40 },
    ],
    rows: 70,
    answers: 6 * 70,
    pairs: 4 * 70,
    judge: 'letters',
    questions: 2 * 4 * 70,
    // 40 rows with another answer and a scrambled one in both orders; every fourth is compared with itself, once.
    entrance: 40 * 2 * 2 + 10,
    asking: undefined,
  });
});

test('each combination of the axes has an evaluation, with a test of its own', async () => {
  const options = { sets: ['own.json'], judge: 'letters', controls: [], rows: 20 };
  const one = (await planWinRates(study(options)))!;
  const two = (await planWinRates(study(options, { model: ['small', 'large'] })))!;
  expect(one).toMatchObject({ evaluations: 1, rows: 20, answers: 120, pairs: 80, questions: 160 });
  expect(two).toMatchObject({ evaluations: 2, rows: 20, answers: 240, pairs: 160, questions: 320 });
  expect(two.entrance).toBe(2 * one.entrance);
});

test('what an LLM may cost, for answers as long as they may be', async () => {
  const llm = { judge: 'llm', baseUrl: 'https://judge.example.org/v1', model: 'my-judge', prices: 'prices.json' };
  const options = { ...llm, sets: ['koala.json'], judgeMaxTokens: 100, maxTokens: 64 };
  const plan = (await planWinRates(study(options)))!;
  expect(plan.asking!.estimate).toMatchObject({ requests: 2 * 4 * 30, replyTokens: 2 * 4 * 30 * 100 });
  const { promptTokens, replyTokens, cost, likelyCost } = plan.asking!.estimate;
  expect(cost).toBeCloseTo((promptTokens + 10 * replyTokens) / 1e6, 10);
  expect(likelyCost).toBeLessThan(cost!);
  const longer = (await planWinRates(study({ ...options, maxTokens: 128 })))!;
  // Two answers, 64 words more each.
  const more = (longer.asking!.estimate.promptTokens - promptTokens) / plan.asking!.estimate.requests;
  expect(more).toBeGreaterThan(2 * 64 * 0.8);
  expect(more).toBeLessThan(2 * 64 * 2);
  expect(JSON.stringify(plan.asking)).not.toContain('apiKey');
});

test('what is missing is found before anything is trained', async () => {
  const llm = { judge: 'llm', baseUrl: 'https://judge.example.org/v1', model: 'my-judge', sets: ['koala.json'] };
  const environment = {};
  await expect(checkWinRates(study(llm), { environment })).rejects.toThrow('no key for judge.example.org');
  const key = { OPENAI_API_KEY: 'k' };
  const priced = { ...llm, prices: 'prices.json' };
  await expect(checkWinRates(study(priced), { environment: key })).rejects.toThrow('this may cost about $');
  await expect(checkWinRates(study({ ...priced, yes: true }), { environment: key })).resolves.toBe(undefined);
  await expect(checkWinRates(study({ ...priced, maxCost: 5 }), { environment: key })).resolves.toBe(undefined);
  await expect(checkWinRates(study({ ...priced, maxCost: 0.01 }), { environment: key })).rejects.toThrow(
    'allows $0.01',
  );
  let asked = 0;
  const confirm = async () => ++asked > 0;
  await expect(checkWinRates(study(priced), { environment: key, confirm })).resolves.toBe(undefined);
  expect(asked).toBe(0);
  await expect(planWinRates(study({ ...llm, maxCost: 1 }), { environment })).rejects.toThrow(
    'needs the price of tokens',
  );
  await expect(planWinRates(study({ sets: ['none.json'], judge: 'length' }))).rejects.toThrow('none.json');
  await expect(planWinRates(study({ sets: ['own.json'], judge: 'letters', model: 'none' }))).rejects.toThrow(
    expect.objectContaining({ code: 'data', message: expect.stringContaining('there is no') }),
  );
  await expect(planWinRates(study({ ...llm, judgePrompt: 'none.yaml' }), { environment })).rejects.toThrow('none.yaml');
});

test('a study of held-out losses plans none', async () => {
  const { cells, record } = study({ sets: ['koala.json'] });
  const losses = { ...record.study, metric: { 'held-out': 'all' as const } };
  expect(await planWinRates({ cells, record: { ...record, study: losses } })).toBe(undefined);
});
