import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { type AdamwState, adamw } from '../../src/optim/adamw.js';
import { clipByGlobalNorm } from '../../src/optim/clip.js';
import { cut, join } from '../../src/optim/flat.js';
import { decays, type ParameterGroup, parameterGroups } from '../../src/optim/groups.js';
import type { Tensors } from '../../src/program/program.js';
import { testBackend } from '../helpers/backend.js';
import { gamma } from '../helpers/rounding.js';

type Values = Record<string, number[] | number[][]>;
interface Reference {
  betas: [number, number];
  eps: number;
  weightDecay: number;
  clip: number;
  start: Values;
  steps: {
    learningRate: number;
    gradients: Values;
    norm: number;
    clipped: Values;
    parameters: Values;
    exp_avg: Values;
    exp_avg_sq: Values;
  }[];
}

const reference = (JSON.parse(readFileSync('tests/fixtures/optim/optim.json', 'utf8')) as { adamw: Reference }).adamw;
const tensors = (values: Values): Tensors =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tf.tensor(value, undefined, 'float32')]));

/** Every element within `tolerance` of the tensor's largest: sums that nearly cancel keep no digits of their own. */
async function expectClose(got: Tensors, want: Values, tolerance: number): Promise<void> {
  expect(Object.keys(got).sort()).toEqual(Object.keys(want).sort());
  for (const [name, value] of Object.entries(want)) {
    const expected = value.flat();
    const actual = await got[name]!.data();
    expect(actual.length).toBe(expected.length);
    const limit = tolerance * Math.max(...expected.map(Math.abs));
    for (const [i, x] of expected.entries())
      expect(Math.abs(actual[i]! - x), `${name}[${i}]`).toBeLessThanOrEqual(limit);
  }
}

/**
 * Roundings of one element in a step: of the two means, their corrections, the root, the quotient,
 * the decay and the sum.
 */
const OPERATIONS = 16;

/** Elements of all gradients of the reference. */
const ELEMENTS = Object.values(reference.start).reduce((n, value) => n + value.flat().length, 0);

/**
 * What a norm is off by, ours and the reference's together, as a share of itself: a sum of squares,
 * all of one sign, half of which the root leaves.
 */
const NORM = gamma(ELEMENTS + 2) + gamma(1);

beforeAll(async () => {
  await testBackend();
});

const shapesOf = (values: Values): Map<string, readonly number[]> =>
  new Map(Object.entries(tensors(values)).map(([name, t]) => [name, t.shape]));
const zeroState = (group: ParameterGroup, start: Values): AdamwState => {
  const value = join(group.tensors, tensors(start));
  return { value, exp_avg: tf.zerosLike(value), exp_avg_sq: tf.zerosLike(value) };
};
/** What the groups' states hold of one kind, by parameter. */
const named = (groups: readonly ParameterGroup[], vectors: readonly tf.Tensor[]): Tensors =>
  Object.assign({}, ...groups.map((group, i) => cut(group.tensors, vectors[i]!)));

test('six clipped steps give torch.optim.AdamW’s parameters and moments in every element', async () => {
  const groups = parameterGroups(shapesOf(reference.start), reference.weightDecay);
  expect(groups.map(({ name }) => name)).toEqual(['decayed', 'undecayed']);
  let states = groups.map((group) => zeroState(group, reference.start));
  for (const [i, step] of reference.steps.entries()) {
    const gradients = tensors(step.gradients);
    const { grads, norm } = clipByGlobalNorm(
      groups.map((group) => join(group.tensors, gradients)),
      reference.clip,
    );
    const [got] = await norm.data();
    expect(Math.abs(got! - step.norm)).toBeLessThanOrEqual(NORM * step.norm);
    await expectClose(named(groups, grads), step.clipped, NORM + gamma(3));
    const scalars = { learningRate: tf.scalar(step.learningRate), step: tf.scalar(i + 1) };
    states = states.map((state, g) =>
      adamw(state, grads[g]!, { ...reference, ...scalars, weightDecay: groups[g]!.weightDecay }),
    );
    const kept = (what: keyof AdamwState) =>
      named(
        groups,
        states.map((state) => state[what]),
      );
    // Of each step the clipped gradient's error comes in, squared twice over, and some roundings of its own.
    const limit = 2 * (NORM + gamma(3)) + (i + 1) * gamma(OPERATIONS);
    await expectClose(kept('value'), step.parameters, limit);
    await expectClose(kept('exp_avg'), step.exp_avg, limit);
    await expectClose(kept('exp_avg_sq'), step.exp_avg_sq, limit);
  }
});

