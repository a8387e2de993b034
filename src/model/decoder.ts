import * as tf from '../backend/tf.js';
import { addResidual } from '../ops/add-residual.js';
import { attention, causalBias, packedBias } from '../ops/attention.js';
import { mergeHeads, splitHeads } from '../ops/heads.js';
import { rmsNorm } from '../ops/rms-norm.js';
import { type RopeTables, ropeHeads, ropeTables } from '../ops/rope.js';
import { swiglu } from '../ops/swiglu.js';
import { takeRows } from '../ops/take-rows.js';
import type { Tensors } from '../program/program.js';
import type { ModelConfig } from './config.js';
import type { Linear } from './linear.js';
import { layerName } from './parameters.js';
import { inverseFrequencies } from './rope-frequencies.js';

/** What goes through the decoder in one call. */
export interface DecoderInputs {
  /** Token ids [B, T], int32. */
  readonly ids: tf.Tensor;
  /** Position of each token in its own text [B or 1, T], int32. */
  readonly positions: tf.Tensor;
  /** Added to the attention scores [B or 1, 1, T, C]: 0 where a query sees a key. */
  readonly bias: tf.Tensor;
  /** Positions in use, for RoPE kinds that depend on the length. */
  readonly length: number;
}

/**
 * Inputs of whole texts from their start, each token seeing those before it: ids [B, T], int32. With `positions` [B, T]
 * (int32), which count from 0 in each text, several texts may lie in one line, and none sees another.
 */
export function causalInputs(config: ModelConfig, ids: tf.Tensor, positions?: tf.Tensor): DecoderInputs {
  const length = ids.shape[1]!;
  const window = config.sliding_window;
  if (positions) return { ids, positions, bias: packedBias(positions, window), length };
  const all = tf.reshape(tf.range(0, length, 1, 'int32'), [1, length]);
  return { ids, positions: all, bias: causalBias(length, window), length };
}

/**
 * Sees a layer's new keys and values [B, K, T, H] and gives those to attend over [B, K, C, H]: itself without a cache,
 * the cache with them added otherwise.
 */
export type Cache = (layer: number, keys: tf.Tensor, values: tf.Tensor) => readonly [tf.Tensor, tf.Tensor];

const noCache: Cache = (_layer, keys, values) => [keys, values];

/**
 * The decoder of Llama and Mistral up to and including the last norm: hidden states [B * T, D]. `weights` holds the
 * parameters of `parameterShapes` by name; `linear` applies a projection, with an adapter or without.
 */
export function decoder(
  config: ModelConfig,
  weights: Tensors,
  { ids, positions, bias, length }: DecoderInputs,
  linear: Linear,
  cache: Cache = noCache,
): tf.Tensor {
  const [b, t] = ids.shape as [number, number];
  const tables = ropeTables(positions, inverseFrequencies(config, length));
  let x = takeRows(weights['model.embed_tokens.weight']!, tf.reshape(ids, [b * t]));
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = layerName(i);
    const norm = (name: string, x: tf.Tensor) => rmsNorm(x, weights[`${layer}.${name}.weight`]!, config.rms_norm_eps);
    const project = (names: readonly string[], x: tf.Tensor) =>
      linear(
        weights,
        names.map((name) => `${layer}.${name}`),
        x,
      );
    const attend = {
      project,
      tables,
      bias,
      batch: b,
      cache: (k: tf.Tensor, v: tf.Tensor) => cache(i, k, v),
    };
    x = addResidual(x, selfAttention(config, norm('input_layernorm', x), attend));
    x = tf.tidy(() => addResidual(x, mlp(norm('post_attention_layernorm', x), project)));
  }
  return rmsNorm(x, weights['model.norm.weight']!, config.rms_norm_eps);
}

interface Attend {
  readonly project: (names: readonly string[], x: tf.Tensor) => tf.Tensor[];
  readonly tables: RopeTables;
  readonly bias: tf.Tensor;
  readonly batch: number;
  readonly cache: (keys: tf.Tensor, values: tf.Tensor) => readonly [tf.Tensor, tf.Tensor];
}

function selfAttention(config: ModelConfig, x: tf.Tensor, { project, tables, bias, batch, cache }: Attend): tf.Tensor {
  const { num_attention_heads: n, num_key_value_heads: k } = config;
  const [q, kNew, vNew] = project(['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'], x) as Triple;
  const queries = ropeHeads(q, batch, n, tables);
  const [keys, values] = cache(ropeHeads(kNew, batch, k, tables), splitHeads(vNew, batch, k));
  return tf.tidy(() => project(['self_attn.o_proj'], mergeHeads(attention(queries, keys, values, bias)))[0]!);
}

type Triple = [tf.Tensor, tf.Tensor, tf.Tensor];

function mlp(x: tf.Tensor, project: Attend['project']): tf.Tensor {
  const [gate, up] = project(['mlp.gate_proj', 'mlp.up_proj'], x) as [tf.Tensor, tf.Tensor];
  return project(['mlp.down_proj'], swiglu(gate, up))[0]!;
}
