import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../src/backend/tf.js';
import { adamw, decays, momentNames, momentShapes } from '../../src/optim/adamw.js';
import { clipByGlobalNorm } from '../../src/optim/clip.js';
import type { Tensors } from '../../src/program/program.js';
import { testBackend } from '../helpers/backend.js';

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

const named = (values: Values, prefix: string): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));

beforeAll(async () => {
  await testBackend();
});

test('six clipped steps give torch.optim.AdamW’s parameters and moments in every element', async () => {
  let params = tensors(reference.start);
  const zeros = [...momentShapes(new Map(Object.entries(params).map(([name, p]) => [name, p.shape])))];
  let state: Tensors = Object.fromEntries(zeros.map(([name, shape]) => [name, tf.zeros([...shape])]));
  for (const [i, step] of reference.steps.entries()) {
    const { grads, norm } = clipByGlobalNorm(tensors(step.gradients), reference.clip);
    const [got] = await norm.data();
    expect(Math.abs(got! - step.norm)).toBeLessThanOrEqual(1e-6 * step.norm);
    await expectClose(grads, step.clipped, 2e-7);
    const inputs = { ...reference, learningRate: tf.scalar(step.learningRate), step: tf.scalar(i + 1) };
    ({ params, state } = adamw(params, grads, state, inputs));
    await expectClose(params, step.parameters, 5e-7);
    const moments = { ...named(step.exp_avg, 'exp_avg'), ...named(step.exp_avg_sq, 'exp_avg_sq') };
    await expectClose(state, moments, 5e-7);
  }
});

test('without decay all parameters go in one group, with the same numbers', async () => {
  const first = reference.steps[2]!;
  const params = tensors(reference.start);
  const zeros = Object.fromEntries(
    Object.entries(params).flatMap(([name, p]) => momentNames(name).map((moment) => [moment, tf.zerosLike(p)])),
  );
  const inputs = { betas: [0, 0.99] as [number, number], eps: 1e-8, learningRate: tf.scalar(0.1), step: tf.scalar(1) };
  const { params: next } = adamw(params, tensors(first.gradients), zeros, { ...inputs, weightDecay: 0 });
  // After one step without momentum m / sqrt(v) is the gradient's sign, whatever its size.
  for (const [name, start] of Object.entries(reference.start)) {
    const gradient = first.gradients[name]!.flat();
    const got = await next[name]!.data();
    for (const [j, p] of start.flat().entries())
      expect(Math.abs(got[j]! - (p - 0.1 * Math.sign(gradient[j]!)))).toBeLessThan(1e-6);
  }
});

test('the norm of millions of gradients keeps its digits on every backend', async () => {
  const n = 3_000_001;
  const data = Float32Array.from({ length: n }, (_, i) => 1 + Math.sin(i));
  const exact = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
  const gradients = { a: tf.tensor1d(data.subarray(0, 7)), b: tf.tensor1d(data.subarray(7)) };
  const { norm, grads } = clipByGlobalNorm(gradients, 1);
  expect(Math.abs((await norm.data())[0]! / exact - 1)).toBeLessThan(1e-5);
  tf.dispose([norm, grads, gradients]);
});

test('a norm under the limit leaves the gradients bit for bit, and 0 switches the clip off', async () => {
  const gradients = tensors(reference.steps[1]!.gradients);
  const loud = tensors(reference.steps[5]!.gradients);
  for (const [given, max] of [
    [gradients, 2],
    [loud, 0],
  ] as const) {
    const { grads } = clipByGlobalNorm(given, max);
    for (const name of Object.keys(given)) expect(await grads[name]!.data()).toEqual(await given[name]!.data());
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
