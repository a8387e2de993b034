import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EncodedRow } from '../../src/data/encoded.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { adaptedModel } from '../../src/lora/adapted-model.js';
import { type OpenedModel, openModelFolder } from '../../src/model/load.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { lossesByRow, lossFeeds } from '../../src/train/loss-feeds.js';
import { lossSpec } from '../../src/train/step.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

const reference = JSON.parse(readFileSync('tests/fixtures/dynamic-rope.json', 'utf8')) as {
  rows: { ids: number[]; loss: number }[];
};
const rows = reference.rows.map(({ ids }, i): EncodedRow => {
  const mask = Uint8Array.from(ids, (_, t) => (t === 0 ? 0 : 1));
  return { id: `row ${i}`, ids: Int32Array.from(ids), mask, trained: ids.length - 1 };
});

/**
 * Roundings on the longest way of a loss, on both sides: sums of two layers 24 wide over 40 tokens,
 * of the head, of the losses.
 */
const TOLERANCE = 2 * 2 ** -24 * (2 * (24 * 5 + 40 * 3 + 6) + 24 + 53 + 40);

let model: OpenedModel;
beforeAll(async () => {
  await testBackend();
  model = await openModelFolder('tests/fixtures/logits/llama-dynamic-rope');
});
afterAll(() => model.close());

const batch = (lines: readonly (readonly EncodedRow[])[]): MicroBatch => {
  const lengths = lines.map((line) => line.reduce((n, { ids }) => n + ids.length, 0));
  const targets = lines.flat().reduce((n, { trained }) => n + trained, 0);
  return { lines, shape: { lines: lines.length, length: Math.max(...lengths) + 7, targets: targets + 3 } };
};

async function losses(
  lines: readonly (readonly EncodedRow[])[],
  compile: CompileOptions,
): Promise<Map<string, number>> {
  const program = await adaptedModel(model, undefined, lossSpec, compile);
  const made = batch(lines);
  const { losses } = await program.run('evalLoss', lossFeeds(made, 1), ['losses']);
  program.dispose();
  const sums = lossesByRow(made, losses!);
  return new Map(lines.flat().map(({ id }, i) => [id, sums[i]!]));
}

const EAGER: CompileOptions = { mode: 'eager', precision: 'float32' };
const LAYOUTS: [string, EncodedRow[][]][] = [
  ['packed into one line', [rows]],
  ['packed in another order into two', [rows.toReversed().slice(0, 2), rows.toReversed().slice(2)]],
  ['padded, a row a line', rows.map((row) => [row])],
];

test.each(LAYOUTS)('under dynamic rotary scaling each row has the loss that it has alone: %s', async (_how, lines) => {
  const found = await losses(lines, EAGER);
  for (const [i, { loss }] of reference.rows.entries())
    expect(Math.abs(found.get(`row ${i}`)! - loss) / loss, `row ${i}`).toBeLessThan(TOLERANCE);
});

nativeOnly('recorded as well', async () => {
  for (const [, lines] of LAYOUTS) {
    const found = await losses(lines, { mode: 'captured', precision: 'float32' });
    for (const [i, { loss }] of reference.rows.entries())
      expect(Math.abs(found.get(`row ${i}`)! - loss) / loss, `row ${i}`).toBeLessThan(TOLERANCE);
  }
});
