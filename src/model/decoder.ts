import * as tf from '../backend/tf.js';
import { addResidual } from '../ops/add-residual.js';
import { attention, causalBias, packedBias } from '../ops/attention.js';
import { checkpoint } from '../ops/checkpoint.js';
import { flashAttention } from '../ops/flash-attention.js';
import { mergeHeads, splitHeads } from '../ops/heads.js';
import { rmsNorm } from '../ops/rms-norm.js';
import { type RopeTables, ropeHeads, ropeTables } from '../ops/rope.js';
import { swiglu } from '../ops/swiglu.js';
import { takeRows } from '../ops/take-rows.js';
import type { Attention } from '../program/compile-options.js';
import type { Tensors } from '../program/program.js';
import type { ModelConfig } from './config.js';
import type { Linear } from './linear.js';
import { layerName } from './parameters.js';
import { dependsOnLength, frequenciesByLength, inverseFrequencies, textLengths } from './rope-frequencies.js';

/** What goes through the decoder in one call. */
export interface DecoderInputs {
  /** Token ids [B, T], int32. */
  readonly ids: tf.Tensor;
  /** Position of each token in its own text [B or 1, T], int32. */
  readonly positions: tf.Tensor;
  /** Added to the attention scores [B or 1, 1, T, C]: 0 where a query sees a key. */
  readonly bias: tf.Tensor;
  /** True where keys are the lines' own tokens, and the bias hides from each those after it. */
  readonly causal: boolean;
  /** True where `positions` say which text of its line a token belongs to; by default a line is one text. */
  readonly packed?: boolean;
  /**
   * Tokens of the text that a position belongs to, for RoPE kinds that depend on them: of all
   * positions together, or of each [B or 1, T or 1].
   */
  readonly lengths: number | tf.Tensor;
}

/**
 * Inputs of whole texts from their start, each token seeing those before it: ids [B, T], int32. With `positions` [B, T]
 * (int32), which count from 0 in each text, several texts may share a line, and none sees another.
 */
export function causalInputs(config: ModelConfig, ids: tf.Tensor, positions?: tf.Tensor): DecoderInputs {
  const length = ids.shape[1]!;
  const window = config.sliding_window;
  if (positions) {
    const lengths = dependsOnLength(config) ? textLengths(positions) : length;
    return { ids, positions, bias: packedBias(positions, window), causal: true, packed: true, lengths };
  }
  const all = tf.reshape(tf.range(0, length, 1, 'int32'), [1, length]);
  return { ids, positions: all, bias: causalBias(length, window), causal: true, lengths: length };
}

/** A layer's projections of its tokens: q [B * T, N * H], k and v [B * T, K * H]. */
export interface Projections {
  readonly q: tf.Tensor;
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

/**
 * What the tokens of a layer attend to, [B * T, N * H], given their projections and the tables of their positions; and
 * tensors that are to outlive the layer.
 */
export type Attend = (
  layer: number,
  projections: Projections,
  tables: RopeTables,
) => { readonly attended: tf.Tensor; readonly kept?: readonly tf.Tensor[] };

/** What a decoder keeps from one call to the next, and for its gradient. */
export interface DecoderOptions {
  /** How the tokens of a layer attend to each other, or to a cache; by default over the lines' own keys. */
  readonly attend?: Attend;
  /** Names of all weights that gradients are taken of: a layer keeps only its input for them, and is run again. */
  readonly checkpointed?: readonly string[] | undefined;
  /** How causal attention over a line's own keys is worked out, which the program is compiled for. Default `math`. */
  readonly attention?: Attention | undefined;
}

/**
 * The decoder of Llama and Mistral up to and including the last norm: hidden states [B * T, D].
 * `weights` holds the parameters of `parameterShapes` by name; `linear` applies a projection, with
 * an adapter or without.
 */
export function decoder(
  config: ModelConfig,
  weights: Tensors,
  { ids, positions, bias, causal, packed, lengths }: DecoderInputs,
  linear: Linear,
  { attend, checkpointed, attention: form = 'math' }: DecoderOptions = {},
): tf.Tensor {
  const [batch, t] = ids.shape as [number, number];
  const { cos, sin } = ropeTables(
    positions,
    typeof lengths === 'number' ? inverseFrequencies(config, lengths) : frequenciesByLength(config, lengths),
  );
  const flash = form !== 'math' && causal;
  const constants = [cos, sin, bias, ...(flash && packed ? [positions] : [])];
  let x = takeRows(weights['model.embed_tokens.weight']!, tf.reshape(ids, [batch * t]));
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const run: Layer = (weights, x, [cos, sin, bias, positions]) =>
      decoderLayer(i, x, {
        norm: (name, x) => rmsNorm(x, weights[`${layerName(i)}.${name}.weight`]!, config.rms_norm_eps),
        project: (names, x) => {
          const full = names.map((name) => `${layerName(i)}.${name}`);
          return linear(weights, full, x);
        },
        tables: { cos, sin },
        attend:
          attend ??
          ownKeys(config, batch, (q, k, v) =>
            flash
              ? flashAttention(q, k, v, { bias, positions, window: config.sliding_window })
              : attention(q, k, v, bias, causal),
          ),
      });
    const ofLayer = checkpointed?.filter((name) => name.includes(`${layerName(i)}.`));
    x = ofLayer ? runTwice(run, ofLayer, weights, x, constants) : run(weights, x, constants as Constants);
  }
  return rmsNorm(x, weights['model.norm.weight']!, config.rms_norm_eps);
}

