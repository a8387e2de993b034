import * as tf from '../backend/tf.js';
import type { ModelConfig } from '../model/config.js';
import { causalInputs, decoder } from '../model/decoder.js';
import type { Linear } from '../model/linear.js';
import { headName } from '../model/parameters.js';
import { linearCrossEntropy, linearCrossEntropySum } from '../ops/linear-cross-entropy.js';
import { takeRows } from '../ops/take-rows.js';
import { adamw, momentShapes } from '../optim/adamw.js';
import { clipByGlobalNorm } from '../optim/clip.js';
import type { OptimOptions } from '../optim/options.js';
import type { Entry, InputSpec, ProgramSpec, Tensors, VariableSpec } from '../program/program.js';

/** What a training program is made of. */
export interface StepSpec {
  readonly config: ModelConfig;
  /** Shapes of the trained parameters by name; they are variables of role `trainable`. */
  readonly trainable: ReadonlyMap<string, readonly number[]>;
  readonly optim: OptimOptions;
  /** The projection to train with; `seed` is an int32 scalar that changes from step to step (dropout). */
  trainLinear(seed: tf.Tensor): Linear;
  /** The projection to evaluate with. */
  readonly evalLinear: Linear;
}

const BATCH: Readonly<Record<string, InputSpec>> = {
  ids: { shape: [null, null], dtype: 'int32' },
  sources: { shape: [null], dtype: 'int32' },
  labels: { shape: [null], dtype: 'int32' },
  weights: { shape: [null], dtype: 'float32' },
};
const SEED: Readonly<Record<string, InputSpec>> = { seed: { shape: [], dtype: 'int32' } };

/** Name of the sum of a parameter's gradients over the micro-batches of a step so far. */
const sumName = (parameter: string): string => `grad.${parameter}`;

/**
 * Variables and entries of training, over the model's variables:
 * - `accumulate`: a micro-batch's gradients are added to the sum so far; gives its share of the loss.
 * - `trainStep`: the last micro-batch of a step: its gradients and the sum so far are clipped by their global norm and
 *   given to AdamW; the sum begins anew. Gives its share of the loss and the norm before clipping.
 * - `evalLoss`: cross-entropy at every trained position, without gradients.
 */
export function trainSpec(spec: StepSpec): ProgramSpec {
  const { config, evalLinear } = spec;
  const evalLoss: Entry = {
    inputs: BATCH,
    run(variables, inputs) {
      const { hidden, head, labels } = predictions(config, variables, inputs, evalLinear);
      return { outputs: { losses: linearCrossEntropy(hidden, head, labels) } };
    },
  };
  return { variables: trainVariables(spec.trainable), entries: { ...updateEntries(spec), evalLoss } };
}

function trainVariables(trainable: StepSpec['trainable']): Record<string, VariableSpec> {
  const variables: Record<string, VariableSpec> = {};
  for (const [name, shape] of trainable) variables[name] = { shape, dtype: 'float32', role: 'trainable' };
  const sums = [...trainable].map(([name, shape]) => [sumName(name), shape] as const);
  for (const [name, shape] of [...momentShapes(trainable), ...sums])
    variables[name] = { shape, dtype: 'float32', role: 'state' };
  return variables;
}

function updateEntries(spec: StepSpec): Record<string, Entry> {
  const names = [...spec.trainable.keys()];
  const sumSoFar = (variables: Tensors, grads: Tensors): Tensors =>
    Object.fromEntries(names.map((name) => [name, tf.add(variables[sumName(name)]!, grads[name]!)]));
  return {
    accumulate: {
      inputs: { ...BATCH, ...SEED },
      run(variables, inputs) {
        const { loss, grads } = lossAndGradients(spec, variables, inputs);
        const sums = sumSoFar(variables, grads);
        const updates = Object.fromEntries(names.map((name) => [sumName(name), sums[name]!]));
        return { outputs: { loss }, updates };
      },
    },
    trainStep: {
      inputs: {
        ...BATCH,
        ...SEED,
        learningRate: { shape: [], dtype: 'float32' },
        step: { shape: [], dtype: 'float32' },
      },
      run(variables, inputs) {
        const { loss, grads } = lossAndGradients(spec, variables, inputs);
        const clipped = clipByGlobalNorm(sumSoFar(variables, grads), spec.optim.maxGradNorm);
        const pick = (of: readonly string[]) => Object.fromEntries(of.map((name) => [name, variables[name]!]));
        const { learningRate, step } = inputs as { learningRate: tf.Tensor; step: tf.Tensor };
        const state = pick([...momentShapes(spec.trainable).keys()]);
        const next = adamw(pick(names), clipped.grads, state, { ...spec.optim, learningRate, step });
        const zeros = Object.fromEntries(names.map((name) => [sumName(name), tf.zerosLike(variables[name]!)]));
        return { outputs: { loss, gradNorm: clipped.norm }, updates: { ...next.params, ...next.state, ...zeros } };
      },
    },
  };
}

function lossAndGradients(spec: StepSpec, variables: Tensors, inputs: Tensors): { loss: tf.Tensor; grads: Tensors } {
  const names = [...spec.trainable.keys()];
  const trainHead = spec.trainable.has(headName(spec.config));
  const loss = () => {
    const { hidden, head, labels } = predictions(spec.config, variables, inputs, spec.trainLinear(inputs.seed!));
    return tf.reshape(linearCrossEntropySum(hidden, head, labels, inputs.weights!, trainHead), []) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => variables[name]!));
  return { loss: value, grads: Object.fromEntries(names.map((name, i) => [name, grads[i]!])) };
}

/** Hidden states at the positions that predict a trained token [M, D], with the head [V, D] and the labels [M]. */
function predictions(config: ModelConfig, weights: Tensors, inputs: Tensors, linear: Linear) {
  const { ids, sources, labels } = inputs as { ids: tf.Tensor; sources: tf.Tensor; labels: tf.Tensor };
  const hidden = takeRows(decoder(config, weights, causalInputs(config, ids), linear), sources);
  return { hidden, head: weights[headName(config)]!, labels };
}
