import type { Backend } from '../backend/backend.js';
import { random } from '../core/random.js';
import { generateSpec } from '../generate/cache.js';
import { cacheShape, generate } from '../generate/generate.js';
import { generateOptions } from '../generate/options.js';
import { linear } from '../model/linear.js';
import { loadParameters, modelVariables } from '../model/load.js';
import { compile } from '../program/compile.js';
import { joinSpecs } from '../program/program.js';
import { peakRssMib } from '../telemetry/memory.js';
import type { DecodeBenchOptions } from './options.js';
import { randomModel } from './random-model.js';
import { shapeConfig } from './shapes.js';
import { type BenchHooks, median, round, timed } from './timing.js';

/**
 * Times answers to random prompts of equal length, the likeliest token each time, none ending before it has all its tokens;
 * the prompts' own pass is part of it. Random weights, no adapter.
 */
export async function benchDecode(backend: Backend, options: DecodeBenchOptions, hooks: BenchHooks = {}) {
  const { rows, prompt, tokens, repeats, seed, mode, dtype } = options;
  const config = shapeConfig(options);
  const { integer } = random(seed, 'prompts');
  const prompts = Array.from({ length: rows }, () =>
    Int32Array.from({ length: prompt }, () => integer(config.vocab_size)),
  );
  const shape = cacheShape(prompts, tokens, rows);
  const spec = joinSpecs(modelVariables(config), generateSpec(config, linear, shape));
  const { value: program, seconds: buildSeconds } = await timed(() => compile(spec, { mode, precision: dtype }));
  try {
    const { seconds: loadSeconds } = await timed(() => loadParameters(program, randomModel(config, seed)));
    const decoding = generateOptions.parse({ maxTokens: tokens });
    const answerAll = async () => {
      for await (const { ids } of generate(program, shape, prompts, [], decoding)) {
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
      seconds: round(seconds, 4),
      tokens_per_s: round((rows * tokens) / seconds, 1),
      peak_rss_mib: peakRssMib(),
      tensors: backend.memory().tensors,
      build_seconds: round(buildSeconds, 3),
      load_seconds: round(loadSeconds, 3),
      first_seconds: round(times[0]!, 3),
      repeat_seconds: times.slice(1).map((s) => round(s, 4)),
    };
  } finally {
    program.dispose();
  }
}
