import type { Backend } from '../backend/backend.js';
import { generateSpec } from '../generate/cache.js';
import { generate } from '../generate/generate.js';
import { generateOptions } from '../generate/options.js';
import { type DecodePlan, planDecode } from '../generate/plan.js';
import type { ModelConfig } from '../model/config.js';
import { linear } from '../model/linear.js';
import { loadParameters, modelVariables } from '../model/load.js';
import { headName } from '../model/parameters.js';
import { variableBytes } from '../program/captured/forecast.js';
import { compile } from '../program/compile.js';
import type { CompileOptions } from '../program/compile-options.js';
import { joinSpecs } from '../program/program.js';
import { peakRssMib } from '../telemetry/memory.js';
import type { DecodeBenchOptions } from './options.js';
import { programFigures, programOf } from './program.js';
import { randomPrompts } from './random-batch.js';
import { randomModel } from './random-model.js';
import { benchRead } from './read.js';
import { shapeConfig } from './shapes.js';
import { type BenchHooks, median, round, timed } from './timing.js';

/** MiB of the streaming read: about the weights of the default shape in bfloat16. */
const CEILING_MIB = 256;

/**
 * Times answers to random prompts of equal length: always the likeliest token, and no answer ends
 * early. The pass over the prompts counts too; it is timed by itself as well, so that the time of one token for all
 * rows is known, and with it how fast weights are read. Then times a streaming read, to report what share of its speed
 * that is. Random weights, no adapter.
 */
export async function benchDecode(backend: Backend, options: DecodeBenchOptions, hooks: BenchHooks = {}) {
  const { rows, prompt, tokens, repeats, seed } = options;
  const compileOptions = await programOf(options, backend, { decodes: true });
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
    const answerAll = async (to: DecodePlan) => {
      for await (const { ids } of generate(program, to, [])) {
        hooks.signal?.throwIfAborted();
        const expected = to.options.maxTokens;
        if (ids.length !== expected) throw new Error(`an answer of ${ids.length} tokens instead of ${expected}`);
      }
    };
    const times: number[] = [];
    const firsts: number[] = [];
    for (let round = 0; round <= repeats; round++) {
      times.push((await timed(() => answerAll(plan))).seconds);
      hooks.onStep?.(round + 1, `${times[round]!.toFixed(2)} s`, repeats + 1);
    }
    const peak = peakRssMib();
    const first = { ...plan, options: { ...plan.options, maxTokens: 1 } };
    for (let round = 0; round < repeats; round++) firsts.push((await timed(() => answerAll(first))).seconds);
    const seconds = median(times.slice(1));
    return {
      ...programFigures(compileOptions),
      seconds: round(seconds, 6),
      tokens_per_s: round((rows * tokens) / seconds, 1),
      peak_rss_mib: peak,
      tensors: backend.memory().tensors,
      build_seconds: round(buildSeconds, 3),
      load_seconds: round(loadSeconds, 3),
      first_seconds: round(times[0]!, 3),
      repeat_seconds: times.slice(1).map((s) => round(s, 6)),
      ...(await readingFigures(config, compileOptions, median(firsts), (seconds - median(firsts)) / (tokens - 1))),
    };
  } finally {
    program.dispose();
  }
}

/**
 * How fast weights are read where one token for all rows takes `perToken` seconds. Null where a run is so short that
 * its first token took as long by chance.
 */
async function readingFigures(config: ModelConfig, options: CompileOptions, firstSeconds: number, perToken: number) {
  const bytes = bytesPerToken(config, options);
  const { gbps } = await benchRead(CEILING_MIB, options);
  const speed = perToken > 0 ? bytes / perToken / 1e9 : null;
  return {
    first_token_seconds: round(firstSeconds, 6),
    ms_per_token: speed === null ? null : round(1000 * perToken, 3),
    bytes_per_token: bytes,
    weights_gbps: speed === null ? null : round(speed, 2),
    read_gbps: round(gbps, 1),
    read_share: speed === null ? null : round(speed / gbps, 4),
  };
}

/**
 * Bytes of weights that a token for all rows reads, as they are held: all of them, except an embedding that is not the
 * head too, of which a few rows are looked up.
 */
export function bytesPerToken(config: ModelConfig, options: CompileOptions): number {
  const { variables, entries } = modelVariables(config);
  const lookedUp = 'model.embed_tokens.weight';
  const read = Object.entries(variables).filter(([name]) => name !== lookedUp || name === headName(config));
  return variableBytes({ variables: Object.fromEntries(read), entries }, options);
}
