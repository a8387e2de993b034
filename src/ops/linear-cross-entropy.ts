import { after } from '../backend/raw/after.js';
import { fuse } from '../backend/raw/fuse.js';
import { low } from '../backend/raw/low.js';
import { matMul } from '../backend/raw/matmul.js';
import { sparseCrossEntropy } from '../backend/raw/sparse-cross-entropy.js';
import * as tf from '../backend/tf.js';
import { differentiable } from './differentiable.js';

/** Positions whose logits exist at one time, where nothing else is asked for. */
const CHUNK = 512;

/**
 * Cross-entropy of a linear head, position by position, in nats: hidden [M, D], head [V, D], labels
 * [M] (int32) gives [M]. Logits exist for `CHUNK` positions at once and are never kept.
 */
export function linearCrossEntropy(hidden: tf.Tensor, head: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  const parts: tf.Tensor[] = [];
  for (const [start, size] of chunks(hidden.shape[0], CHUNK)) {
    const last = parts.at(-1);
    const part = tf.tidy(() => {
      const rows = tf.slice(hidden, [start, 0], [size, -1]);
      const logits = logitsOf(last ? after(rows, last) : rows, head);
      return sparseCrossEntropy(logits, tf.slice(labels, start, size))[0];
    });
    parts.push(part);
  }
  return tf.concat(parts);
}

/**
 * Sum over positions of weight times cross-entropy, a scalar: as {@link linearCrossEntropy}, with
 * weights [M]. Forward and gradient are worked out together, so that the logits need not be kept:
 * only hidden's and, if the head is trained, the head's gradient are. Logits exist for `chunk`
 * positions at once.
 */
export function linearCrossEntropySum(
  hidden: tf.Tensor,
  head: tf.Tensor,
  labels: tf.Tensor,
  weights: tf.Tensor,
  trainHead: boolean,
  chunk: number = CHUNK,
): tf.Tensor {
  const work = (hidden: tf.Tensor, head: tf.Tensor) => {
    const losses: tf.Tensor[] = [];
    const slopes: tf.Tensor[] = [];
    let headSlope: tf.Tensor | undefined;
    for (const [start, size] of chunks(hidden.shape[0], chunk)) {
      const rows = tf.slice(hidden, [start, 0], [size, -1]);
      const last = slopes.at(-1);
      // One chunk's logits are gone before the next one's come.
      const logits = logitsOf(last ? after(rows, last) : rows, head);
      const chunkLabels = tf.slice(labels, start, size);
      const [loss, gradient] = fuse(() => {
        const [loss, gradient] = sparseCrossEntropy(logits, chunkLabels);
        return [loss, low(gradient)];
      }) as [tf.Tensor, tf.Tensor];
      logits.dispose();
      const weight = tf.slice(weights, start, size);
      const column = tf.expandDims(weight, 1);
      losses.push(tf.sum(tf.mul(loss, weight)));
      // The weights go onto the narrow factors: that is the same, and V / D times less work.
      slopes.push(tf.mul(matMul(gradient, head), column));
      if (trainHead) {
        const part = matMul(gradient, tf.mul(rows, column), true);
        headSlope = headSlope ? tf.add(headSlope, part) : part;
      }
      gradient.dispose();
    }
    const saved = [tf.concat(slopes), ...(headSlope ? [headSlope] : [])];
    return { value: losses.length === 1 ? losses[0]! : tf.addN(losses), saved };
  };
  if (trainHead)
    return differentiable([hidden, head] as const, work, (dy, saved) => saved.map((slope) => tf.mul(slope, dy)));
  return differentiable(
    [hidden] as const,
    (hidden) => work(hidden, head),
    (dy, [slope]) => tf.mul(slope!, dy),
  );
}

const chunks = (length: number, chunk: number): [start: number, size: number][] =>
  Array.from({ length: Math.ceil(length / chunk) }, (_, i) => [i * chunk, Math.min(chunk, length - i * chunk)]);

const logitsOf = (hidden: tf.Tensor, head: tf.Tensor): tf.Tensor => matMul(hidden, head, false, true);
