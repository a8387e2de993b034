import { after } from '../backend/raw/after.js';
import { composite, RMS_NORM } from '../backend/raw/composite.js';
import { fuse } from '../backend/raw/fuse.js';
import { low } from '../backend/raw/low.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/**
 * Root-mean-square layer norm (Zhang and Sennrich 2019, arXiv 1910.07467): x / sqrt(mean(x^2) + eps) * weight over the
 * last axis. x: [M, D], weight: [D]; returns x's shape. With y = x / rms(x) and r = 1 / rms(x), x's gradient is
 * r (d - y mean(d y)), where d = dy weight; y and r are kept.
 */
export const rmsNorm = (x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor =>
  differentiable(
    [x, weight] as const,
    (x, weight) => {
      const [value, y, r] = composite(RMS_NORM, { epsilon: eps }, [x, weight], ([x, weight]) =>
        fuse(() => {
          const r = tf.rsqrt(tf.add(tf.mean(tf.square(x!), -1, true), eps));
          const y = tf.mul(x!, r);
          return [tf.mul(y, weight!), low(y), r];
        }),
      ) as [tf.Tensor, tf.Tensor, tf.Tensor];
      return { value, saved: [y, r, weight] as const };
    },
    (dy, [kept, r, weight]) => {
      const y = after(kept, dy);
      const dx = fuse(() => {
        const d = tf.mul(dy, weight);
        return tf.mul(r, tf.sub(d, tf.mul(y, tf.mean(tf.mul(d, y), -1, true))));
      });
      return [dx, tf.sum(tf.mul(dy, y), 0)];
    },
  );
