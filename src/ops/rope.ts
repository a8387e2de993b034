import { fuse } from '../backend/raw/fuse.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';
import { cutHeads, joinHeads } from './heads.js';

/** Cosine and sine of every position's angles, each repeated for both halves of a head: [B or 1, 1, T, H]. */
export interface RopeTables {
  readonly cos: tf.Tensor;
  readonly sin: tf.Tensor;
}

/**
 * Tables of rotary position embedding for `positions` [B or 1, T] (int32). `inverseFrequencies` has
 * H / 2 entries, or is [B or 1, T or 1, H / 2] where they differ between positions; `scale`
 * multiplies both tables (attention scaling of some RoPE variants; 1 for most).
 */
export function ropeTables(
  positions: tf.Tensor,
  inverseFrequencies: readonly number[] | tf.Tensor,
  scale = 1,
): RopeTables {
  const [b, t] = positions.shape as [number, number];
  const frequencies =
    inverseFrequencies instanceof tf.Tensor
      ? tf.expandDims(inverseFrequencies, 1)
      : tf.tensor1d([...inverseFrequencies]);
  const half = tf.mul(tf.reshape(tf.cast(positions, 'float32'), [b, 1, t, 1]), frequencies);
  const angles = tf.concat([half, half], -1);
  return { cos: tf.mul(tf.cos(angles), scale), sin: tf.mul(tf.sin(angles), scale) };
}

/**
 * Cuts the last axis into heads and puts rotary position embedding on them (Su et al. 2021, arXiv
 * 2104.09864), in Hugging Face's layout, where entry i of a head pairs with entry i + H/2. x: [B *
 * T, heads * H]; returns [B, heads, T, H].
 */
export const ropeHeads = (x: tf.Tensor, batch: number, heads: number, { cos, sin }: RopeTables): tf.Tensor =>
  differentiable(
    [x] as const,
    (x) => ({ value: fuse(() => rotate(cutHeads(x, batch, heads), cos, sin)), saved: [cos, sin] as const }),
    // The rotation is orthogonal (up to the tables' scale): its transpose turns the other way.
    (dy, [cos, sin]) => fuse(() => joinHeads(rotate(dy, cos, tf.neg(sin)))),
  );

function rotate(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [first, second] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
  return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second), first], -1), sin));
}
