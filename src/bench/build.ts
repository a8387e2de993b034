import type { Backend } from '../backend/backend.js';
import { generateSpec } from '../generate/cache.js';
import { generate } from '../generate/generate.js';
import { generateOptions } from '../generate/options.js';
import { planDecode } from '../generate/plan.js';
import { loraLinear } from '../lora/apply.js';
import { loraOptions } from '../lora/options.js';
import { optimOptions } from '../optim/options.js';
import { peakRssMib, rssMib } from '../telemetry/memory.js';
import type { BuildBenchOptions } from './options.js';
import { programFigures, programOf } from './program.js';
import { randomBatch, randomPrompts } from './random-batch.js';
import { readyTuner } from './ready-tuner.js';
import { shapeConfig } from './shapes.js';
import { type BenchHooks, round, timed } from './timing.js';

/** Rows answered together, and tokens of their prompts and answers. */
const ANSWERS = { rows: 16, prompt: 64, tokens: 128 };

/**
 * Times what comes before the first step: recording and building the entries of training, held-out
 * loss and decoding, one shape each, in one program. Then times the first and the second call of
 * each entry: the first prepares the session.
 */
export async function benchBuild(backend: Backend, options: BuildBenchOptions, { signal }: BenchHooks = {}) {
  const config = shapeConfig(options);
  const sizes = { ...options, vocab: config.vocab_size };
  const batch = randomBatch(sizes);
  const prompts = randomPrompts({ ...sizes, ...ANSWERS });
  const plan = planDecode(prompts, generateOptions.parse({ maxTokens: ANSWERS.tokens }), ANSWERS.rows);
  const lora = loraOptions.parse({});
  const shapes = [batch.shape];
  const compileOptions = await programOf(options, backend);
  const { tuner, program, figures } = await readyTuner(backend, {
    config,
    seed: options.seed,
    program: compileOptions,
    lora,
    optim: optimOptions.parse({}),
    batches: { trainStep: shapes, accumulate: shapes, evalLoss: shapes },
    extra: generateSpec(config, loraLinear(lora), plan),
  });
  const answer = async () => {
    const short = { ...plan, options: { ...plan.options, maxTokens: 2 } };
    for await (const _ of generate(program, short, []));
  };
  const inputs = { learningRate: 1e-4, step: 1, seed: 0, lossLimit: Number.POSITIVE_INFINITY };
  const step = (batches: number) => () => tuner.step(Array<typeof batch>(batches).fill(batch), inputs);
  const works = { step: step(1), accumulated_step: step(2), evaluate: () => tuner.evaluate(batch), answer };
  try {
    const loaded = rssMib();
    const calls: Record<string, { first_seconds: number; second_seconds: number }> = {};
    for (const [name, work] of Object.entries(works)) {
      signal?.throwIfAborted();
      const [first, second] = [await timed<unknown>(work), await timed<unknown>(work)];
      calls[name] = { first_seconds: round(first.seconds, 3), second_seconds: round(second.seconds, 3) };
    }
    const { tensors } = backend.memory();
    return {
      ...programFigures(compileOptions),
      ...figures,
      calls,
      calls_rss_mib: rssMib() - loaded,
      peak_rss_mib: peakRssMib(),
      tensors,
    };
  } finally {
    tuner.dispose();
  }
}
