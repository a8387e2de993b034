import type { Backend } from '../backend/backend.js';
import type { LoraOptions } from '../lora/options.js';
import type { ModelConfig } from '../model/config.js';
import type { OptimOptions } from '../optim/options.js';
import type { CompileOptions } from '../program/compile-options.js';
import type { Program, ProgramSpec } from '../program/program.js';
import { rssMib } from '../telemetry/memory.js';
import { type EntryBatches, inputShapes } from '../train/entry-shapes.js';
import { loraTuner } from '../train/lora-tuner.js';
import type { Tuner } from '../train/tuner.js';
import { randomModel } from './random-model.js';
import { round, timed } from './timing.js';

/** What {@link readyTuner} is made of. */
interface Making {
  readonly config: ModelConfig;
  readonly seed: number;
  readonly lora: LoraOptions;
  readonly optim: OptimOptions;
  readonly program: CompileOptions;
  readonly batches: EntryBatches;
  readonly gradientCheckpointing?: boolean | undefined;
  readonly extra?: ProgramSpec;
}

/** A tuner with random weights, a fresh adapter and zeroed moments, and what it took. */
export interface ReadyTuner {
  readonly tuner: Tuner;
  readonly program: Program;
  readonly figures: {
    /** Recording all entries, writing the graph and opening its session. */
    readonly build_seconds: number;
    /** Memory taken for it and not given back. */
    readonly build_rss_mib: number;
    /** Drawing the weights and copying them to the device. */
    readonly load_seconds: number;
  };
}

/** A tuner that is ready for its first step. */
export async function readyTuner(
  backend: Backend,
  { config, seed, program: compileOptions, batches, ...rest }: Making,
): Promise<ReadyTuner> {
  const before = rssMib();
  const compile = { ...compileOptions, shapes: inputShapes(batches) };
  const built = await timed(async () => {
    const made = await loraTuner({ backend, model: randomModel(config, seed), compile, ...rest });
    // The session is opened when it is first used.
    await made.program.read(['model.norm.weight']);
    return made;
  });
  const { tuner, program } = built.value;
  const build_rss_mib = rssMib() - before;
  const loaded = await timed(async () => {
    await tuner.loadBase([]);
    tuner.reset('adapter', seed);
    tuner.reset('optimizer', seed);
  });
  const [build_seconds, load_seconds] = [round(built.seconds, 3), round(loaded.seconds, 3)];
  return { tuner, program, figures: { build_seconds, build_rss_mib, load_seconds } };
}
