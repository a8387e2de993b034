import { after } from '../backend/raw/after.js';
import { composite, FLASH_BACKWARD, FLASH_FORWARD } from '../backend/raw/composite.js';
import { fuse } from '../backend/raw/fuse.js';
import { low } from '../backend/raw/low.js';
import * as tf from '../backend/tf.js';
import { biasOf, visible } from './attention.js';
import { differentiable } from './differentiable.js';
import { blocksOf, first, joined, part, type Span, spansOf } from './spans.js';

/** Tokens of a line up to which all its scores are in memory together, those of one layer. */
const LONG = 4096;
/** Queries of a block of a longer line. Its blocks are worked out one after another. */
const BLOCK = 1024;

/** Which keys of its line a query sees: those before it, and itself. */
export interface Mask {
  /** The same as numbers: see `causalBias` and `packedBias`. */
  readonly bias: tf.Tensor;
  /** Where lines hold several texts: each token's position in its own [B, T], int32. A query sees its own text only. */
  readonly positions?: tf.Tensor | undefined;
  /** Newest tokens that a query sees, itself among them; all by default. */
  readonly window?: number | undefined;
}

/**
 * Causal attention as in `attention`, of which no probabilities are kept (Dao et al. 2022, arXiv 2205.14135): the
 * gradient works them out again from the scores and the logarithm of their sum [B, N, T]. q: [B, N, T, H], k and v:
 * [B, K, T, H] with N a multiple of K. Returns [B, N, T, H]. Kept for the gradient: q, k, v, the result, that
 * logarithm, and the mask's tensors. Memory for scores grows with T, not its square, from a length of {@link LONG} on.
 *
 * Both directions are composites, which a device may have an op for. What is written here is what they are to compute.
 */
export function flashAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mask: Mask): tf.Tensor {
  const { window, bias, positions } = mask;
  const attributes = { window: window ?? 0 };
  const masks = positions ? [bias, positions] : [];
  return differentiable(
    [q, k, v] as const,
    (q, k, v) => {
      const given = [q, k, v, ...masks];
      const [o, stats] = composite(FLASH_FORWARD, attributes, given, ([q, k, v, _, positions]) =>
        forward([q!, k!, v!], { positions, window }),
      ) as [tf.Tensor, tf.Tensor];
      return { value: o, saved: [q, k, v, stats, o, ...masks] as const };
    },
    (dy, [q, k, v, stats, o, ...masks]) =>
      composite(
        FLASH_BACKWARD,
        attributes,
        [q, k, v, stats, dy, o, ...masks],
        ([q, k, v, stats, dy, o, _, positions]) =>
          backward([q!, k!, v!], { stats: stats!, dy: dy!, o: o! }, { positions, window }),
      ),
  );
}

type Operands = readonly [q: tf.Tensor, k: tf.Tensor, v: tf.Tensor];
type Visibility = Omit<Mask, 'bias'>;

const inTurn = (length: number): boolean => length > LONG;
const spansFor = (length: number): Span[] => (inTurn(length) ? blocksOf(length, BLOCK) : spansOf(length, length, true));

/** The result, and the logarithm of the sum of the exponentials of each query's scores. */
function forward(operands: Operands, mask: Visibility): [o: tf.Tensor, stats: tf.Tensor] {
  const length = operands[0].shape[2]!;
  const parts: { o: tf.Tensor; stats: tf.Tensor }[] = [];
  for (const span of spansFor(length)) {
    const before = parts.at(-1);
    const given = before && inTurn(length) ? waiting(operands, before.o) : operands;
    parts.push(attend(partOf(given, span), span, mask));
  }
  return [joined(parts.map(({ o }) => o)), joined(parts.map(({ stats }) => stats))];
}

function attend([q, k, v]: Operands, span: Span, mask: Visibility): { o: tf.Tensor; stats: tf.Tensor } {
  const [b, n, t] = q.shape as [number, number, number];
  const [products, stacked] = scoreProducts(q, k);
  const places = placesOf(span, q);
  const { p, stats } = fuse(() => {
    const scores = tf.add(scaled(products, q), biasIn(span, places, mask));
    const largest = tf.max(scores, -1, true);
    const sum = tf.sum(tf.exp(tf.sub(scores, largest)), -1, true);
    return {
      p: low(tf.reshape(tf.softmax(scores), stacked)),
      stats: tf.reshape(tf.add(largest, tf.log(sum)), [b, n, t]),
    };
  });
  return { o: tf.reshape(tf.matMul(p, v), q.shape), stats };
}

/** What the gradient of the result is turned into a gradient of. */
interface Slope {
  readonly dy: tf.Tensor;
  readonly stats: tf.Tensor;
  readonly o: tf.Tensor;
}

/** The same tensors, once the others are there. */
const waiting = (operands: Operands, ...others: tf.Tensor[]): Operands =>
  operands.map((x) => after(x, ...others)) as Triple;

