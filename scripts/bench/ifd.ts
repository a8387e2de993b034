/**
 * Speed of IFD over real rows, from its first batch to its last loss on the disk, beside the
 * forward-only speed of the same program on full batches of the same shapes, in the same run.
 * Tokens are those of the texts, two for each row; padding, the first call of each shape and the
 * ledger count against IFD.
 *
 *     npx tsx scripts/bench/ifd.ts --model MODEL --data FILE [--rows 1000] \
 *       [--precision bfloat16] [--batch-rows 16] [--seconds 30]
 *
 * MODEL is a model folder (SmolLM2-135M), FILE rows in any format, of which the first are taken;
 * the full batches take `--seconds`. One JSON line. Take it on a quiet machine; the share by
 * processor seconds is hardly changed by a busy one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadBackend } from '../../src/backend/load.js';
import { random } from '../../src/core/random.js';
import type { BatchShape } from '../../src/data/batch-shapes.js';
import { importFile } from '../../src/data/import.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { importOptionsSchema } from '../../src/data/options.js';
import { openLedger } from '../../src/endpoint/ledger.js';
import { type ModelMeter, openLossMeter } from '../../src/eval/model/loss-meter.js';
import { openModelFolder } from '../../src/model/load.js';
import { decideProgram } from '../../src/program/decide.js';
import { programOptions } from '../../src/program/options.js';
import { encodePairs } from '../../src/scoring/ifd.js';
import { lossOptionsSchema } from '../../src/scoring/loss-options.js';
import { type LossLine, measureLosses, planLosses } from '../../src/scoring/measure-losses.js';
import { peakRssMib } from '../../src/telemetry/memory.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { machine } from './measure.js';

const { values: given } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    rows: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '30' },
    precision: { type: 'string', default: 'float32' },
    compile: { type: 'string' },
    'batch-rows': { type: 'string' },
  },
  allowNegative: true,
});
if (!given.model || !given.data) throw new Error('--model and --data are needed');

const options = lossOptionsSchema.parse(given['batch-rows'] ? { batchRows: Number(given['batch-rows']) } : {});
const { records } = await importFile(given.data, importOptionsSchema.parse({ badRows: 'skip' }));
const tokenizer = await loadTokenizer(given.model);
const encoding = performance.now();
const pairs = await encodePairs(records.slice(0, Number(given.rows)), tokenizer, options);
const texts = pairs.flatMap((pair) => ('given' in pair ? [pair.given, pair.alone!] : []));
const home = await mkdtemp(join(tmpdir(), 'phasetune-ifd-'));
const ledger = await openLedger<LossLine>(join(home, 'bench.ledger.jsonl'));
const plan = planLosses(texts, 'bench', ledger.has, options.batchRows);
const encodeSeconds = (performance.now() - encoding) / 1000;

const model = await openModelFolder(given.model);
const backend = await loadBackend({ device: 'auto' });
const how = await decideProgram(programOptions.parse({ precision: given.precision, compile: given.compile }), backend);
const opening = performance.now();
const meter = await openLossMeter(model, undefined, plan.batches, how);
const openSeconds = (performance.now() - opening) / 1000;

/** Seconds that the clock and the processors counted since then. */
function stopwatch(): () => { clock: number; processor: number } {
  const [start, used] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(used);
    return { clock: (performance.now() - start) / 1000, processor: (user + system) / 1e6 };
  };
}

const sinceFirst = stopwatch();
for await (const { tokens, total, tokensPerSecond } of measureLosses(plan, meter, ledger).events)
  process.stderr.write(`\r${tokens} of ${total} tokens, ${tokensPerSecond.toFixed(0)} tokens/s  `);
const took = sinceFirst();
process.stderr.write('\n');

/** A batch of a shape without padding: a text a line, as many of its tokens measured as there are places for. */
function fullBatch({ lines, length, targets }: BatchShape): MicroBatch {
  const { integer } = random(0, 'full', lines, length);
  const trained = Math.min(length - 1, Math.floor(targets / lines));
  const mask = Uint8Array.from({ length }, (_, t) => Number(t >= length - trained));
  const row = (id: number) => ({
    id: String(id),
    ids: Int32Array.from({ length }, () => integer(model.config.vocab_size)),
    mask,
    trained,
  });
  return { lines: Array.from({ length: lines }, (_, i) => [row(i)]), shape: { lines, length, targets } };
}

/** Seconds a position on full batches, repeated for so long, at least three times. */
async function fullCost(meter: ModelMeter, shape: BatchShape, forSeconds: number) {
  const batch = fullBatch(shape);
  const since = stopwatch();
  let calls = 0;
  while (calls < 3 || since().clock < forSeconds) {
    await meter.measure(batch);
    calls++;
  }
  const { clock, processor } = since();
  const positions = calls * shape.lines * shape.length;
  return { clock: clock / positions, processor: processor / positions };
}

const shapes = [...new Map(plan.batches.map(({ shape }) => [JSON.stringify(shape), shape])).values()];
const tokensOf = (shape: BatchShape) =>
  plan.batches
    .filter((batch) => JSON.stringify(batch.shape) === JSON.stringify(shape))
    .reduce((sum, { lines }) => sum + lines.flat().reduce((n, { ids }) => n + ids.length, 0), 0);
const full: { shape: BatchShape; tokens: number; tokens_per_s: number }[] = [];
/** What the same tokens would take in full batches of the shapes that they went through in. */
const ideal = { clock: 0, processor: 0 };
for (const shape of shapes) {
  const tokens = tokensOf(shape);
  const { clock, processor } = await fullCost(meter, shape, (Number(given.seconds) * tokens) / plan.tokens);
  full.push({ shape, tokens, tokens_per_s: Math.round(1 / clock) });
  ideal.clock += tokens * clock;
  ideal.processor += tokens * processor;
}

const round = (value: number) => Math.round(value * 1000) / 1000;
console.log(
  JSON.stringify({
    ...machine(),
    device: backend.device,
    ...how,
    rows: pairs.length,
    texts: plan.texts,
    tokens: plan.tokens,
    padding: round(1 - plan.tokens / plan.paddedTokens),
    encode_seconds: round(encodeSeconds),
    open_seconds: round(openSeconds),
    seconds: round(took.clock),
    tokens_per_s: Math.round(plan.tokens / took.clock),
    forward_tokens_per_s: Math.round(plan.tokens / ideal.clock),
    share_of_forward: round(ideal.clock / took.clock),
    share_by_processor_seconds: round(ideal.processor / took.processor),
    full,
    peak_rss_mib: peakRssMib(),
  }),
);
meter.dispose();
await model.close();
await ledger.close();
await rm(home, { recursive: true });
