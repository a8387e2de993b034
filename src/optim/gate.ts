import { choose } from '../backend/raw/choose.js';
import { fuse } from '../backend/raw/fuse.js';
import * as tf from '../backend/tf.js';
import type { Tensors } from '../program/program.js';

/** The largest number in float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** What decides whether a step is applied. */
export interface Judged<T> {
  readonly loss: T;
  /** Global norm of the gradients before clipping: it is finite only if every one of them is. */
  readonly gradNorm: T;
  /** The most that the loss may be; Infinity where anything finite will do. */
  readonly lossLimit: T;
}

/** Whether a step's update may go into the variables: float32 scalars give a bool scalar. Must decide as {@link isApplied} does. */
export function gate({ loss, gradNorm, lossLimit }: Judged<tf.Tensor>): tf.Tensor {
  // Every comparison with NaN is false. Not x - x = 0, which a compiler may take for true.
  const finite = (x: tf.Tensor) => tf.lessEqual(tf.abs(x), LARGEST);
  return tf.logicalAnd(tf.logicalAnd(finite(loss), finite(gradNorm)), tf.lessEqual(loss, lossLimit));
}

/** The same on the host: numbers are compared in float32, as they are on the device. */
export function isApplied({ loss, gradNorm, lossLimit }: Judged<number>): boolean {
  const finite = (x: number) => Number.isFinite(Math.fround(x));
  return finite(loss) && finite(gradNorm) && Math.fround(loss) <= Math.fround(lossLimit);
}

/** The new values of variables where `open` (a scalar, bool), otherwise what they are now, to the bit. */
export const gated = (open: tf.Tensor, variables: Tensors, updates: Tensors): Tensors =>
  // Together, so that a compiled graph passes over old and new values once.
  fuse(() =>
    Object.fromEntries(Object.entries(updates).map(([name, next]) => [name, choose(open, next, variables[name]!)])),
  );
