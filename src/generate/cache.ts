import * as tf from '../backend/tf.js';
import type { ModelConfig } from '../model/config.js';
import { type Cache, causalInputs, decoder } from '../model/decoder.js';
import type { Linear } from '../model/linear.js';
import { headName } from '../model/parameters.js';
import { biasOf, visible } from '../ops/attention.js';
import { takeRows } from '../ops/take-rows.js';
import type { EntryResult, ProgramSpec, Tensors, VariableSpec } from '../program/program.js';

/** Size of the key/value cache: rows decoded together, and tokens of each that fit, prompt and answer. */
export interface CacheShape {
  readonly rows: number;
  readonly slots: number;
}

/** Position of a slot that holds no key: later than every query's, hence never seen. */
export const NO_POSITION = 2 ** 30;

const names = (layer: number) => ({ keys: `cache.${layer}.keys`, values: `cache.${layer}.values` });

/**
 * Variables and entries of decoding with a key/value cache, over the model's variables:
 * - `prefill`: ids [B, T] (prompts, padded at the end) fill slots 0 to T - 1; `last` [B] is the flat index of each
 *   prompt's last token.
 * - `decode`: one token a row, ids and positions [B, 1], put into `slot`; `keyPositions` [B, C] are the positions of
 *   the tokens in the slots, {@link NO_POSITION} where there is none.
 * Both give the next token's `logits` [B, V] and the likeliest `token` [B].
 */
export function generateSpec(config: ModelConfig, linear: Linear, { rows, slots }: CacheShape): ProgramSpec {
  const variables: Record<string, VariableSpec> = {};
  const shape = [rows, config.num_key_value_heads, slots, config.head_dim];
  for (let i = 0; i < config.num_hidden_layers; i++)
    for (const name of Object.values(names(i))) variables[name] = { shape, dtype: 'float32', role: 'state' };
  return {
    variables,
    entries: {
      prefill: {
        inputs: { ids: { shape: [rows, null], dtype: 'int32' }, last: { shape: [rows], dtype: 'int32' } },
        run(weights, { ids, last }) {
          const updates: Record<string, tf.Tensor> = {};
          // All calls say the same length, so that keys of a length-dependent RoPE fit the queries that come later.
          const inputs = { ...causalInputs(config, ids!), length: slots };
          const hidden = decoder(config, weights, inputs, linear, filling(slots, updates));
          return next(config, weights, takeRows(hidden, last!), updates);
        },
      },
      decode: {
        inputs: {
          ids: { shape: [rows, 1], dtype: 'int32' },
          positions: { shape: [rows, 1], dtype: 'int32' },
          keyPositions: { shape: [rows, slots], dtype: 'int32' },
          slot: { shape: [], dtype: 'int32' },
        },
        run(weights, { ids, positions, keyPositions, slot }) {
          const updates: Record<string, tf.Tensor> = {};
          const seen = visible(tf.sub(positions!, keyPositions!), config.sliding_window);
          const bias = tf.reshape(biasOf(seen), [rows, 1, 1, slots]);
          const inputs = { ids: ids!, positions: positions!, bias, length: slots };
          const hidden = decoder(config, weights, inputs, linear, appending(slots, slot!, weights, updates));
          return next(config, weights, hidden, updates);
        },
      },
    },
  };
}

/** The prompt attends over itself; its keys and values become the cache's first slots, the others zero. */
const filling =
  (slots: number, updates: Record<string, tf.Tensor>): Cache =>
  (layer, keys, values) => {
    const pad = (x: tf.Tensor) =>
      tf.pad(x, [
        [0, 0],
        [0, 0],
        [0, slots - x.shape[2]!],
        [0, 0],
      ]);
    updates[names(layer).keys] = pad(keys);
    updates[names(layer).values] = pad(values);
    return [keys, values];
  };

/** The new token's keys and values go into an empty slot; it attends over the whole cache. */
const appending = (slots: number, slot: tf.Tensor, variables: Tensors, updates: Record<string, tf.Tensor>): Cache => {
  const here = tf.reshape(tf.cast(tf.equal(tf.range(0, slots, 1, 'int32'), slot), 'float32'), [1, 1, slots, 1]);
  return (layer, keys, values) => {
    const put = (name: string, x: tf.Tensor) => {
      updates[name] = tf.add(variables[name]!, tf.mul(here, x));
      return updates[name];
    };
    return [put(names(layer).keys, keys), put(names(layer).values, values)];
  };
};

function next(config: ModelConfig, weights: Tensors, hidden: tf.Tensor, updates: Tensors): EntryResult {
  const logits = tf.matMul(hidden as tf.Tensor2D, weights[headName(config)] as tf.Tensor2D, false, true);
  return { outputs: { logits, token: tf.argMax(logits, -1) }, updates };
}
