import type { ModelConfig } from '../model/config.js';
import { linearShapes } from '../model/parameters.js';

/** Floating point operations of a training step for each token: a multiplication and an addition count as two. */
export interface TokenFlop {
  /**
   * Products with frozen weights, including the head: 2 per weight forward and 2 for the gradient
   * of the inputs. A frozen weight has no gradient itself.
   */
  readonly frozen: number;
  /** Those, plus the adapters' products and attention over half of `length` keys: 2 forward and 4 backward. */
  readonly all: number;
}

/**
 * Work of one LoRA step for each token of a row of `length` tokens, every one of them trained, with
 * adapters of a rank on all projections.
 */
export function tokenFlop(config: ModelConfig, rank: number, length: number): TokenFlop {
  let weights = config.vocab_size * config.hidden_size;
  let adapters = 0;
  for (const { inputs, outputs } of linearShapes(config).values()) {
    weights += inputs * outputs;
    adapters += rank * (inputs + outputs);
  }
  // Scores and their product with the values.
  const attention = config.num_hidden_layers * config.num_attention_heads * config.head_dim * length;
  return { frozen: 4 * weights, all: 4 * weights + 6 * (adapters + attention) };
}
