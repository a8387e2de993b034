import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EncodedRow } from '../../src/data/encoded.js';
import { importFile } from '../../src/data/import.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { importOptionsSchema } from '../../src/data/options.js';
import { type Ledger, openLedger } from '../../src/endpoint/ledger.js';
import { type ModelMeter, openLossMeter } from '../../src/eval/model/loss-meter.js';
import { openModelFolder } from '../../src/model/load.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { encodePairs, type LossPair } from '../../src/scoring/ifd.js';
import { lossOptionsSchema } from '../../src/scoring/loss-options.js';
import {
  type LossLine,
  type LossMeter,
  meanLoss,
  measureLosses,
  planLosses,
} from '../../src/scoring/measure-losses.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { testBackend } from '../helpers/backend.js';
import { disturbedModel, disturbedRuns, expectNear } from '../helpers/disturbed.js';
import { temporaryFolder } from '../helpers/folder.js';
import { IFD_CASES, pairOf } from '../helpers/ifd-cases.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { needs, realData, SMOLLM2, TINY } from '../helpers/tokens.js';

/** Recorded where that can be had, as the product does it. */
async function float32(): Promise<CompileOptions> {
  const { name } = await testBackend();
  return { mode: name === 'tensorflow' ? 'captured' : 'eager', precision: 'float32' };
}

/** Which model is measured with: disturbed where a seed is given. */
interface Measured {
  readonly adapter?: string;
  readonly seed?: number | undefined;
}

async function withMeter<T>(
  model: string,
  batches: readonly MicroBatch[],
  use: (meter: ModelMeter) => Promise<T>,
  { adapter, seed }: Measured = {},
): Promise<T> {
  const compile = await float32();
  const opened = await openModelFolder(model);
  const weights = seed === undefined ? opened : disturbedModel(opened, seed);
  const meter = await openLossMeter(weights, adapter, batches, compile);
  try {
    return await use(meter);
  } finally {
    meter.dispose();
    await opened.close();
  }
}

const withLedger = async <T>(path: string, use: (ledger: Ledger<LossLine>) => Promise<T>): Promise<T> => {
  const ledger = await openLedger<LossLine>(path);
  try {
    return await use(ledger);
  } finally {
    await ledger.close();
  }
};

const newLedger = async () => join(temporaryFolder('phasetune-losses'), 'x.ledger.jsonl');
const textsOf = (pairs: readonly LossPair[]) => pairs.flatMap(({ given, alone }) => [given, alone!]);

/** Plans, measures with the meter of a model, and gives the mean loss of every text. */
const measureAll = (
  model: string,
  texts: readonly EncodedRow[],
  path: string,
  batchRows: number,
  seed?: number,
): Promise<number[]> =>
  withLedger(path, async (ledger) => {
    const plan = planLosses(texts, model, ledger.has, batchRows);
    const measure = async (meter: ModelMeter) => {
      await measureLosses(plan, meter, ledger).result;
    };
    if (plan.batches.length > 0) await withMeter(model, plan.batches, measure, { seed });
    return texts.map((text) => meanLoss(ledger, plan.keyOf(text)));
  });

/** The same losses from a disturbed model. */
const disturbedLosses = (model: string, texts: readonly EncodedRow[], batchRows: number, draws?: number) =>
  disturbedRuns(async (seed) => measureAll(model, texts, await newLedger(), batchRows, seed), draws);

describe('IFD, packed, against transformers row by row', () => {
  test('a tiny model: losses and scores', async () => {
    const cases = IFD_CASES.filter(({ given }) => given);
    const pairs = (await Promise.all(cases.map(pairOf))) as LossPair[];
    const losses = await measureAll(TINY, textsOf(pairs), await newLedger(), 8);
    const expected = cases.flatMap(({ loss, lossAlone }) => [loss!, lossAlone!]);
    const disturbed = await disturbedLosses(TINY, textsOf(pairs), 8);
    expectNear(losses, expected, disturbed, 'losses');
    const ratios = (all: readonly number[]) => cases.map((_, i) => all[2 * i]! / all[2 * i + 1]!);
    expectNear(ratios(losses), ratios(expected), disturbed.map(ratios), 'scores');
  });

  test('SmolLM2 on real rows', async (context) => {
    needs(context, SMOLLM2, realData('alpaca-random-9k.json'));
    context.skip((await testBackend()).name === 'wasm', 'a model of this size takes too long on WASM');
    const expected = JSON.parse(readFileSync('tests/fixtures/ifd/smollm2.json', 'utf8')) as [number, number][];
    const options = importOptionsSchema.parse({ badRows: 'skip' });
    const { records } = await importFile(realData('alpaca-random-9k.json'), options);
    const rows = records.slice(0, expected.length);
    const pairs = (await encodePairs(rows, await loadTokenizer(SMOLLM2), lossOptionsSchema.parse({}))) as LossPair[];
    const losses = await measureAll(SMOLLM2, textsOf(pairs), await newLedger(), 16);
    expectNear(losses, expected.flat(), await disturbedLosses(SMOLLM2, textsOf(pairs), 16, 1));
  });
});

test('an adapter is measured with: the loss is that of PEFT', async () => {
  const { gradient_batch } = JSON.parse(readFileSync('tests/fixtures/train/reference.json', 'utf8'));
  const rows = gradient_batch.rows.map(
    ({ ids, mask }: { ids: number[]; mask: number[] }, i: number): EncodedRow => ({
      id: `${i}`,
      ids: Int32Array.from(ids),
      mask: Uint8Array.from(mask),
      trained: mask.reduce((n, m) => n + m, 0),
    }),
  );
  const batch = onePerLine(rows);
  const folder = 'tests/fixtures/train';
  const losses = (seed?: number) =>
    withMeter(`${folder}/base`, [batch], (meter) => meter.measure(batch), { adapter: `${folder}/adapter`, seed });
  expectNear(await losses(), gradient_batch.rowSums, await disturbedRuns(losses));
});

