import { float32, int32 } from '../../src/core/host-tensor.js';
import { loraOptions } from '../../src/lora/options.js';
import { parseModelConfig } from '../../src/model/config.js';
import { optimOptions } from '../../src/optim/options.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import { loraSpec } from '../../src/train/lora-spec.js';
import { lossFeeds } from '../../src/train/loss-feeds.js';

/** A model whose heads cuDNN has a kernel for. */
const CONFIG = parseModelConfig(
  {
    model_type: 'llama',
    vocab_size: 64,
    hidden_size: 32,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: false,
  },
  'config.json',
);
const ROW = { id: 'row', ids: Int32Array.from([3, 9, 27, 4, 12, 36]), mask: new Uint8Array(6).fill(1), trained: 5 };
/** Feeds of a step: three rows in two lines. */
export const FEEDS = {
  ...lossFeeds({ lines: [[ROW, ROW], [ROW]], shape: { lines: 2, length: 16, targets: 16 } }, 1 / 15),
  seed: int32([], [1]),
  learningRate: float32([], [0.01]),
  step: float32([], [1]),
  lossLimit: float32([], [Number.POSITIVE_INFINITY]),
};

/** The program that trains an adapter of it. */
export const flashSpec = (compile: CompileOptions) =>
  loraSpec(CONFIG, { lora: loraOptions.parse({ rank: 2 }), optim: optimOptions.parse({}), compile }).spec;
