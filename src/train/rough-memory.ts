import type { BatchShape } from '../data/batch-shapes.js';
import type { ModelConfig } from '../model/config.js';
import type { EntryBatches } from './entry-shapes.js';

/** A generous estimate of the tensors of the call that takes most, in bytes. */
export function roughTensors({
  config,
  batches,
}: {
  readonly config: ModelConfig;
  readonly batches: EntryBatches;
}): number {
  const { hidden_size, intermediate_size, num_attention_heads, num_hidden_layers, vocab_size } = config;
  const floats = ({ lines, length, targets }: BatchShape): number =>
    lines * length * num_hidden_layers * (16 * hidden_size + 8 * intermediate_size + 6 * num_attention_heads * length) +
    4 * vocab_size * targets;
  return 4 * Math.max(0, ...Object.values(batches).flat().map(floats));
}
