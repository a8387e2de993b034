import * as tf from '../backend/tf.js';
import type { OptimOptions } from './options.js';

/** What AdamW needs besides values and gradients. Scalars that change from step to step are tensors, fed. */
export interface AdamwInputs extends Pick<OptimOptions, 'betas' | 'eps' | 'weightDecay'> {
  /** Scalar, float32. */
  readonly learningRate: tf.Tensor;
  /** Number of this step, from 1: scalar, float32. */
  readonly step: tf.Tensor;
}

/** Values in training and their two moments under torch's names, all of one shape. Moments begin as zeros. */
export type AdamwState = Readonly<Record<'value' | 'exp_avg' | 'exp_avg_sq', tf.Tensor>>;

/**
 * One step of AdamW with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101), in
 * torch.optim.AdamW's form: p (1 - lr wd) - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps). Works
 * element by element, on any shape; returns the new state and reads no values.
 */
export function adamw(state: AdamwState, gradient: tf.Tensor, inputs: AdamwInputs): AdamwState {
  const {
    learningRate,
    step,
    betas: [b1, b2],
    eps,
    weightDecay,
  } = inputs;
  const m = tf.add(tf.mul(state.exp_avg, b1), tf.mul(gradient, 1 - b1));
  const v = tf.add(tf.mul(state.exp_avg_sq, b2), tf.mul(tf.square(gradient), 1 - b2));
  const stepSize = tf.div(learningRate, biasCorrection(b1, step));
  const root = tf.add(tf.div(tf.sqrt(v), tf.sqrt(biasCorrection(b2, step))), eps);
  const kept = weightDecay === 0 ? state.value : tf.mul(state.value, tf.sub(1, tf.mul(learningRate, weightDecay)));
  return { value: tf.sub(kept, tf.mul(tf.div(m, root), stepSize)), exp_avg: m, exp_avg_sq: v };
}

/** 1 - beta^step. As -expm1(step ln beta), because 1 - 0.999 in float32 is off by 1e-5 of itself. */
const biasCorrection = (beta: number, step: tf.Tensor): tf.Tensor =>
  beta === 0 ? tf.onesLike(step) : tf.neg(tf.expm1(tf.mul(step, Math.log(beta))));
