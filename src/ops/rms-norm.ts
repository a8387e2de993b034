import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/**
 * Root-mean-square layer norm (Zhang and Sennrich 2019, arXiv 1910.07467): x / sqrt(mean(x^2) + eps) * weight over the
 * last axis. x: [..., D], weight: [D]; returns x's shape.
 */
export const rmsNorm = (x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor => tf.mul(normalize(x, eps), weight);

/** y = x / rms(x). Its gradient is r (dy - y mean(dy y)) with r = 1 / rms(x): only y and r are kept. */
const normalize = (x: tf.Tensor, eps: number): tf.Tensor =>
  differentiable(
    [x] as const,
    (x) => {
      const r = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
      const value = tf.mul(x, r);
      return { value, saved: [value, r] as const };
    },
    (dy, [y, r]) => tf.mul(r, tf.sub(dy, tf.mul(y, tf.mean(tf.mul(dy, y), -1, true)))),
  );
