import { describe, expect, test } from 'vitest';
import type { Order } from '../../src/curriculum/types.js';
import { rowIdsOf } from '../../src/data/batch-plan.js';
import { planRun } from '../../src/train/run-plan.js';
import { tinyPlan, tinySet, tinyTrain } from '../helpers/tiny-run.js';

const ORDERS: readonly Order[] = ['phased', 'one-off', 'random', 'reversed', 'shuffled'];

const visited = (order: Order) =>
  tinyPlan({ order, epochs: 2 }).stages.map(({ batches }) =>
    batches.steps.flatMap(({ microBatches }) => microBatches.flatMap(rowIdsOf)),
  );

describe('orders', () => {
  test.each(ORDERS)('%s visits every row once an epoch, and no held-out row', (order) => {
    const ids = visited(order).flat().sort();
    const { set } = tinySet();
    const all = set.stages.flatMap(({ rows }) => rows.map(({ id }) => id));
    expect(ids).toEqual([...all, ...all].sort());
  });

  test('phased rises, reversed falls, one-off mixes in one stage, random has stages of mixed rows', () => {
    const bands = (order: Order) => visited(order).map((ids) => [...new Set(ids.map((id) => id[1]))].sort().join(''));
    expect(bands('phased')).toEqual(['1', '2', '3']);
    expect(bands('reversed')).toEqual(['3', '2', '1']);
    expect(bands('shuffled').toSorted()).toEqual(['1', '2', '3']);
    expect(bands('shuffled')).not.toEqual(['1', '2', '3']);
    expect(bands('one-off')).toEqual(['123']);
    expect(bands('random').every((mix) => mix.length > 1)).toBe(true);
  });

  test.each(ORDERS)('%s trains the budget of the run, over it by less than one step', (order) => {
    const budget = 200;
    const { stages } = tinyPlan({ order, epochs: undefined, budget });
    const trained = stages.reduce((n, { batches }) => n + batches.trainedTokens, 0);
    const largest = Math.max(...stages.flatMap(({ batches }) => batches.steps.map((step) => step.trainedTokens)));
    expect(trained).toBeGreaterThanOrEqual(budget);
    expect(trained).toBeLessThan(budget + largest);
  });
});

test('replay brings back rows of earlier stages and is counted', () => {
  const { stages } = tinyPlan({ replay: 0.5, stages: [{}, {}, { replay: 0.25 }] });
  expect(stages.map(({ summary }) => [summary.rows, summary.replayed])).toEqual([
    [8, 0],
    [12, 4],
    [10, 2],
  ]);
});

test('one-off with the replay of a phased run trains its tokens, to the last', () => {
  const tokens = (order: Order) => {
    const { stages } = tinyPlan({ order, epochs: 3, replay: [0, 0.5, 0.25] });
    const sum = (of: (stage: (typeof stages)[number]) => number) => stages.reduce((n, stage) => n + of(stage), 0);
    const visits = stages.flatMap(({ batches }) =>
      batches.steps.flatMap((step) => step.microBatches.flatMap(rowIdsOf)),
    );
    const [trained, all] = [sum(({ batches }) => batches.trainedTokens), sum(({ batches }) => batches.tokens)];
    return { trained, all, replayed: sum(({ summary }) => summary.replayed), visits: visits.sort() };
  };
  const phased = tokens('phased');
  expect(phased.visits).toHaveLength(3 * (24 + 4 + 2));
  expect(tokens('one-off')).toEqual(phased);
  expect(tinyPlan({ order: 'one-off', replay: [0, 0.5, 0.25] }).stages.map(({ summary }) => summary.label)).toEqual([
    'stage 1 of 1: all rows',
  ]);
});

test('stages that go over into each other are as large as bands, and told by their shares', () => {
  const { stages } = tinyPlan({ smoothness: 0.5, batchRows: 1, accumulate: 1, shuffle: false });
  expect(stages.map(({ summary }) => [summary.rows, summary.label])).toEqual([
    [8, 'stage 1 of 3: 63 % band 1, 38 % band 2'],
    [8, 'stage 2 of 3: 38 % band 1, 25 % band 2, 38 % band 3'],
    [8, 'stage 3 of 3: 38 % band 2, 63 % band 3'],
  ]);
});

