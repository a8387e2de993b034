import type { Backend } from '../backend/backend.js';
import { generateSpec } from '../generate/cache.js';
import { generate } from '../generate/generate.js';
import { generateOptions } from '../generate/options.js';
import { planDecode } from '../generate/plan.js';
import { linear } from '../model/linear.js';
import { loadParameters, modelVariables } from '../model/load.js';
import { compile } from '../program/compile.js';
import { joinSpecs } from '../program/program.js';
import { peakRssMib } from '../telemetry/memory.js';
import type { DecodeBenchOptions } from './options.js';
import { programFigures, programOf } from './program.js';
import { randomPrompts } from './random-batch.js';
import { randomModel } from './random-model.js';
import { shapeConfig } from './shapes.js';
import { type BenchHooks, median, round, timed } from './timing.js';

/**
 * Times answers to random prompts of equal length: always the likeliest token, and no answer ends
 * early. The pass over the prompts counts too. Random weights, no adapter.
 */
export async function benchDecode(backend: Backend, options: DecodeBenchOptions, hooks: BenchHooks = {}) {
  const { rows, prompt, tokens, repeats, seed } = options;
  const compileOptions = await programOf(options, backend);
  const config = shapeConfig(options);
  const prompts = randomPrompts({ rows, prompt, vocab: config.vocab_size, seed });
  const plan = planDecode(prompts, generateOptions.parse({ maxTokens: tokens }), rows);
  const spec = joinSpecs(modelVariables(config), generateSpec(config, linear, plan));
  const { value: program, seconds: buildSeconds } = await timed(async () => {
    const made = await compile(spec, compileOptions);
    // The session is opened when it is first used.
    await made.read(['model.norm.weight']);
    return made;
  });
  try {
    const { seconds: loadSeconds } = await timed(() => loadParameters(program, randomModel(config, seed)));
    const answerAll = async () => {
      for await (const { ids } of generate(program, plan, [])) {
        hooks.signal?.throwIfAborted();
        if (ids.length !== tokens) throw new Error(`an answer of ${ids.length} tokens where ${tokens} were expected`);
      }
    };
    const times: number[] = [];
    for (let round = 0; round <= repeats; round++) {
      times.push((await timed(answerAll)).seconds);
      hooks.onStep?.(round + 1, `${times[round]!.toFixed(2)} s`, repeats + 1);
    }
    const seconds = median(times.slice(1));
    return {
      ...programFigures(compileOptions),
      seconds: round(seconds, 6),
      tokens_per_s: round((rows * tokens) / seconds, 1),
      peak_rss_mib: peakRssMib(),
      tensors: backend.memory().tensors,
      build_seconds: round(buildSeconds, 3),
      load_seconds: round(loadSeconds, 3),
      first_seconds: round(times[0]!, 3),
      repeat_seconds: times.slice(1).map((s) => round(s, 6)),
    };
  } finally {
    program.dispose();
  }
}
