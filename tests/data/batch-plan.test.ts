import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BatchPlan, type PlanStage, planBatches, rowIdsOf } from '../../src/data/batch-plan.js';
import type { EncodedRow } from '../../src/data/encoded.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { type BatchOptions, batchOptionsSchema } from '../../src/data/options.js';
import { expectLinear } from '../helpers/growth.js';

const row = (id: string, length: number, trained = 1): EncodedRow => ({
  id,
  ids: new Int32Array(length),
  mask: new Uint8Array(length).fill(1, length - trained),
  trained,
});
const rowsOf = (...lengths: number[]) => lengths.map((length, i) => row(String(i), length, 2));

type Given = Partial<BatchOptions & Omit<PlanStage, 'rows'>>;
const planOne = (rows: EncodedRow[], { seed = 1, budget = { epochs: 1 }, ...batch }: Given = {}): BatchPlan =>
  planBatches([{ rows, seed, budget }], batchOptionsSchema.parse(batch))[0]!;

const withoutSeed = ({ seed: _, ...batch }: Given) => batch;

/** The plan's micro-batches with the ids of their rows. */
const idsOf = ({ lines, shape }: MicroBatch) => ({ lines: lines.map((line) => line.map(({ id }) => id)), shape });
const batchesOf = (plan: BatchPlan) => plan.steps.flatMap((step) => step.microBatches);
const order = (plan: BatchPlan) => batchesOf(plan).flatMap(rowIdsOf);
const padding = ({ tokens, paddedTokens }: BatchPlan) => 1 - tokens / paddedTokens;

test('padded: the given order is kept, a row a line, the last step smaller', () => {
  const rows = rowsOf(5, 33, 64, 10, 65);
  const plan = planOne(rows, { batching: 'padded', shuffle: false, batchRows: 2, accumulate: 2 });
  const { hash: _, ...rest } = plan;
  const shape = { lines: 2, length: 96, targets: 32 };
  expect({
    ...rest,
    steps: plan.steps.map((step) => ({ ...step, microBatches: step.microBatches.map(idsOf) })),
  }).toEqual({
    steps: [
      {
        microBatches: [
          { lines: [['0'], ['1']], shape },
          { lines: [['2'], ['3']], shape },
        ],
        trainedTokens: 8,
        tokens: 112,
        epoch: 0,
      },
      { microBatches: [{ lines: [['4']], shape }], trainedTokens: 2, tokens: 65, epoch: 0 },
    ],
    trainedTokens: 10,
    tokens: 177,
    paddedTokens: 3 * 2 * 96,
  });
});

test('packed: rows lie one behind another, the longest first in its line', () => {
  const rows = rowsOf(30, 60, 30, 90, 40, 20, 60, 50);
  const plan = planOne(rows, { batching: 'packed', shuffle: false, batchRows: 4, packLength: 96 });
  const shape = { lines: 2, length: 96, targets: 32 };
  expect(batchesOf(plan).map(idsOf)).toEqual([
    { lines: [['1', '2'], ['3']], shape },
    { lines: [['5'], ['6', '0']], shape },
    { lines: [['7', '4']], shape },
  ]);
});

