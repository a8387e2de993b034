import { CACHED_ATTENTION, composite } from '../backend/raw/composite.js';
import { putRows } from '../backend/raw/put-rows.js';
import * as tf from '../backend/tf.js';
import { attention } from './attention.js';
import { mergeHeads, splitHeads } from './heads.js';
import { type RopeTables, ropeHeads } from './rope.js';

/** New tokens, T of each of B rows, as their projections: q [B * T, N * H], k and v [B * T, K * H]. */
export interface NewTokens {
  readonly q: tf.Tensor;
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

/** Keys and values of a layer, a token's in the slot of its position: [B * K * slots, H] each. */
export interface KeyValueCache {
  readonly keys: tf.Tensor;
  readonly values: tf.Tensor;
}

/** Where new tokens are in the cache, and what they see of it. */
export interface CachePlaces {
  /** Position of each token in its row [B or 1, T], int32. */
  readonly positions: tf.Tensor;
  /** The cache's rows that their keys and values go into [B * K * T], int32. */
  readonly indices: tf.Tensor;
  /** Added to the scores [B or 1, 1, T, slots]: 0 where a token sees a slot. */
  readonly bias: tf.Tensor;
  /** Newest tokens that each sees, itself among them; all up to itself by default. */
  readonly window?: number | undefined;
}

/**
 * Puts position embeddings on new tokens and their keys and values into the cache, and attends over it: what the tokens
 * attend to [B * T, N * H], and the cache with them in it. The cache must be variables that the result is the new value
 * of: see `putRows`. A composite, for which a processor has a kernel where each row has one new token. No gradient.
 */
export function cachedAttention(
  { q, k, v }: NewTokens,
  { keys, values }: KeyValueCache,
  { cos, sin }: RopeTables,
  { positions, indices, bias, window }: CachePlaces,
): KeyValueCache & { readonly attended: tf.Tensor } {
  const given = [q, k, v, keys, values, cos, sin, positions, indices, bias];
  const made = composite(
    CACHED_ATTENTION,
    { window: window ?? 0 },
    given,
    ([q, k, v, keys, values, cos, sin, ...places]) =>
      plain({ q: q!, k: k!, v: v! }, { keys: keys!, values: values! }, { cos: cos!, sin: sin! }, places),
  );
  const [attended, ...cache] = made as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { attended, keys: cache[0], values: cache[1] };
}

function plain(
  { q, k, v }: NewTokens,
  { keys, values }: KeyValueCache,
  tables: RopeTables,
  [, indices, bias]: readonly tf.Tensor[],
): tf.Tensor[] {
  const size = keys.shape[1]!;
  const [tokens, width] = k.shape as [number, number];
  const keyHeads = width / size;
  const newest = bias!.shape[2]!;
  const rows = tokens / newest;
  const put = (table: tf.Tensor, x: tf.Tensor) => putRows(table, indices!, tf.reshape(x, [-1, size]));
  const newKeys = put(keys, ropeHeads(k, rows, keyHeads, tables));
  const newValues = put(values, splitHeads(v, rows, keyHeads));
  const inHeads = (table: tf.Tensor) => tf.reshape(table, [rows, keyHeads, -1, size]);
  const queries = ropeHeads(q, rows, q.shape[1]! / size, tables);
  return [mergeHeads(attention(queries, inHeads(newKeys), inHeads(newValues), bias!)), newKeys, newValues];
}
