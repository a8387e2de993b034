import { after } from '../backend/raw/after.js';
import { fuse } from '../backend/raw/fuse.js';
import { low } from '../backend/raw/low.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';
import { first, joined, part, type Span, spansOf } from './spans.js';

/** Added to the score of a key that a query must not see. Finite, so that a row that sees nothing stays a number. */
const HIDDEN = -1e9;

/**
 * Scaled dot-product attention with grouped queries (Ainslie et al. 2023, arXiv 2305.13245). q: [B,
 * N, T, H], k and v: [B, K, C, H] with N a multiple of K, bias: [B or 1, 1, T, C], added to the
 * scaled scores. Returns [B, N, T, H]. Key/value heads are not repeated: the queries that share one
 * are stacked along T. With `causal` (C = T, and the bias hides every key after its query) the
 * first half of the queries is not multiplied with the second half of the keys. Kept for the
 * gradient: q, k, v, the probabilities and the result.
 */
export function attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias: tf.Tensor, causal = false): tf.Tensor {
  const spans = spansOf(q.shape[2]!, k.shape[2]!, causal);
  const ends = spans.map(({ keys }) => keys);
  return differentiable(
    [q, k, v] as const,
    (q, k, v) => {
      const parts = spans.map((span) => attend(part(q, span), first(k, span), first(v, span), biasIn(bias, span)));
      const value = joined(parts.map(({ value }) => value));
      return { value, saved: [k, v, ...parts.flatMap(({ saved }) => saved)] as const };
    },
    (dy, [k, v, ...saved]) => {
      const slopes = spans.map((span, i) =>
        attendGradient(part(dy, span), first(k, span), first(v, span), saved.slice(3 * i, 3 * i + 3) as Kept),
      );
      const [dq, dk, dv] = [0, 1, 2].map((of) => slopes.map((slope) => slope[of]!)) as [Parts, Parts, Parts];
      return [joined(dq), summed(dk, ends), summed(dv, ends)];
    },
  );
}

type Parts = tf.Tensor[];

const biasIn = (bias: tf.Tensor, { start, queries, keys, whole }: Span): tf.Tensor =>
  whole ? bias : tf.slice(bias, [0, 0, start, 0], [-1, -1, queries, keys]);

/** Adds up gradients of the first `ends[i]` keys each. */
function summed(parts: Parts, ends: readonly number[]): tf.Tensor {
  if (parts.length === 1) return parts[0]!;
  const pieces = ends.map((end, i) => {
    const start = i === 0 ? 0 : ends[i - 1]!;
    return tf.addN(parts.slice(i).map((x) => tf.slice(x, [0, 0, start, 0], [-1, -1, end - start, -1])));
  });
  return tf.concat(pieces, 2);
}

/** The queries, stacked; the probabilities; the result, stacked. */
type Kept = [grouped: tf.Tensor, p: tf.Tensor, o: tf.Tensor];

function attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias: tf.Tensor): { value: tf.Tensor; saved: Kept } {
  const [b, n, t, h] = q.shape as [number, number, number, number];
  const [, heads, c] = k.shape as [number, number, number];
  const stacked = [b, heads, (n / heads) * t] as const;
  const grouped = tf.reshape(q, [...stacked, h]);
  const products = tf.matMul(grouped, k, false, true);
  const p = fuse(() => {
    const scores = tf.add(tf.mul(tf.reshape(products, [b, n, t, c]), 1 / Math.sqrt(h)), bias);
    return low(tf.reshape(tf.softmax(scores), [...stacked, c]));
  });
  const o = tf.matMul(p, v);
  return { value: tf.reshape(o, [b, n, t, h]), saved: [grouped, p, o] };
}

function attendGradient(dy: tf.Tensor, k: tf.Tensor, v: tf.Tensor, [grouped, kept, o]: Kept): Parts {
  const p = after(kept, dy);
  const d = tf.reshape(dy, grouped.shape);
  const dp = tf.matMul(d, v, false, true);
  const scale = 1 / Math.sqrt(dy.shape[3]!);
  // The sum over the keys of dp p is that over a head of dy o, which is shorter (Dao et al. 2022, arXiv 2205.14135).
  const ds = fuse(() => low(tf.mul(p, tf.mul(tf.sub(dp, tf.sum(tf.mul(d, o), -1, true)), scale))));
  const dq = tf.reshape(tf.matMul(ds, k), dy.shape);
  return [dq, tf.matMul(ds, grouped, true, false), tf.matMul(p, d, true, false)];
}

/**
 * Bias of causal attention over T tokens that are all their own keys: [1, 1, T, T]. With `slidingWindow` W a query sees
 * the W newest tokens, itself among them.
 */
export function causalBias(length: number, slidingWindow?: number): tf.Tensor {
  return tf.reshape(biasOf(visible(distances(length), slidingWindow)), [1, 1, length, length]);
}

/**
 * The same for texts that follow each other in a line: [B, 1, T, T]. `positions` [B, T] (int32) count from 0 in each
 * text, and a query at position p of its text sees p tokens back at most.
 */
export function packedBias(positions: tf.Tensor, slidingWindow?: number): tf.Tensor {
  const [b, t] = positions.shape as [number, number];
  const before = tf.reshape(tf.cast(positions, 'float32'), [b, 1, t, 1]);
  const ownText = tf.greaterEqual(tf.sub(before, distances(t)), 0);
  return tf.add(biasOf(ownText), causalBias(t, slidingWindow));
}

/**
 * Query minus key position: [T, T]. As float32, which is exact up to 2^24: a card subtracts int32 on the host, and what
 * is as large as the scores would be copied over at every step.
 */
function distances(length: number): tf.Tensor {
  const places = tf.range(0, length, 1);
  return tf.sub(tf.expandDims(places, 1), tf.expandDims(places, 0));
}

/**
 * Where the key is the query itself or before it, and inside the window. `distance` (float32) is query minus key
 * position.
 */
export function visible(distance: tf.Tensor, slidingWindow?: number): tf.Tensor {
  const causal = tf.greaterEqual(distance, 0);
  return slidingWindow === undefined ? causal : tf.logicalAnd(causal, tf.less(distance, slidingWindow));
}

/** 0 where a key may be seen, a large negative number elsewhere. */
export const biasOf = (visible: tf.Tensor): tf.Tensor => tf.mul(tf.sub(1, tf.cast(visible, 'float32')), HIDDEN);