const partOf = ([q, k, v]: Operands, span: Span): Operands => [part(q, span), first(k, span), first(v, span)];

/** Gradients of the queries, keys and values. From the last span to the first, since the last sees all keys. */
function backward(operands: Operands, { dy, stats, o }: Slope, mask: Visibility): tf.Tensor[] {
  const length = operands[0].shape[2]!;
  const parts: tf.Tensor[] = [];
  let sums: tf.Tensor[] = [];
  for (const span of spansFor(length).reverse()) {
    // The scores would be worked out again at once, in the memory of a forward pass that is not done.
    const waitsFor = inTurn(length) && parts.length > 0 ? [parts[0]!, ...sums] : [dy];
    const given = partOf(waiting(operands, ...waitsFor), span);
    const slope = { dy: part(dy, span), stats: rowsOf(stats, span), o: part(o, span) };
    const [dq, ...others] = attendGradient(given, slope, span, mask);
    parts.unshift(dq);
    sums = sums.length === 0 ? others : sums.map((sum, i) => addedToFirst(sum, others[i]!));
  }
  return [joined(parts), ...sums];
}

function attendGradient(
  [q, k, v]: Operands,
  { dy, stats, o }: Slope,
  span: Span,
  mask: Visibility,
): [dq: tf.Tensor, dk: tf.Tensor, dv: tf.Tensor] {
  const [products, stacked] = scoreProducts(q, k);
  const places = placesOf(span, q);
  const p = fuse(() => {
    const scores = tf.add(scaled(products, q), biasIn(span, places, mask));
    return low(tf.reshape(tf.exp(tf.sub(scores, tf.expandDims(stats, -1))), stacked));
  });
  const [grouped, d, out] = [q, dy, o].map((x) => tf.reshape(x, [...stacked.slice(0, 3), x.shape[3]!])) as Triple;
  const dp = tf.matMul(d, v, false, true);
  const scale = 1 / Math.sqrt(q.shape[3]!);
  // The sum over the keys of dp p is that over a head of dy o, which is shorter.
  const ds = fuse(() => low(tf.mul(p, tf.mul(tf.sub(dp, tf.sum(tf.mul(d, out), -1, true)), scale))));
  const dq = tf.reshape(tf.matMul(ds, k), q.shape);
  return [dq, tf.matMul(ds, grouped, true, false), tf.matMul(p, d, true, false)];
}

type Triple = [tf.Tensor, tf.Tensor, tf.Tensor];

/** Products of queries and keys, those of the queries that share a key head stacked along T, and their shape. */
function scoreProducts(q: tf.Tensor, k: tf.Tensor): [products: tf.Tensor, shape: number[]] {
  const [b, n, t, h] = q.shape as [number, number, number, number];
  const [, heads, c] = k.shape as [number, number, number];
  const rows = [b, heads, (n / heads) * t];
  return [tf.matMul(tf.reshape(q, [...rows, h]), k, false, true), [...rows, c]];
}

function scaled(products: tf.Tensor, q: tf.Tensor): tf.Tensor {
  const [b, n, t, h] = q.shape as [number, number, number, number];
  return tf.mul(tf.reshape(products, [b, n, t, products.shape[3]!]), 1 / Math.sqrt(h));
}

/** Places of a span's queries in their line [1, 1, queries, 1]. Those of a long one wait, and the bias with them. */
function placesOf({ start, queries, keys }: Span, q: tf.Tensor): tf.Tensor {
  const places = tf.reshape(tf.range(start, start + queries, 1, 'float32'), [1, 1, queries, 1]);
  return inTurn(keys) ? after(places, q) : places;
}

/**
 * The mask's bias for a span [B or 1, 1, queries, keys]. It is worked out where it is used: for a
 * whole line it would be T^2 numbers.
 */
function biasIn({ start, queries, keys }: Span, places: tf.Tensor, { positions, window }: Visibility): tf.Tensor {
  const distance = tf.sub(places, tf.reshape(tf.range(0, keys, 1, 'float32'), [1, 1, 1, keys]));
  const seen = visible(distance, window);
  if (!positions) return biasOf(seen);
  const [b] = positions.shape as [number];
  const own = tf.slice(tf.cast(positions, 'float32'), [0, start], [-1, queries]);
  return biasOf(tf.logicalAnd(tf.greaterEqual(tf.reshape(own, [b, 1, queries, 1]), distance), seen));
}

const rowsOf = (stats: tf.Tensor, { start, queries, whole }: Span): tf.Tensor =>
  whole ? stats : tf.slice(stats, [0, 0, start], [-1, -1, queries]);

/** Adds `x` to the first keys of a sum over more of them. */
function addedToFirst(sum: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const [all, few] = [sum.shape[2]!, x.shape[2]!];
  const [own, rest] = tf.split(sum, [few, all - few], 2) as [tf.Tensor, tf.Tensor];
  return tf.concat([tf.add(own, x), rest], 2);
}