type Constants = [cos: tf.Tensor, sin: tf.Tensor, bias: tf.Tensor, positions?: tf.Tensor];
type Layer = (weights: Tensors, x: tf.Tensor, constants: Constants) => tf.Tensor;

/** A layer of which nothing is kept for the gradient but its input; `trained` names its weights that get one. */
function runTwice(
  run: Layer,
  trained: readonly string[],
  weights: Tensors,
  x: tf.Tensor,
  constants: readonly tf.Tensor[],
): tf.Tensor {
  const inputs = trained.map((name) => weights[name]!);
  return checkpoint([x, ...inputs], constants, ([x, ...inputs], constants) => {
    const layerWeights = Object.fromEntries(trained.map((name, i) => [name, inputs[i]!]));
    return run({ ...weights, ...layerWeights }, x!, constants as Constants);
  });
}

interface LayerParts {
  readonly norm: (name: string, x: tf.Tensor) => tf.Tensor;
  readonly project: (names: readonly string[], x: tf.Tensor) => tf.Tensor[];
  readonly tables: RopeTables;
  readonly attend: Attend;
}

/** Attention over the lines' own keys, which is worked out by `over`: q [B, N, T, H], k and v [B, K, T, H]. */
const ownKeys =
  (
    { num_attention_heads: n, num_key_value_heads: k }: ModelConfig,
    batch: number,
    over: (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => tf.Tensor,
  ): Attend =>
  (_layer, projections, tables) => {
    const queries = ropeHeads(projections.q, batch, n, tables);
    const keys = ropeHeads(projections.k, batch, k, tables);
    return { attended: mergeHeads(over(queries, keys, splitHeads(projections.v, batch, k))) };
  };

function decoderLayer(index: number, x: tf.Tensor, parts: LayerParts): tf.Tensor {
  const { norm, project } = parts;
  const attended = addResidual(x, selfAttention(index, norm('input_layernorm', x), parts));
  return tf.tidy(() => addResidual(attended, mlp(norm('post_attention_layernorm', attended), project)));
}

function selfAttention(index: number, x: tf.Tensor, { project, tables, attend }: LayerParts): tf.Tensor {
  const [q, k, v] = project(['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'], x) as Triple;
  return tf.tidy(() => {
    const { attended, kept = [] } = attend(index, { q, k, v }, tables);
    return [project(['self_attn.o_proj'], attended)[0]!, ...kept];
  })[0]!;
}

type Triple = [tf.Tensor, tf.Tensor, tf.Tensor];

function mlp(x: tf.Tensor, project: LayerParts['project']): tf.Tensor {
  const [gate, up] = project(['mlp.gate_proj', 'mlp.up_proj'], x) as [tf.Tensor, tf.Tensor];
  return project(['mlp.down_proj'], swiglu(gate, up))[0]!;
}
