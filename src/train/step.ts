import * as tf from '../backend/tf.js';
import type { ModelConfig } from '../model/config.js';
import { causalInputs, type DecoderOptions, decoder } from '../model/decoder.js';
import type { Linear } from '../model/linear.js';
import { headName } from '../model/parameters.js';
import { linearCrossEntropy, linearCrossEntropySum } from '../ops/linear-cross-entropy.js';
import { takeRows } from '../ops/take-rows.js';
import { type AdamwState, adamw } from '../optim/adamw.js';
import { clipByGlobalNorm } from '../optim/clip.js';
import { join } from '../optim/flat.js';
import { gate, gated } from '../optim/gate.js';
import { groupVariables, type Kept, type ParameterGroup, piecesOf, vectorName, withPieces } from '../optim/groups.js';
import type { OptimOptions } from '../optim/options.js';
import type { Attention } from '../program/compile-options.js';
import type { Entry, InputSpec, ProgramSpec, Tensors } from '../program/program.js';

/** What a training program is made of. */
export interface StepSpec {
  readonly config: ModelConfig;
  /** The trained parameters, by `parameterGroups` from {@link optim}'s weight decay. */
  readonly groups: readonly ParameterGroup[];
  readonly optim: OptimOptions;
  /** The projection to train with; `seed` is an int32 scalar that changes from step to step (dropout). */
  trainLinear(seed: tf.Tensor): Linear;
  /** The projection to evaluate with. */
  readonly evalLinear: Linear;
  /** Keeps only each layer's input for the gradient and runs the layer again for it. Default false. */
  readonly gradientCheckpointing?: boolean | undefined;
  /** See `DecoderOptions`. */
  readonly attention?: Attention | undefined;
  /** Positions whose logits exist at one time in a step; default that of `linearCrossEntropySum`. */
  readonly lossChunk?: number | undefined;
}

const BATCH: Readonly<Record<string, InputSpec>> = {
  ids: { shape: [null, null], dtype: 'int32' },
  positions: { shape: [null, null], dtype: 'int32' },
  sources: { shape: [null], dtype: 'int32' },
  labels: { shape: [null], dtype: 'int32' },
  weights: { shape: [null], dtype: 'float32' },
};
const SEED: Readonly<Record<string, InputSpec>> = { seed: { shape: [], dtype: 'int32' } };

const HYPER: Readonly<Record<string, InputSpec>> = {
  learningRate: { shape: [], dtype: 'float32' },
  step: { shape: [], dtype: 'float32' },
  lossLimit: { shape: [], dtype: 'float32' },
};
const LOSS: Readonly<Record<string, InputSpec>> = { loss: { shape: [], dtype: 'float32' } };

/** What a step changes. */
const MOVED = ['value', 'exp_avg', 'exp_avg_sq'] as const;

/**
 * Variables and entries of training, over the model's variables:
 * - `trainStep`: a step of one micro-batch: its gradients are clipped by their global norm and given to AdamW.
 *   Gives the loss and the norm before clipping. Where one of them is not finite, or the loss over the input
 *   `lossLimit`, every variable stays as it is.
 * - `accumulate`: a micro-batch of several: its gradients are added to the sum so far. Gives its share of the
 *   loss.
 * - `applyAccumulated`: the end of a step of several, whose `loss` is fed: as `trainStep`, for the sum so far,
 *   which is zeroed in any case. Gives the norm.
 * - `evalLoss`: cross-entropy at every trained position, without gradients.
 */
export function trainSpec(spec: StepSpec): ProgramSpec {
  const { config, evalLinear, groups, attention } = spec;
  const { entries } = withPieces(groups, lossSpec(config, evalLinear, attention));
  return { variables: groupVariables(groups), entries: { ...updateEntries(spec), ...entries } };
}

/**
 * The entry `evalLoss` alone: `losses` [M], the cross-entropy in nats at every trained position, without
 * gradients.
 */
export const lossSpec = (config: ModelConfig, linear: Linear, attention?: Attention): ProgramSpec => ({
  variables: {},
  entries: {
    evalLoss: {
      inputs: BATCH,
      run(variables, inputs) {
        const { hidden, head, labels } = predictions(config, variables, inputs, linear, { attention });
        return { outputs: { losses: linearCrossEntropy(hidden, head, labels) } };
      },
    },
  },
});

