/**
 * A process of its own, in which memory runs short. Argument: how to run, as JSON. Prints one line of JSON.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { loadBackend } from '../../src/backend/load.js';
import type { MicroBatch } from '../../src/data/micro-batch.js';
import { loraOptions } from '../../src/lora/options.js';
import { openModelFolder } from '../../src/model/load.js';
import { optimOptions } from '../../src/optim/options.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { inputShapes } from '../../src/train/entry-shapes.js';
import { loraTuner } from '../../src/train/lora-tuner.js';
import { onePerLine } from '../helpers/micro-batch.js';
import { countingRow } from '../helpers/tiny-run.js';

/** Bytes of address space beyond what is in use. */
const ROOM = 3 * 2 ** 30;

const compile = JSON.parse(process.argv[2]!) as CompileOptions;
const small = onePerLine([countingRow('a', 5, 1, 22), countingRow('b', 40, 2, 6)], 24);
// What there is no memory for is the mask of who sees whom, larger by far than all that comes
// before it together: a small piece of memory that the library does not get, in a thread of its
// own, ends the process, and nobody can catch that.
const large = onePerLine([countingRow('long', 1, 1, 65_536), countingRow('longer', 2, 1, 65_000)], 65_536);
const shapes = [small.shape, large.shape];
const model = await openModelFolder('models/tiny-llama');
const { tuner } = await loraTuner({
  backend: await loadBackend({ device: 'cpu' }),
  model,
  lora: loraOptions.parse({ rank: 4 }),
  optim: optimOptions.parse({}),
  compile: { ...compile, shapes: inputShapes({ trainStep: shapes, accumulate: shapes, evalLoss: shapes }) },
});
await tuner.loadBase([]);

const step = (n: number, batches: readonly MicroBatch[]) =>
  tuner.step(batches, { learningRate: 1e-2, step: n, seed: n, lossLimit: Number.POSITIVE_INFINITY });
const begin = async () => {
  tuner.reset('adapter', 1);
  tuner.reset('optimizer', 1);
  return step(1, [small]);
};
const held = async () => [await tuner.read('adapter'), await tuner.read('optimizer')];
const thrown = async (work: () => Promise<unknown>) => {
  try {
    return { went: await work() };
  } catch (error) {
    const { name, code, message, fields } = error as { name: string; code?: string; message: string; fields?: object };
    return { name, code, message, fields };
  }
};

await begin();
const straight = [await step(2, [small, small]), ...(await held())];
await begin();
const before = await held();
const inUse = Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
execFileSync('prlimit', ['--pid', String(process.pid), `--as=${inUse + ROOM}`]);
const errors = {
  step: await thrown(() => step(2, [large])),
  accumulated: await thrown(() => step(2, [small, large])),
  evaluate: await thrown(() => tuner.evaluate(large)),
};
const unchanged = isDeepStrictEqual(await held(), before);
const after = [await step(2, [small, small]), ...(await held())];
const goesOn = isDeepStrictEqual(after, straight);
tuner.dispose();
await model.close();
console.log(JSON.stringify({ errors, unchanged, goesOn }));
