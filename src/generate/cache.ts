import { matMul } from '../backend/raw/matmul.js';
import * as tf from '../backend/tf.js';
import type { ModelConfig } from '../model/config.js';
import { type Attend, causalInputs, type DecoderInputs, decoder } from '../model/decoder.js';
import type { Linear } from '../model/linear.js';
import { headName } from '../model/parameters.js';
import { attention, biasOf, visible } from '../ops/attention.js';
import { type CachePlaces, cachedAttention } from '../ops/cached-attention.js';
import { mergeHeads, splitHeads } from '../ops/heads.js';
import { ropeHeads } from '../ops/rope.js';
import { takeRows } from '../ops/take-rows.js';
import type { Entry, EntryResult, InputSpec, ProgramSpec, Tensors, VariableSpec } from '../program/program.js';
import { candidatesOf, choiceInputs, choose } from './choose.js';
import { type Choice, choiceOf } from './options.js';
import { type CacheShape, type DecodePlan, takesLongPrompts } from './plan.js';

/** Holds the last logits [rows, V] if a choice may need a second try. */
const LOGITS = 'cache.logits';

const names = (layer: number) => ({ keys: `cache.${layer}.keys`, values: `cache.${layer}.values` });

/** Sizes and settings of one program. */
interface Decoding {
  readonly config: ModelConfig;
  readonly linear: Linear;
  readonly shape: CacheShape;
  readonly choice: Choice;
  readonly candidates: number;
}

/**
 * Variables and entries of decoding with a key/value cache, over the model's variables. The keys
 * and values of a token are in the slot of its position, so that rows of different lengths need no
 * padding between prompt and answer; slots past the end of a row are masked.
 * - `prefill`: the first tokens of each prompt, ids [rows, chunk], padded at the end; `last` [rows] is the flat index
 *   into ids of the token whose successor is wanted, `lengths` [rows] are the tokens of each whole prompt.
 * - `prefillNext`, if there are longer prompts: the same for the tokens from position `start` on.
 * - `decode`: one token per row, ids and positions [rows].
 * - `chooseAll`, if the others may not look at enough tokens: another choice from the last logits.
 * Each gives the next `token` [rows] and, if it may not look at enough tokens, `covered` [rows],
 * see {@link choose}. All except the last give the `total` [rows] of the logits, which is finite
 * only if all of them are.
 */
export function generateSpec(
  config: ModelConfig,
  linear: Linear,
  plan: Pick<DecodePlan, 'prompts' | 'options' | 'shape' | 'longPrompts'>,
): ProgramSpec {
  const { options, shape } = plan;
  const choice = choiceOf(options);
  const decoding = { config, linear, shape, choice, candidates: candidatesOf(options, config.vocab_size) };
  const entries: Record<string, Entry> = { prefill: prefill(decoding), decode: decode(decoding) };
  if (takesLongPrompts(plan)) entries.prefillNext = prefillNext(decoding);
  if (choice === 'topP') entries.chooseAll = chooseAll(decoding);
  // Compiling saves no time per token, and itself takes the time of thirty tokens.
  const plain = Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => [name, { ...entry, compile: false }]),
  );
  return { variables: cacheVariables(decoding), entries: plain };
}

function cacheVariables({ config, shape: { rows, slots }, choice }: Decoding): Record<string, VariableSpec> {
  const variables: Record<string, VariableSpec> = {};
  const shape = [rows * config.num_key_value_heads * slots, config.head_dim];
  for (let i = 0; i < config.num_hidden_layers; i++)
    for (const name of Object.values(names(i))) variables[name] = { shape, dtype: 'float32', role: 'cache' };
  if (choice === 'topP') variables[LOGITS] = { shape: [rows, config.vocab_size], dtype: 'float32', role: 'state' };
  return variables;
}

/**
 * Where RoPE depends on the length, the tokens of a prompt are rotated by the length of the prompt,
 * and each token of the answer by the length of the text up to itself, as transformers does: keys
 * in the cache stay as they were. Nothing else matters, such as how long an answer may get.
 */
const promptLengths = ({ lengths }: Tensors): tf.Tensor => tf.expandDims(lengths!, 1);

const promptInputs = ({ shape: { rows, chunk } }: Decoding): Record<string, InputSpec> => ({
  ids: { shape: [rows, chunk], dtype: 'int32' },
  last: { shape: [rows], dtype: 'int32' },
  lengths: { shape: [rows], dtype: 'int32' },
});

function prefill(decoding: Decoding): Entry {
  const { config, shape, choice } = decoding;
  return {
    inputs: { ...promptInputs(decoding), ...choiceInputs(choice, shape.rows) },
    run(weights, inputs) {
      const updates: Record<string, tf.Tensor> = {};
      const texts = { ...causalInputs(config, inputs.ids!), lengths: promptLengths(inputs) };
      const attend = filling(decoding, texts.bias, updates);
      const hidden = decoder(config, weights, texts, decoding.linear, { attend });
      return next(decoding, weights, takeRows(hidden, inputs.last!), inputs, updates);
    },
  };
}

