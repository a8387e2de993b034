import * as tf from '../backend/tf.js';
import type { Tensors } from '../program/program.js';
import { flatten, unflatten } from './flat.js';
import type { OptimOptions } from './options.js';

/** What AdamW needs besides parameters and gradients. Scalars that change from step to step are tensors, fed. */
export interface AdamwInputs extends Pick<OptimOptions, 'betas' | 'eps' | 'weightDecay'> {
  /** Scalar, float32. */
  readonly learningRate: tf.Tensor;
  /** Number of this step, from 1: scalar, float32. */
  readonly step: tf.Tensor;
}

/** Names of a parameter's two moments in the optimizer's state, and in files: torch's words before the parameter's name. */
export const momentNames = (name: string): readonly [string, string] => [`exp_avg.${name}`, `exp_avg_sq.${name}`];

/** Shapes of the optimizer's state by name for parameters by name. Moments begin as zeros. */
export function momentShapes(parameters: ReadonlyMap<string, readonly number[]>): Map<string, readonly number[]> {
  return new Map(
    [...parameters].flatMap(([name, shape]) => momentNames(name).map((moment) => [moment, shape] as const)),
  );
}

/** True for parameters that weight decay acts on: neither biases nor the weights of norms. */
export const decays = (name: string): boolean => !name.endsWith('.bias') && !/norm[^.]*\.weight$/i.test(name);

/**
 * One step of AdamW with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101), in torch.optim.AdamW's
 * form: p (1 - lr wd) - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps). `state` holds every parameter's
 * {@link momentNames}. Returns new parameters and new state; reads no values.
 */
export function adamw(
  params: Tensors,
  grads: Tensors,
  state: Tensors,
  inputs: AdamwInputs,
): { params: Tensors; state: Tensors } {
  const names = Object.keys(params);
  const groups = inputs.weightDecay === 0 ? [names] : [names.filter(decays), names.filter((name) => !decays(name))];
  const parts = groups
    .filter((group) => group.length > 0)
    .map((group) => updateGroup(params, grads, state, group, inputs, decays(group[0]!) ? inputs.weightDecay : 0));
  return {
    params: Object.assign({}, ...parts.map((part) => part.params)),
    state: Object.assign({}, ...parts.map((part) => part.state)),
  };
}

function updateGroup(
  params: Tensors,
  grads: Tensors,
  state: Tensors,
  names: readonly string[],
  { learningRate, step, betas: [b1, b2], eps }: AdamwInputs,
  decay: number,
): { params: Tensors; state: Tensors } {
  const moments = names.map(momentNames);
  const firsts = moments.map(([first]) => first);
  const seconds = moments.map(([, second]) => second);
  const g = flatten(grads, names);
  const m = tf.add(tf.mul(flatten(state, firsts), b1), tf.mul(g, 1 - b1)) as tf.Tensor1D;
  const v = tf.add(tf.mul(flatten(state, seconds), b2), tf.mul(tf.square(g), 1 - b2)) as tf.Tensor1D;
  const stepSize = tf.div(learningRate, biasCorrection(b1, step));
  const root = tf.add(tf.div(tf.sqrt(v), tf.sqrt(biasCorrection(b2, step))), eps);
  const flat = flatten(params, names);
  const kept = decay === 0 ? flat : tf.mul(flat, tf.sub(1, tf.mul(learningRate, decay)));
  const next = tf.sub(kept, tf.mul(tf.div(m, root), stepSize)) as tf.Tensor1D;
  return {
    params: unflatten(next, params, names),
    state: { ...unflatten(m, state, firsts), ...unflatten(v, state, seconds) },
  };
}

/** 1 - beta^step. As -expm1(step ln beta), because 1 - 0.999 in float32 is off by 1e-5 of itself. */
const biasCorrection = (beta: number, step: tf.Tensor): tf.Tensor =>
  beta === 0 ? tf.onesLike(step) : tf.neg(tf.expm1(tf.mul(step, Math.log(beta))));