function updateEntries(spec: StepSpec): Record<string, Entry> {
  const { groups } = spec;
  const kept = (group: ParameterGroup, what: Kept, variables: Tensors) => variables[vectorName(group, what)]!;
  const named = (what: Kept, vectors: readonly tf.Tensor[]): Tensors =>
    Object.fromEntries(groups.map((group, i) => [vectorName(group, what), vectors[i]!]));
  return {
    trainStep: {
      inputs: { ...BATCH, ...SEED, ...HYPER },
      run(variables, inputs) {
        const { loss, grads } = lossAndGradients(spec, variables, inputs);
        const { gradNorm, updates } = update(spec, variables, grads, { ...inputs, loss });
        return { outputs: { loss, gradNorm }, updates };
      },
    },
    accumulate: {
      inputs: { ...BATCH, ...SEED },
      run(variables, inputs) {
        const { loss, grads } = lossAndGradients(spec, variables, inputs);
        const sums = groups.map((group, i) => tf.add(kept(group, 'grad', variables), grads[i]!));
        return { outputs: { loss }, updates: named('grad', sums) };
      },
    },
    applyAccumulated: {
      inputs: { ...LOSS, ...HYPER },
      run(variables, inputs) {
        const sums = groups.map((group) => kept(group, 'grad', variables) as tf.Tensor1D);
        const { gradNorm, updates } = update(spec, variables, sums, inputs);
        return { outputs: { gradNorm }, updates: { ...updates, ...named('grad', sums.map(tf.zerosLike)) } };
      },
    },
  };
}

/** Loss of a micro-batch, and its gradients: a vector for each group. */
function lossAndGradients(spec: StepSpec, variables: Tensors, inputs: Tensors) {
  const pieces = spec.groups.map((group) => piecesOf(group, variables));
  const weights: Tensors = Object.assign({}, variables, ...pieces);
  const names = pieces.flatMap((group) => Object.keys(group));
  const loss = () => {
    const linear = spec.trainLinear(inputs.seed!);
    const { hidden, head, labels } = predictions(spec.config, weights, inputs, linear, {
      checkpointed: spec.gradientCheckpointing ? names : undefined,
      attention: spec.attention,
    });
    const trainHead = names.includes(headName(spec.config));
    const loss = linearCrossEntropySum(hidden, head, labels, inputs.weights!, trainHead, spec.lossChunk);
    return tf.reshape(loss, []) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => weights[name]!));
  const byName = Object.fromEntries(names.map((name, i) => [name, grads[i]!]));
  return { loss: value, grads: spec.groups.map((group) => join(group.pieces, byName)) };
}

/** Clip, AdamW and gate: the norm before clipping, and the variables' new values. */
function update({ groups, optim }: StepSpec, variables: Tensors, sums: readonly tf.Tensor1D[], inputs: Tensors) {
  const { grads, norm: gradNorm } = clipByGlobalNorm(sums, optim.maxGradNorm);
  const { learningRate, step, loss, lossLimit } = inputs as Record<
    'learningRate' | 'step' | 'loss' | 'lossLimit',
    tf.Tensor
  >;
  const open = gate({ loss, gradNorm, lossLimit });
  const updates: Record<string, tf.Tensor> = {};
  for (const [i, group] of groups.entries()) {
    const { weightDecay } = group;
    const name = (what: keyof AdamwState) => vectorName(group, what);
    const state = Object.fromEntries(MOVED.map((what) => [what, variables[name(what)]!])) as unknown as AdamwState;
    const next = adamw(state, grads[i]!, { ...optim, weightDecay, learningRate, step });
    Object.assign(updates, gated(open, variables, Object.fromEntries(MOVED.map((what) => [name(what), next[what]]))));
  }
  return { gradNorm, updates };
}

/** Hidden states at the positions that predict a trained token [M, D], with the head [V, D] and the labels [M]. */
function predictions(config: ModelConfig, weights: Tensors, inputs: Tensors, linear: Linear, options: DecoderOptions) {
  const { ids, sources, labels } = inputs as { ids: tf.Tensor; sources: tf.Tensor; labels: tf.Tensor };
  const texts = causalInputs(config, ids, inputs.positions);
  const hidden = takeRows(decoder(config, weights, texts, linear, options), sources);
  return { hidden, head: weights[headName(config)]!, labels };
}