function prefillNext(decoding: Decoding): Entry {
  const { config, shape, choice } = decoding;
  const { rows, slots, chunk } = shape;
  return {
    inputs: {
      ...promptInputs(decoding),
      start: { shape: [], dtype: 'int32' },
      ...choiceInputs(choice, rows),
    },
    run(weights, inputs) {
      const updates: Record<string, tf.Tensor> = {};
      const positions = tf.add(tf.range(0, chunk, 1, 'int32'), inputs.start!);
      const bias = tf.reshape(biasOver(config, positions, slots), [1, 1, chunk, slots]);
      const texts = {
        ids: inputs.ids!,
        positions: tf.reshape(positions, [1, chunk]),
        bias,
        causal: false,
        lengths: promptLengths(inputs),
      };
      const attend = appending(decoding, texts, weights, updates);
      const hidden = decoder(config, weights, texts, decoding.linear, { attend });
      return next(decoding, weights, takeRows(hidden, inputs.last!), inputs, updates);
    },
  };
}

function decode(decoding: Decoding): Entry {
  const { config, shape, choice } = decoding;
  const { rows, slots } = shape;
  return {
    inputs: {
      ids: { shape: [rows], dtype: 'int32' },
      positions: { shape: [rows], dtype: 'int32' },
      ...choiceInputs(choice, rows),
    },
    run(weights, inputs) {
      const updates: Record<string, tf.Tensor> = {};
      const texts: DecoderInputs = {
        ids: tf.reshape(inputs.ids!, [rows, 1]),
        positions: tf.reshape(inputs.positions!, [rows, 1]),
        bias: tf.reshape(biasOver(config, inputs.positions!, slots), [rows, 1, 1, slots]),
        causal: false,
        lengths: tf.add(tf.reshape(inputs.positions!, [rows, 1]), 1),
      };
      const attend = appending(decoding, texts, weights, updates);
      const hidden = decoder(config, weights, texts, decoding.linear, { attend });
      return next(decoding, weights, hidden, inputs, updates);
    },
  };
}

const chooseAll = ({ config, shape: { rows }, choice }: Decoding): Entry => ({
  inputs: choiceInputs(choice, rows),
  run: (weights, inputs) => {
    const { token } = choose(weights[LOGITS]!, choice, config.vocab_size, inputs);
    return { outputs: { token: token! } };
  },
});

/** What is added to the scores of queries at `positions` [Q] (int32) against the keys in all slots: [Q, slots]. */
const biasOver = (config: ModelConfig, positions: tf.Tensor, slots: number): tf.Tensor => {
  const queries = tf.expandDims(tf.cast(positions, 'float32'), 1);
  return biasOf(visible(tf.sub(queries, tf.range(0, slots, 1)), config.sliding_window));
};

/**
 * Whole texts attend over themselves; their keys and values fill the first slots of the cache, and
 * the others are zero.
 */
function filling(
  { config, shape: { rows, slots } }: Decoding,
  bias: tf.Tensor,
  updates: Record<string, tf.Tensor>,
): Attend {
  const { num_attention_heads: n, num_key_value_heads: heads } = config;
  // A separate tensor, shared with nothing: later calls write into it.
  const table = (x: tf.Tensor) => {
    const [, , t, h] = x.shape as [number, number, number, number];
    const padding: [number, number][] = [
      [0, 0],
      [0, slots - t],
      [0, 0],
    ];
    return tf.reshape(tf.pad(tf.reshape(x, [rows * heads, t, h]), padding), [rows * heads * slots, h]);
  };
  return (layer, { q, k, v }, tables) => {
    const keys = ropeHeads(k, rows, heads, tables);
    const values = splitHeads(v, rows, heads);
    const kept = [table(keys), table(values)] as const;
    [updates[names(layer).keys], updates[names(layer).values]] = kept;
    return { attended: mergeHeads(attention(ropeHeads(q, rows, n, tables), keys, values, bias, true)), kept };
  };
}

/** Keys and values of new tokens go into the slots of their positions; the tokens attend over all slots. */
function appending(
  { config, shape: { rows, slots } }: Decoding,
  { positions, bias }: Pick<DecoderInputs, 'positions' | 'bias'>,
  variables: Tensors,
  updates: Record<string, tf.Tensor>,
): Attend {
  const { num_key_value_heads: heads } = config;
  const firsts = tf.range(0, rows * heads * slots, slots, 'int32');
  const indices = tf.reshape(tf.add(tf.reshape(firsts, [rows, heads, 1]), tf.expandDims(positions, 1)), [-1]);
  const places: CachePlaces = { positions, indices, bias, window: config.sliding_window };
  return (layer, tokens, tables) => {
    const name = names(layer);
    const cache = { keys: variables[name.keys]!, values: variables[name.values]! };
    const { attended, keys, values } = cachedAttention(tokens, cache, tables, places);
    updates[name.keys] = keys;
    updates[name.values] = values;
    return { attended, kept: [keys, values] };
  };
}

function next(
  { config, choice, candidates }: Decoding,
  weights: Tensors,
  hidden: tf.Tensor,
  inputs: Tensors,
  cached: Tensors,
): EntryResult {
  const logits = matMul(hidden, weights[headName(config)]!, false, true);
  const outputs = { ...choose(logits, choice, candidates, inputs), total: tf.sum(logits, 1) };
  return { outputs, updates: choice === 'topP' ? { ...cached, [LOGITS]: logits } : cached };
}