describe('for any rows and options', () => {
  const lengths = fc.array(fc.integer({ min: 2, max: 300 }), { minLength: 1, maxLength: 60 });
  const given = fc.record({
    batching: fc.constantFrom<BatchOptions['batching']>('packed', 'bucketed', 'padded'),
    batchRows: fc.integer({ min: 1, max: 7 }),
    accumulate: fc.integer({ min: 1, max: 4 }),
    packLength: fc.option(fc.integer({ min: 2, max: 400 }), { nil: undefined }),
    padTo: fc.constantFrom(1, 8, 32, 100),
    shuffle: fc.boolean(),
    window: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
    seed: fc.integer(),
  });

  test('every epoch has every row exactly once, and every step but the last of an epoch all its batches', async () => {
    await fc.assert(
      fc.property(lengths, given, fc.integer({ min: 1, max: 3 }), (sizes, settings, epochs) => {
        const rows = rowsOf(...sizes);
        const plan = planOne(rows, { ...settings, budget: { epochs } });
        for (let epoch = 0; epoch < epochs; epoch++) {
          const steps = plan.steps.filter((s) => s.epoch === epoch);
          const ids = steps.flatMap((s) => s.microBatches.flatMap(rowIdsOf));
          expect(ids.map(Number).sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
          expect(steps.slice(0, -1).every((s) => s.microBatches.length === settings.accumulate)).toBe(true);
        }
        expect(plan.steps.at(-1)!.epoch).toBe(epochs - 1);
        expect(plan.trainedTokens).toBe(2 * rows.length * epochs);
        expect(plan.tokens).toBe(sizes.reduce((a, b) => a + b, 0) * epochs);
      }),
      { seed: 4 },
    );
  });

  test('parts of a batch have its lines, in order, and as few at a time as there are parts', async () => {
    await fc.assert(
      fc.property(lengths, given, fc.integer({ min: 2, max: 5 }), (sizes, settings, microBatches) => {
        const rows = rowsOf(...sizes);
        const whole = planOne(rows, settings);
        const parts = planOne(rows, { ...settings, microBatches });
        const filled = ({ microBatches }: (typeof whole.steps)[number]) =>
          microBatches.flatMap(({ lines }) => lines).filter((line) => line.length > 0);
        expect(parts.steps.map(filled)).toEqual(whole.steps.map(filled));
        expect(parts.trainedTokens).toBe(whole.trainedTokens);
        const most = Math.max(...batchesOf(whole).map(({ shape }) => shape.lines));
        for (const { shape } of batchesOf(parts))
          expect(shape.lines).toBeLessThanOrEqual(Math.ceil(most / microBatches));
      }),
      { seed: 9 },
    );
  });

  test('what a batch holds fits its shape, and nothing is padded that need not be', async () => {
    await fc.assert(
      fc.property(lengths, given, (sizes, settings) => {
        const batches = batchesOf(planOne(rowsOf(...sizes), settings));
        const used = new Map<string, boolean>();
        for (const { lines, shape } of batches) {
          const filled = lines.map((line) => line.reduce((n, { ids }) => n + ids.length, 0));
          const key = JSON.stringify(shape);
          expect(lines.length).toBeLessThanOrEqual(shape.lines);
          expect(shape.length % settings.padTo).toBe(0);
          expect(Math.max(...filled)).toBeLessThanOrEqual(shape.length);
          expect(2 * lines.flat().length).toBeLessThanOrEqual(shape.targets);
          used.set(key, used.get(key) || Math.max(...filled) > shape.length - settings.padTo);
        }
        // So few rows do not pay for more graphs than needed, and a row a line is padded to a row that there is.
        if (settings.batching !== 'packed') expect([...used.values()]).toEqual([true]);
      }),
      { seed: 5 },
    );
  });

  test('in batches of one row a line, all but the last of an epoch are full', async () => {
    await fc.assert(
      fc.property(lengths, given, (sizes, settings) => {
        fc.pre(settings.batching !== 'packed');
        const plan = planOne(rowsOf(...sizes), settings);
        const counts = batchesOf(plan).map((batch) => batch.lines.length);
        expect(counts.slice(0, -1).every((n) => n === settings.batchRows)).toBe(true);
        expect(plan.steps).toHaveLength(Math.ceil(Math.ceil(sizes.length / settings.batchRows) / settings.accumulate));
      }),
      { seed: 6 },
    );
  });

  test('without shuffle no row comes before one of an earlier window, but for one batch that holds both', async () => {
    const many = fc.array(fc.integer({ min: 2, max: 300 }), { minLength: 40, maxLength: 200 });
    await fc.assert(
      fc.property(many, given, (sizes, settings) => {
        const window = settings.batchRows * 4;
        const plan = planOne(rowsOf(...sizes), { ...settings, window, shuffle: false });
        const count = Math.max(1, Math.round(sizes.length / window));
        const size = settings.batching === 'packed' ? Math.ceil(sizes.length / count) : window;
        let latest = 0;
        for (const batch of batchesOf(plan)) {
          const windows = rowIdsOf(batch).map((id) => Math.floor(Number(id) / size));
          expect(Math.min(...windows)).toBeGreaterThanOrEqual(latest - 1);
          latest = Math.max(latest, ...windows);
        }
      }),
      { seed: 7 },
    );
  });

  test('no batch has rows of two stages, and the shapes are chosen for all of them together', async () => {
    await fc.assert(
      fc.property(fc.array(lengths, { minLength: 2, maxLength: 4 }), given, (stages, settings) => {
        const rows = stages.map((sizes, s) => sizes.map((size, i) => row(`${s}-${i}`, size, 2)));
        const options = batchOptionsSchema.parse(withoutSeed(settings));
        const plans = planBatches(
          rows.map((own) => ({ rows: own, seed: 1, budget: { epochs: 1 } })),
          options,
        );
        for (const [s, plan] of plans.entries())
          expect(order(plan).toSorted()).toEqual(rows[s]!.map(({ id }) => id).toSorted());
        const shapes = new Set(plans.flatMap(batchesOf).map(({ shape }) => JSON.stringify(shape)));
        expect(shapes.size).toBeLessThanOrEqual(settings.batching === 'packed' ? 4 : 2);
      }),
      { seed: 8 },
    );
  });
});

/** Lengths as instruction rows have them: most are short, a few are very long. */
const skewed = (n: number) =>
  rowsOf(...Array.from({ length: n }, (_, i) => Math.round(40 * Math.exp(2.9 * (((i * 7919) % n) / n) ** 2.5))));

describe('order', () => {
  const rows = rowsOf(...Array.from({ length: 200 }, (_, i) => 10 + ((i * 37) % 250)));

  test.each(['packed', 'bucketed', 'padded'] as const)(
    '%s: the same seed gives the same plan and hash, another seed or epoch another order',
    (batching) => {
      const plan = planOne(rows, { batching, budget: { epochs: 2 } });
      expect(planOne(rows, { batching, budget: { epochs: 2 } })).toEqual(plan);
      expect(planOne(rows, { batching, seed: 2, budget: { epochs: 2 } }).hash).not.toBe(plan.hash);
      expect(order(plan).slice(0, 200)).not.toEqual(order(plan).slice(200));
      expect(order(plan).slice(0, 200)).toEqual(order(planOne(rows, { batching })));
    },
  );

  test('padded without shuffle: neither seed nor epoch changes it', () => {
    const plan = planOne(rows, { batching: 'padded', shuffle: false, budget: { epochs: 2 } });
    const given = rows.map((r) => r.id);
    expect(order(plan)).toEqual([...given, ...given]);
  });

  test('who meets whom in a packed line changes from epoch to epoch', () => {
    const plan = planOne(skewed(400), { budget: { epochs: 2 } });
    const lines = (epoch: number) =>
      plan.steps
        .filter((step) => step.epoch === epoch)
        .flatMap((step) =>
          step.microBatches.flatMap((batch) => idsOf(batch).lines.map((line) => line.toSorted().join())),
        )
        .filter((line) => line.includes(','));
    const again = new Set(lines(0));
    expect(lines(1).filter((line) => again.has(line)).length).toBeLessThan(0.25 * again.size);
  });

  test('the hash knows order, batches and shapes', () => {
    const hash = (given: Given) => planOne(rows, { shuffle: false, ...given }).hash;
    const plans: Given[] = [{}, { padTo: 16 }, { batchRows: 2 }, { accumulate: 2 }, { batching: 'padded' }];
    expect(new Set(plans.map(hash)).size).toBe(plans.length);
  });
});

describe('padding and shapes', () => {
  const rows = skewed(2000);

  test.each([4, 8, 32])(
    'packed batches of %i rows on average: little padding, as many steps as without',
    (batchRows) => {
      const plan = planOne(rows, { batchRows });
      expect(padding(plan)).toBeLessThan(0.06);
      expect(Math.abs((plan.steps.length * batchRows) / rows.length - 1)).toBeLessThan(0.25);
      const lengths = new Set(batchesOf(plan).map(({ shape }) => `${shape.lines} ${shape.length}`));
      expect(lengths.size).toBeLessThanOrEqual(4);
    },
  );

  test('an order that is kept costs a little more of it', () => {
    expect(padding(planOne(rows, { shuffle: false, batchRows: 8 }))).toBeLessThan(0.08);
  });

  test('batches of like length have less padding than those in the order they come', () => {
    const of = (batching: BatchOptions['batching']) => padding(planOne(rows, { batching, batchRows: 8 }));
    expect(of('padded')).toBeGreaterThan(0.55);
    expect(of('bucketed')).toBeLessThan(0.35);
  });

  test('a row much longer than all others does not make every line longer', () => {
    const plan = planOne([...rows, row('long', 3000)], { batchRows: 8 });
    expect(batchesOf(plan).filter(({ shape }) => shape.length > 1000)).toHaveLength(1);
    expect(padding(plan)).toBeLessThan(0.06);
  });

  test('rows of nearly one length lie several in a line', () => {
    const plan = planOne(rowsOf(...Array.from({ length: 200 }, (_, i) => 38 + (i % 5))), { batchRows: 8 });
    expect(padding(plan)).toBeLessThan(0.1);
  });

  test('a long run has more shapes than a short one, never more than eight of one kind of batch', () => {
    const shapes = (n: number, batching: BatchOptions['batching']) =>
      new Set(batchesOf(planOne(skewed(n), { batching, batchRows: 4 })).map(({ shape }) => JSON.stringify(shape))).size;
    expect(shapes(12, 'padded')).toBe(1);
    expect(shapes(5000, 'padded')).toBeGreaterThan(2);
    expect(shapes(5000, 'padded')).toBeLessThanOrEqual(8);
    expect(shapes(5000, 'bucketed')).toBeLessThanOrEqual(8);
  });

  test('batches of one row cannot be packed', () => {
    const plan = planOne(rows, { batchRows: 1 });
    expect(batchesOf(plan).every(({ lines }) => lines.length === 1 && lines[0]!.length === 1)).toBe(true);
  });

  test.each(['packed', 'bucketed', 'padded'] as const)(
    'ten thousand rows are planned in linear time: %s',
    async (batching) => {
      const many = skewed(10_000);
      await expectLinear(
        (n) => planOne(many.slice(0, n), { batching, batchRows: 4, budget: { epochs: 3 } }),
        many.length,
      );
    },
  );
});

describe('budget', () => {
  const rows = rowsOf(10, 10, 10, 10, 10);
  const steps = (budget: PlanStage['budget']) => planOne(rows, { batching: 'padded', batchRows: 2, budget }).steps;

  test.each([
    [{ epochs: 2 }, 6],
    [{ epochs: 0.5 }, 2],
    [{ epochs: 1.1 }, 4],
    [{ steps: 1 }, 1],
    [{ steps: 7 }, 7],
    [{ tokens: 1 }, 1],
    [{ tokens: 4 }, 1],
    [{ tokens: 5 }, 2],
    [{ tokens: 21 }, 7],
  ])('%j is %i steps', (budget, expected) => {
    expect(steps(budget)).toHaveLength(expected);
  });

  test('shared among stages: to the nearest step, what one is off goes to the next, and each takes a step', () => {
    const shared = (...shares: number[]) =>
      planBatches(
        shares.map((share, seed) => ({ rows: rowsOf(10, 10, 10, 10), seed, budget: { share } })),
        batchOptionsSchema.parse({ batching: 'padded', batchRows: 2 }),
      ).map(({ steps }) => steps.length);
    // A step trains 4 tokens.
    expect(shared(5)).toEqual([1]);
    expect(shared(7)).toEqual([2]);
    expect(shared(5, 5, 5)).toEqual([1, 1, 2]);
    expect(shared(7, 5, 5)).toEqual([2, 1, 1]);
    expect(shared(5, 1, 1, 6)).toEqual([1, 1, 1, 1]);
    expect(shared(4, 4)).toEqual([1, 1]);
    // Thirds of 12 do not add up to 12 in floating point.
    expect(shared(...new Array(3).fill(0.1 + 0.2 + 3.7))).toEqual([1, 1, 1]);
  });

  test('shared among stages is met to half a step where no share is less than one', async () => {
    await fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 3, maxLength: 30 }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 3 }),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (lengths, accumulate, more) => {
          const sets = lengths.map((stage) => stage.map((trained, i) => row(String(i), 40, trained)));
          // No step of 2 rows and `accumulate` batches trains more.
          const most = 30 * 2 * accumulate;
          const shares = sets.map((_, i) => most * (more + i / 7));
          const plans = planBatches(
            sets.map((rows, seed) => ({ rows, seed, budget: { share: shares[seed]! } })),
            batchOptionsSchema.parse({ batching: 'padded', batchRows: 2, accumulate }),
          );
          const over = plans.reduce((sum, { trainedTokens }, i) => sum + trainedTokens - shares[i]!, 0);
          expect(Math.abs(over)).toBeLessThanOrEqual(most / 2 + 1e-6);
        },
      ),
    );
  });

  test('of nothing is refused, and so is a stage without rows', () => {
    expect(() => steps({ epochs: 0 })).toThrow('epochs: expected a number above 0, found 0');
    expect(() => steps({ tokens: Number.NaN })).toThrow(/tokens: expected a number above 0/);
    expect(() => planOne([])).toThrow('a stage without rows');
  });
});
