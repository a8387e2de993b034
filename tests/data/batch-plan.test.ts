import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PlanOptions, planSteps } from '../../src/data/batch-plan.js';
import type { EncodedRow } from '../../src/data/encoded.js';
import { batchOptionsSchema } from '../../src/data/options.js';

const row = (id: string, length: number, trained = 1): EncodedRow => ({
  id,
  ids: new Int32Array(length),
  mask: new Uint8Array(length).fill(1, length - trained),
  trained,
});
const rowsOf = (...lengths: number[]) => lengths.map((length, i) => row(String(i), length, 2));
const options = (given: Partial<PlanOptions> = {}): PlanOptions => {
  const { seed = 1, budget = { epochs: 1 }, ...batch } = given;
  return { ...batchOptionsSchema.parse(batch), seed, budget };
};
const order = (plan: ReturnType<typeof planSteps>) =>
  plan.steps.flatMap((s) => s.microBatches.flatMap((b) => b.rowIds));

test('the given order is kept, batches padded, the last one smaller', () => {
  const plan = planSteps(rowsOf(5, 33, 64, 10, 65), options({ shuffle: false, batchRows: 2, accumulate: 2 }));
  const { hash: _, ...rest } = plan;
  expect(rest).toEqual({
    steps: [
      {
        microBatches: [
          { rowIds: ['0', '1'], length: 64 },
          { rowIds: ['2', '3'], length: 64 },
        ],
        trainedTokens: 8,
        tokens: 112,
        epoch: 0,
      },
      { microBatches: [{ rowIds: ['4'], length: 96 }], trainedTokens: 2, tokens: 65, epoch: 0 },
    ],
    trainedTokens: 10,
    tokens: 177,
    paddedTokens: 128 + 128 + 96,
  });
});

describe('for any rows and options', () => {
  const lengths = fc.array(fc.integer({ min: 2, max: 300 }), { minLength: 1, maxLength: 60 });
  const given = fc.record({
    batchRows: fc.integer({ min: 1, max: 7 }),
    accumulate: fc.integer({ min: 1, max: 4 }),
    padTo: fc.constantFrom(1, 8, 32, 100),
    shuffle: fc.boolean(),
    groupByLength: fc.boolean(),
    seed: fc.integer(),
  });

  test('every epoch has every row exactly once, in full batches but for the last', async () => {
    await fc.assert(
      fc.property(lengths, given, fc.integer({ min: 1, max: 3 }), (sizes, settings, epochs) => {
        const rows = rowsOf(...sizes);
        const plan = planSteps(rows, options({ ...settings, budget: { epochs } }));
        for (let epoch = 0; epoch < epochs; epoch++) {
          const steps = plan.steps.filter((s) => s.epoch === epoch);
          const ids = steps.flatMap((s) => s.microBatches.flatMap((b) => b.rowIds));
          expect(ids.map(Number).sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
          expect(steps).toHaveLength(Math.ceil(Math.ceil(rows.length / settings.batchRows) / settings.accumulate));
          const counts = steps.flatMap((s) => s.microBatches.map((b) => b.rowIds.length));
          expect(counts.slice(0, -1).every((n) => n === settings.batchRows)).toBe(true);
        }
        expect(plan.steps.at(-1)!.epoch).toBe(epochs - 1);
        expect(plan.trainedTokens).toBe(2 * rows.length * epochs);
        expect(plan.tokens).toBe(sizes.reduce((a, b) => a + b, 0) * epochs);
      }),
      { seed: 4 },
    );
  });

  test('a batch holds its longest row with less than padTo to spare', async () => {
    await fc.assert(
      fc.property(lengths, given, (sizes, settings) => {
        const plan = planSteps(rowsOf(...sizes), options(settings));
        for (const { rowIds, length } of plan.steps.flatMap((s) => s.microBatches)) {
          const longest = Math.max(...rowIds.map((id) => sizes[Number(id)]!));
          expect(length % settings.padTo).toBe(0);
          expect(length - longest).toBeGreaterThanOrEqual(0);
          expect(length - longest).toBeLessThan(settings.padTo);
        }
      }),
      { seed: 5 },
    );
  });
});

describe('order', () => {
  const rows = rowsOf(...Array.from({ length: 200 }, (_, i) => 10 + ((i * 37) % 250)));

  test('the same seed gives the same plan and hash, another seed or epoch another order', () => {
    const plan = planSteps(rows, options({ budget: { epochs: 2 } }));
    expect(planSteps(rows, options({ budget: { epochs: 2 } }))).toEqual(plan);
    const other = planSteps(rows, options({ seed: 2, budget: { epochs: 2 } }));
    expect(other.hash).not.toBe(plan.hash);
    expect(order(plan).slice(0, 200)).not.toEqual(order(plan).slice(200));
    expect(order(plan).slice(0, 200)).toEqual(order(planSteps(rows, options())));
  });

  test('without shuffle neither seed nor epoch nor grouping changes it', () => {
    const plan = planSteps(rows, options({ shuffle: false, groupByLength: true, budget: { epochs: 2 } }));
    const given = rows.map((r) => r.id);
    expect(order(plan)).toEqual([...given, ...given]);
  });

  test('the hash knows order and lengths', () => {
    const hash = (given: Partial<PlanOptions>) => planSteps(rows, options({ shuffle: false, ...given })).hash;
    expect(new Set([hash({}), hash({ padTo: 16 }), hash({ batchRows: 2 }), hash({ accumulate: 2 })]).size).toBe(4);
  });

  test('grouping by length saves most of the padding, and still shuffles the batches', () => {
    const padding = (groupByLength: boolean) => {
      const { tokens, paddedTokens } = planSteps(rows, options({ groupByLength, padTo: 1 }));
      return 1 - tokens / paddedTokens;
    };
    expect(padding(false)).toBeGreaterThan(0.3);
    expect(padding(true)).toBeLessThan(0.08);
    const lengths = planSteps(rows, options({ groupByLength: true })).steps.map((s) => s.microBatches[0]!.length);
    expect(lengths).not.toEqual(lengths.toSorted((a, b) => a - b));
  });
});

describe('budget', () => {
  const rows = rowsOf(10, 10, 10, 10, 10);
  const steps = (budget: PlanOptions['budget']) => planSteps(rows, options({ batchRows: 2, budget })).steps;

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

  test('of nothing is refused, and so is a stage without rows', () => {
    expect(() => steps({ epochs: 0 })).toThrow('epochs: expected a number above 0, found 0');
    expect(() => steps({ tokens: Number.NaN })).toThrow(/tokens: expected a number above 0/);
    expect(() => planSteps([], options())).toThrow('a stage without rows');
  });
});
