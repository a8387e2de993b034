import type { Backend } from '../backend/backend.js';
import { sizeOf } from '../core/host-tensor.js';
import type { MicroBatch } from '../data/micro-batch.js';
import { loraOptions } from '../lora/options.js';
import { parameterShapes } from '../model/parameters.js';
import { optimOptions } from '../optim/options.js';
import { peakRssMib, rssMib } from '../telemetry/memory.js';
import { forecastMemory } from '../train/memory.js';
import type { Tuner } from '../train/tuner.js';
import { tokenFlop } from './flop.js';
import { benchMatmul } from './matmul.js';
import type { StepBenchOptions } from './options.js';
import { programFigures, programOf } from './program.js';
import { randomBatch } from './random-batch.js';
import { readyTuner } from './ready-tuner.js';
import { shapeConfig } from './shapes.js';
import { type BenchHooks, DROPPED, median, round, sinceStart, timed } from './timing.js';

/** Side of the matrices whose product is the upper limit. */
const CEILING = 1024;

/**
 * Times a LoRA step over random tokens, all trained except the first of each row: adapters on all
 * projections, AdamW, no dropout, no clipping. Then times the matrix product, to report what share
 * of its speed the step reaches.
 */
export async function benchStep(backend: Backend, options: StepBenchOptions, hooks: BenchHooks = {}) {
  const { batch, seq, rank, seed, gradientCheckpointing } = options;
  const program = await programOf(options, backend);
  const config = shapeConfig(options);
  const microBatch = randomBatch({ ...options, vocab: config.vocab_size });
  const training = {
    config,
    gradientCheckpointing,
    lora: loraOptions.parse({ rank, alpha: 2 * rank }),
    optim: optimOptions.parse({ weightDecay: 0.01, maxGradNorm: 0 }),
    batches: { trainStep: [microBatch.shape], accumulate: [], evalLoss: [] },
  };
  const held = rssMib();
  const { tuner, figures } = await readyTuner(backend, { ...training, seed, program });
  try {
    const { times, loss, firstStepEnd } = await runSteps(tuner, microBatch, options.steps, hooks);
    const seconds = median(times.slice(DROPPED));
    const [peak, { tensors }] = [peakRssMib(), backend.memory()];
    const { gflops } = await benchMatmul(CEILING, program);
    const flop = tokenFlop(config, rank, seq);
    // Only after the peak was read: recording takes memory too.
    const forecast =
      program.mode === 'captured'
        ? {
            predicted_peak_mib: mib(
              forecastMemory({ ...training, compile: program }, backend.device, held * 2 ** 20).peak,
            ),
          }
        : {};
    return {
      ...programFigures(program),
      params: [...parameterShapes(config).values()].reduce((n, shape) => n + sizeOf(shape), 0),
      seconds: round(seconds, 6),
      tokens_per_s: round((batch * seq) / seconds, 1),
      loss: round(loss, 4),
      peak_rss_mib: peak,
      ...forecast,
      tensors,
      ...figures,
      first_step_seconds: round(times[0]!, 3),
      start_to_first_step_seconds: round(firstStepEnd, 3),
      step_seconds: times.map((s) => round(s, 6)),
      flop_per_token: flop.frozen,
      flop_per_token_all: flop.all,
      matmul_gflops: round(gflops, 1),
      peak_share: round((flop.frozen * batch * seq) / seconds / 1e9 / gflops, 4),
    };
  } finally {
    tuner.dispose();
  }
}

const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** What steps have in common. */
const INPUTS = { learningRate: 1e-4, seed: 0, lossLimit: Number.POSITIVE_INFINITY };

async function runSteps(tuner: Tuner, batch: MicroBatch, steps: number, { onStep, signal }: BenchHooks) {
  const times: number[] = [];
  let [loss, firstStepEnd] = [0, 0];
  for (let step = 1; step <= steps; step++) {
    signal?.throwIfAborted();
    const { value, seconds } = await timed(() => tuner.step([batch], { ...INPUTS, step }));
    firstStepEnd ||= sinceStart();
    loss = value.loss;
    times.push(seconds);
    onStep?.(step, `${seconds.toFixed(3)} s, loss ${loss.toFixed(4)}`, steps);
  }
  return { times, loss, firstStepEnd };
}
