import { loadBackend } from '../../src/backend/load.js';
import { randomBatch } from '../../src/bench/random-batch.js';
import { shapeConfig } from '../../src/bench/shapes.js';
import { loraOptions } from '../../src/lora/options.js';
import { optimOptions } from '../../src/optim/options.js';
import { graphVariables } from '../../src/program/captured/captured.js';
import { graphEntry, targetsOf } from '../../src/program/captured/entries.js';
import { savedModel } from '../../src/program/captured/saved-model.js';
import { compileOptions } from '../../src/program/options.js';
import { inputShapes } from '../../src/train/entry-shapes.js';
import { loraSpec } from '../../src/train/lora-spec.js';
import { forecastMemory } from '../../src/train/memory.js';
import type { MemoryForecast } from '../../src/train/memory-forecast.js';
import type { CardCase } from './cases.js';

/** A training step as TensorFlow gets it on a card, and what it is forecast to take there. */
export interface RecordedStep {
  readonly savedModel: Uint8Array;
  readonly forecast: MemoryForecast;
}

/**
 * Records the step of `phasetune bench step` as it would be on a card: a LoRA of rank 8 on all projections, AdamW, no
 * dropout, no clipping. Needs the native library, for the processor; nothing is computed.
 */
export async function recordStep(step: CardCase): Promise<RecordedStep> {
  await loadBackend({ device: 'cpu' });
  const { batch, seq, gradientCheckpointing = false, loadIn8bit, loadIn4bit, attention } = step;
  const config = shapeConfig(step);
  const { shape } = randomBatch({ batch, seq, vocab: config.vocab_size, seed: 0 });
  const compile = compileOptions(
    { precision: 'bfloat16', loadIn8bit, loadIn4bit, attention },
    { name: 'tensorflow', device: 'cuda' },
  );
  const run = {
    config,
    compile,
    gradientCheckpointing,
    lora: loraOptions.parse({ rank: 8, alpha: 16 }),
    optim: optimOptions.parse({ weightDecay: 0.01, maxGradNorm: 0 }),
    batches: { trainStep: [shape], accumulate: [], evalLoss: [] },
  };
  const { spec } = loraSpec(config, run);
  const variables = graphVariables(spec, compile);
  const [shapes] = inputShapes(run.batches).trainStep!;
  const entry = graphEntry('step', 'trainStep', spec, shapes!, variables, compile);
  return { savedModel: savedModel(targetsOf([], [entry])), forecast: forecastMemory(run, 'cuda', 0) };
}