test('without decay all parameters go in one group, with the same numbers', async () => {
  const first = reference.steps[2]!;
  const groups = parameterGroups(shapesOf(reference.start), 0);
  expect(groups.map(({ name }) => name)).toEqual(['undecayed']);
  const inputs = { betas: [0, 0.99] as [number, number], eps: 1e-8, learningRate: tf.scalar(0.1), step: tf.scalar(1) };
  const next = groups.map((group) =>
    adamw(zeroState(group, reference.start), join(group.tensors, tensors(first.gradients)), {
      ...inputs,
      weightDecay: 0,
    }),
  );
  const values = named(
    groups,
    next.map(({ value }) => value),
  );
  // After one step without momentum m / sqrt(v) is the gradient's sign, whatever its size.
  for (const [name, start] of Object.entries(reference.start)) {
    const gradient = first.gradients[name]!.flat();
    const got = await values[name]!.data();
    // The quotient is 1 to some roundings, less eps as a share of the gradient.
    for (const [j, p] of start.flat().entries())
      expect(Math.abs(got[j]! - (p - 0.1 * Math.sign(gradient[j]!)))).toBeLessThan(
        0.1 * (gamma(OPERATIONS) + 1e-8 / Math.abs(gradient[j]!)) + 2 * gamma(1) * (Math.abs(p) + 0.1),
      );
  }
});

test('the norm of millions of gradients keeps its digits on every backend', async () => {
  const n = 3_000_001;
  const data = Float32Array.from({ length: n }, (_, i) => 1 + Math.sin(i));
  const exact = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
  const gradients = [tf.tensor1d(data.subarray(0, 7)), tf.tensor1d(data.subarray(7))];
  const { norm, grads } = clipByGlobalNorm(gradients, 1);
  // Added up in two stages, of 1,024 and of n / 1,024: the root halves what the sum is off by, of
  // which all terms have one sign.
  const sums = 1024 + Math.ceil(n / 1024);
  expect(Math.abs((await norm.data())[0]! / exact - 1)).toBeLessThan(gamma(sums + 2) / 2 + gamma(1));
  tf.dispose([norm, ...grads, ...gradients]);
});

test('a norm under the limit leaves the gradients bit for bit, and 0 switches the clip off', async () => {
  const vectors = (step: number) =>
    Object.values(tensors(reference.steps[step]!.gradients)).map((t) => tf.reshape(t, [-1]) as tf.Tensor1D);
  for (const [given, max] of [
    [vectors(1), 2],
    [vectors(5), 0],
  ] as const) {
    const { grads } = clipByGlobalNorm(given, max);
    for (const [i, vector] of given.entries()) expect(await grads[i]!.data()).toEqual(await vector.data());
  }
});

test('decay leaves out biases and norms, and no adapter matrix', () => {
  const kept = ['model.norm.weight', 'model.layers.0.input_layernorm.weight', 'model.layers.3.self_attn.q_proj.bias'];
  const decayed = [
    'lm_head.weight',
    'base_model.model.model.layers.0.mlp.up_proj.lora_A.weight',
    'model.embed_tokens.weight',
  ];
  expect(kept.map(decays)).toEqual([false, false, false]);
  expect(decayed.map(decays)).toEqual([true, true, true]);
});
