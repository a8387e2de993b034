import { loadBackend } from '../../src/backend/load.js';
import { randomBatch } from '../../src/bench/random-batch.js';
import { loraOptions } from '../../src/lora/options.js';
import type { ModelConfig } from '../../src/model/config.js';
import { optimOptions } from '../../src/optim/options.js';
import { compileOptions } from '../../src/program/options.js';
import { forecastMemory } from '../../src/train/memory.js';
import { LENGTH, RANK } from './estimates.js';
import { MODELS } from './models.js';

/** Kinds of frozen weights. */
const KINDS = [{}, { loadIn8bit: true }, { loadIn4bit: true }] as const;

/**
 * Bytes that phasetune forecasts for a step on one card, as `train --dry-run --device cuda` does: a row of {@link
 * LENGTH} tokens, gradient checkpointing. Needs the native library.
 */
function forecast(config: ModelConfig, weights: (typeof KINDS)[number]): number {
  const { shape } = randomBatch({ batch: 1, seq: LENGTH, vocab: config.vocab_size, seed: 0 });
  const run = {
    config,
    compile: compileOptions({ precision: 'bfloat16', ...weights }, { name: 'tensorflow', device: 'cuda' }),
    gradientCheckpointing: true,
    lora: loraOptions.parse({ rank: RANK, alpha: 2 * RANK }),
    optim: optimOptions.parse({}),
    batches: { trainStep: [shape], accumulate: [], evalLoss: [] },
  };
  return forecastMemory(run, 'cuda', 0).peak;
}

/** GB that phasetune forecasts on one card. */
export async function forecastTable(models = MODELS): Promise<readonly (readonly string[])[]> {
  await loadBackend({ device: 'cpu' });
  const body = models.map(({ name, config }) => [
    name,
    ...KINDS.map((weights) => (forecast(config, weights) / 1e9).toFixed(1)),
  ]);
  return [['model', 'bfloat16', '8 bits', '4 bits'], ...body];
}
