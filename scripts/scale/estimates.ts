import { tokenFlop } from '../../src/bench/flop.js';
import type { ModelConfig } from '../../src/model/config.js';
import { linearShapes, parameterShapes } from '../../src/model/parameters.js';

/** Rank of the adapters on all projections, for every estimate. */
export const RANK = 16;

/** Tokens of a row. */
export const LENGTH = 4096;

/** Bytes for each parameter of an adapter: float32 for itself, its gradient and AdamW's two moments. */
const ADAPTER_BYTES = 16;
/** Bytes of a frozen weight or an activation in bfloat16. */
const BFLOAT16 = 2;
/** Logits in bfloat16 and float32, and the gradients of both: what an engine without a loss in chunks holds. */
const LOGIT_BYTES = 12;
/** Layers whose weights a card holds whole: the one that computes, and the one that is fetched meanwhile. */
const LAYERS_GATHERED = 2;

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, n) => total + n, 0);

/** How many parameters a model has. */
export const parametersOf = (config: ModelConfig): number =>
  sum([...parameterShapes(config).values()].map((shape) => shape.reduce((n, size) => n * size, 1)));

/** How many parameters its adapters have. */
export const adapterParameters = (config: ModelConfig): number =>
  sum([...linearShapes(config).values()].map(({ inputs, outputs }) => RANK * (inputs + outputs)));

/** What a card holds, in bytes. */
export interface CardMemory {
  /** Its share of the frozen weights, the adapters and the optimizer. */
  readonly share: number;
  /** Weights that it holds whole for a while: the embedding, the head, and layers. */
  readonly gathered: number;
  /** Inputs of all layers, what is computed again of one layer, and logits. */
  readonly activations: number;
}

/**
 * Memory of each card where an engine shards a model in bfloat16 over `cards` cards with FSDP2 and trains a LoRA with
 * gradient checkpointing, a row of {@link LENGTH} tokens on each.
 */
export function shardedMemory(config: ModelConfig, cards: number): CardMemory {
  const { hidden_size: h, intermediate_size: f, num_hidden_layers: layers, vocab_size: v } = config;
  const weights = BFLOAT16 * parametersOf(config);
  const layer = BFLOAT16 * (sum([...linearShapes(config).values()].map((s) => s.inputs * s.outputs)) / layers);
  const outside = weights - layers * layer;
  return {
    share: (weights + ADAPTER_BYTES * adapterParameters(config)) / cards,
    gathered: cards === 1 ? 0 : outside + LAYERS_GATHERED * layer,
    activations: LENGTH * (BFLOAT16 * (layers * h + 10 * h + 8 * f) + LOGIT_BYTES * v),
  };
}

/** All that a card holds. */
export const totalOf = ({ share, gathered, activations }: CardMemory): number => share + gathered + activations;

/** Operations of a training step for each token, with gradient checkpointing: the forward pass is computed twice. */
export function checkpointedFlop(config: ModelConfig): number {
  const { frozen, all } = tokenFlop(config, RANK, LENGTH);
  return all + frozen / 2;
}

/** Hours that `tokens` tokens take at a share of what a card computes in a second. */
export const hoursFor = (config: ModelConfig, tokens: number, flopPerSecond: number, share: number): number =>
  (tokens * checkpointedFlop(config)) / (flopPerSecond * share) / 3600;