describe('a run that was cut off', () => {
  const text = (i: number): EncodedRow => {
    const ids = Int32Array.from({ length: 6 + ((7 * i) % 23) }, (_, t) => 3 + ((31 * i + 17 * t) % 2000));
    const mask = Uint8Array.from(ids, (_, t) => Number(t >= 2));
    return { id: `t${i}`, ids, mask, trained: ids.length - 2 };
  };
  const texts = Array.from({ length: 40 }, (_, i) => text(i));
  const keep = (path: string, from: readonly EncodedRow[], losses: readonly number[]) =>
    withLedger(path, async (ledger) => {
      const { keyOf } = planLosses(texts, TINY, () => false, 4);
      for (const [i, row] of from.entries())
        await ledger.append({ key: keyOf(row), item: row.id, loss: losses[i]! * row.trained, tokens: row.trained });
    });
  /** Counts what goes through a meter, and aborts behind so many batches. */
  const counting = (inner: LossMeter, stop: AbortController, after = Number.POSITIVE_INFINITY) => {
    const seen: string[] = [];
    let batches = 0;
    const measure: LossMeter['measure'] = (batch) => {
      seen.push(...batch.lines.flat().map(({ id }) => id));
      if (++batches === after) stop.abort();
      return inner.measure(batch);
    };
    return { seen, measure };
  };

  test('goes on with the batches that are left, and ends with the same bits; a third run has nothing to do', async () => {
    const whole = await measureAll(TINY, texts, await newLedger(), 4);
    const path = await newLedger();
    const first = await withLedger(path, async (ledger) => {
      const plan = planLosses(texts, TINY, ledger.has, 4);
      const stop = new AbortController();
      return withMeter(TINY, plan.batches, async (meter) => {
        const counted = counting(meter, stop, 3);
        const run = async () => {
          await measureLosses(plan, counted, ledger, stop.signal).result;
        };
        await expect(run()).rejects.toMatchObject({ code: 'interrupted' });
        return counted.seen;
      });
    });
    expect(first.length).toBeGreaterThan(4);
    const left = await withLedger(path, async (ledger) => planLosses(texts, TINY, ledger.has, 4));
    const second = left.batches.flatMap(({ lines }) => lines.flat().map(({ id }) => id));
    expect([...first, ...second].sort()).toEqual(texts.map(({ id }) => id).sort());
    expect(left.known).toBe(first.length);
    expect(await measureAll(TINY, texts, path, 4)).toEqual(whole);
    await withLedger(path, async (ledger) => {
      expect(planLosses(texts, TINY, ledger.has, 4)).toMatchObject({ batches: [], known: 40, tokens: 0 });
    });
  });

  test('measures a batch whole whose lines are half on the disk, and keeps what was there', async () => {
    const { batches } = planLosses(texts, TINY, () => false, 4);
    const half = batches
      .map(({ lines }) => lines.flat())
      .find((rows) => rows.length > 2)!
      .slice(0, 2);
    const path = await newLedger();
    await keep(path, half, [1, 2]);
    const left = await withLedger(path, async (ledger) => planLosses(texts, TINY, ledger.has, 4));
    expect(left.batches).toEqual(batches);
    const losses = await measureAll(TINY, texts, path, 4);
    expect(half.map((row) => losses[texts.indexOf(row)])).toEqual([1, 2]);
  });

  test('where other texts are missing they alone are measured, the same to rounding', async () => {
    const whole = await measureAll(TINY, texts, await newLedger(), 4);
    const path = await newLedger();
    const odd = texts.filter((_, i) => i % 2 === 1);
    await keep(
      path,
      odd,
      whole.filter((_, i) => i % 2 === 1),
    );
    const plan = await withLedger(path, async (ledger) => planLosses(texts, TINY, ledger.has, 4));
    const missing = plan.batches.flatMap(({ lines }) => lines.flat().map(({ id }) => id));
    expect(missing.sort()).toEqual(texts.flatMap(({ id }, i) => (i % 2 === 0 ? [id] : [])).sort());
    expectNear(await measureAll(TINY, texts, path, 4), whole, await disturbedLosses(TINY, texts, 4));
  });

  test('a text that occurs twice is measured once; another model, or another place where the answer begins, is another text', () => {
    const [one] = texts as [EncodedRow];
    const shifted = { ...one, mask: one.mask.map((m, t) => (t === 2 ? 0 : m)), trained: one.trained - 1 };
    const plan = planLosses([one, { ...one, id: 'again' }, shifted], 'a', () => false, 4);
    expect(plan.texts).toBe(2);
    expect(plan.batches.flatMap(({ lines }) => lines.flat())).toHaveLength(2);
    expect(planLosses([one], 'b', () => false, 4).keyOf(one)).not.toBe(plan.keyOf(one));
  });

  test('a loss that is no number is kept as a failure, and measured again', async () => {
    const broken: LossMeter = {
      measure: async ({ lines }) => Float32Array.from(lines.flat(), ({ id }) => (id === 't3' ? Number.NaN : 1)),
    };
    await withLedger(await newLedger(), async (ledger) => {
      const plan = planLosses(texts, 'x', ledger.has, 4);
      await measureLosses(plan, broken, ledger).result;
      expect(texts.filter((row) => Number.isNaN(meanLoss(ledger, plan.keyOf(row)))).map(({ id }) => id)).toEqual([
        't3',
      ]);
      expect(planLosses(texts, 'x', ledger.has, 4).batches).toHaveLength(1);
    });
  });
});
