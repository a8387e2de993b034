import type { Backend } from '../backend/backend.js';
import { sizeOf } from '../core/host-tensor.js';
import { random } from '../core/random.js';
import type { EncodedRow } from '../data/encoded.js';
import { loraOptions } from '../lora/options.js';
import type { ModelConfig } from '../model/config.js';
import { parameterShapes } from '../model/parameters.js';
import { optimOptions } from '../optim/options.js';
import { peakRssMib, rssMib } from '../telemetry/memory.js';
import { loraTuner } from '../train/lora-tuner.js';
import type { MicroBatch } from '../train/tuner.js';
import { tokenFlop } from './flop.js';
import { benchMatmul } from './matmul.js';
import type { StepBenchOptions } from './options.js';
import { randomModel } from './random-model.js';
import { shapeConfig } from './shapes.js';
import { median, round, sinceStart, timed } from './timing.js';

/** Steps left out of the median: the first builds what the others use, the second may still. */
const DROPPED = 2;

/** Side of the matrices whose product is the ceiling. */
const CEILING = 1024;

/** What may be watched and stopped between two steps. */
export interface BenchHooks {
  readonly onStep?: (done: number, note: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Times a LoRA step over random tokens of which every one but the first of a row is trained: adapters on all projections,
 * AdamW, no dropout, no clipping. Then the matrix product, for the share of its speed that the step reaches.
 */
export async function benchStep(backend: Backend, options: StepBenchOptions, hooks: BenchHooks = {}) {
  const { batch, seq, rank, steps, seed, mode, dtype } = options;
  const config = shapeConfig(options);
  const compile = { mode, precision: dtype };
  const before = rssMib();
  const { value, seconds: build } = await timed(() =>
    loraTuner({
      backend,
      model: randomModel(config, seed),
      lora: loraOptions.parse({ rank, alpha: 2 * rank }),
      optim: optimOptions.parse({ weightDecay: 0.01, maxGradNorm: 0 }),
      compile,
    }),
  );
  const built = rssMib();
  const { tuner } = value;
  try {
    const { seconds: load } = await timed(async () => {
      await tuner.loadBase([]);
      tuner.reset('adapter', seed);
      tuner.reset('optimizer', seed);
    });
    const microBatch = randomBatch(config, options);
    const times: number[] = [];
    let firstStepEnd = 0;
    let loss = 0;
    for (let step = 1; step <= steps; step++) {
      hooks.signal?.throwIfAborted();
      const done = await timed(() => tuner.step([microBatch], { learningRate: 1e-4, step, seed: 0 }));
      loss = done.value.loss;
      times.push(done.seconds);
      firstStepEnd ||= sinceStart();
      hooks.onStep?.(step, `${done.seconds.toFixed(3)} s, loss ${loss.toFixed(4)}`);
    }
    const seconds = median(times.slice(DROPPED));
    const flop = tokenFlop(config, rank, seq);
    const figures = {
      params: [...parameterShapes(config).values()].reduce((n, shape) => n + sizeOf(shape), 0),
      seconds: round(seconds, 4),
      tokens_per_s: round((batch * seq) / seconds, 1),
      loss: round(loss, 4),
      peak_rss_mib: peakRssMib(),
      tensors: backend.memory().tensors,
      build_seconds: round(build, 3),
      build_rss_mib: built - before,
      load_seconds: round(load, 3),
      first_step_seconds: round(times[0]!, 3),
      start_to_first_step_seconds: round(firstStepEnd, 3),
      step_seconds: times.map((s) => round(s, 4)),
    };
    const { gflops } = await benchMatmul(CEILING, compile);
    return {
      ...figures,
      flop_per_token: flop.frozen,
      flop_per_token_all: flop.all,
      matmul_gflops: round(gflops, 1),
      peak_share: round((flop.frozen * batch * seq) / seconds / 1e9 / gflops, 4),
    };
  } finally {
    tuner.dispose();
  }
}

/** Rows of random tokens, all but the first of each trained. */
function randomBatch(config: ModelConfig, { batch, seq, seed }: StepBenchOptions): MicroBatch {
  const { integer } = random(seed, 'tokens');
  const mask = Uint8Array.from({ length: seq }, (_, t) => (t > 0 ? 1 : 0));
  const rows = Array.from({ length: batch }, (_, row): EncodedRow => {
    const ids = Int32Array.from({ length: seq }, () => integer(config.vocab_size));
    return { id: String(row), ids, mask, trained: seq - 1 };
  });
  const targets = Math.ceil((batch * (seq - 1)) / 32) * 32;
  return { lines: rows.map((row) => [row]), shape: { lines: batch, length: seq, targets } };
}
