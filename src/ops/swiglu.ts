import { after } from '../backend/raw/after.js';
import { composite, SWIGLU } from '../backend/raw/composite.js';
import { fuse } from '../backend/raw/fuse.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/**
 * SwiGLU (Shazeer 2020, arXiv 2002.05202): silu(gate) * up, silu(g) = g sigmoid(g). Both inputs and the result have one
 * shape. Only the inputs are kept for the gradient.
 */
export const swiglu = (gate: tf.Tensor, up: tf.Tensor): tf.Tensor =>
  differentiable(
    [gate, up] as const,
    (gate, up) => {
      const [value] = composite(SWIGLU, {}, [gate, up], ([gate, up]) => [
        fuse(() => tf.mul(tf.mul(gate!, tf.sigmoid(gate!)), up!)),
      ]);
      return { value: value!, saved: [gate, up] as const };
    },
    (dy, kept) => {
      // Both wait: what XLA can work out again from what it is made of, it keeps that for instead.
      const [gate, up] = kept.map((x) => after(x, dy)) as [tf.Tensor, tf.Tensor];
      return fuse(() => {
        const s = tf.sigmoid(gate);
        const silu = tf.mul(gate, s);
        const slope = tf.add(s, tf.mul(silu, tf.sub(1, s)));
        return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
      });
    },
  );