test('each stage has batches of its own order, the same for the same seed', () => {
  const hashes = (seed: number) => tinyPlan({ seed }).stages.map(({ batches }) => batches.hash);
  expect(hashes(1)).toEqual(hashes(1));
  expect(hashes(1)).not.toEqual(hashes(2));
});

test('an order by score is not undone by shuffling', () => {
  const { set, rows } = tinySet();
  const scored = {
    ...set,
    stages: set.stages.map((s) => ({ ...s, rows: s.rows.map((r, i) => ({ ...r, score: -i })) })),
  };
  const { stages } = planRun(scored, rows, tinyTrain({ within: 'score', order: 'phased' }));
  const ids = stages[0]!.batches.steps.flatMap(({ microBatches }) => microBatches.flatMap(rowIdsOf));
  expect(ids).toEqual([...set.stages[0]!.rows].reverse().map(({ id }) => id));
});

test('stages with a continued schedule join the one that began it', () => {
  const { stages } = tinyPlan({ epochs: 2, stages: [{}, { schedule: 'continued', epochs: 1 }, {}] });
  expect(stages.map(({ schedule }) => schedule)).toEqual([
    { before: 0, steps: 6 },
    { before: 4, steps: 6 },
    { before: 0, steps: 4 },
  ]);
});

describe('rows that encoding dropped', () => {
  const { set, rows } = tinySet();
  const without = (lost: (id: string) => boolean) => rows.filter(({ id }) => !lost(id));

  test('are left out of stages, replay and held-out rows', () => {
    const plan = planRun(
      set,
      without((id) => id === 's1-0' || id === 'h2-0'),
      tinyTrain({ replay: 1 }),
    );
    expect(plan.stages.map(({ summary }) => summary.rows)).toEqual([7, 16, 16]);
    const ids = plan.stages.flatMap(({ batches }) =>
      batches.steps.flatMap((step) => step.microBatches.flatMap(rowIdsOf)),
    );
    expect(ids).not.toContain('s1-0');
    expect(plan.holdout!.bands.map(({ rows }) => rows)).toEqual([3, 2, 3]);
  });

  test('are told when a stage has no row left', () => {
    expect(() =>
      planRun(
        set,
        without((id) => id.startsWith('s2')),
        tinyTrain(),
      ),
    ).toThrow('stage 2 of 3 has no rows left, all 8 are too long; raise `maxLength`');
  });
});

test('a stage without rows is refused by its number', () => {
  const { set, rows } = tinySet();
  const empty = { ...set, stages: set.stages.map((stage) => (stage.index === 3 ? { ...stage, rows: [] } : stage)) };
  expect(() => planRun(empty, rows, tinyTrain())).toThrow(/^stage 3 of 3 has no rows to train on/);
});

test('without held-out rows there is no plan for them', () => {
  const { set, rows } = tinySet(8, 0);
  expect(planRun(set, rows, tinyTrain()).holdout).toBeUndefined();
});

test('held-out rows go in batches of like length, longest first, each row once', () => {
  const { bands, batches, bandOf } = tinyPlan().holdout!;
  expect(bands.map(({ stage, rows }) => [stage, rows])).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  const lengths = batches.flatMap(({ lines }) => lines.flat().map(({ ids }) => ids.length));
  expect(lengths).toEqual([...lengths].sort((x, y) => y - x));
  for (const { shape } of batches) expect(shape.length % 4).toBe(0);
  const ids = batches.flatMap(({ lines }) => lines.flat().map(({ id }) => id));
  expect(new Set(ids).size).toBe(9);
  for (const [i, id] of ids.entries()) expect(bands[bandOf.flat()[i]!]!.stage).toBe(Number(id[1]));
});
