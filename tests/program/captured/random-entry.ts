import fc from 'fast-check';
import { after } from '../../../src/backend/raw/after.js';
import { fuse } from '../../../src/backend/raw/fuse.js';
import { low } from '../../../src/backend/raw/low.js';
import { matMul } from '../../../src/backend/raw/matmul.js';
import * as tf from '../../../src/backend/tf.js';
import { random } from '../../../src/core/random.js';
import type { ProgramSpec } from '../../../src/program/program.js';

/** Side of the square matrices: as many elements as an op must have to be worth a compiled call. */
export const SIDE = 64;

/** One op on tensors made so far, which are told by their numbers. */
export interface Step {
  readonly op: keyof typeof WORK;
  readonly a: number;
  readonly b: number;
}

/** Steps one after the other, some of them in a cluster. */
export type Steps = readonly (Step | readonly Step[])[];

type Work = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const SQUARE: [number, number] = [SIDE, SIDE];
const sumOf = (x: tf.Tensor) => tf.sum(x, 1, true);

/**
 * Matrices in, a matrix out. All elements are positive and nothing is subtracted: relative errors
 * stay what they are.
 */
const ELEMENTWISE = {
  add: (a, b) => tf.add(a, b),
  maximum: (a, b) => tf.maximum(a, b),
  minimum: (a, b) => tf.minimum(a, b),
  scale: (a) => tf.mul(a, 0.75),
  sigmoid: (a) => tf.sigmoid(a),
  root: (a) => tf.sqrt(a),
  inverseRoot: (a) => tf.rsqrt(tf.add(a, 1)),
  low: (a) => low(a),
  flat: (a, b) => tf.reshape(tf.add(tf.reshape(a, [-1]), tf.reshape(b, [-1])), SQUARE),
} satisfies Record<string, Work>;

/** Besides, in a cluster. */
const FUSED = {
  normalize: (a, b) => tf.div(a, tf.add(sumOf(a), sumOf(b))),
  transpose: (a) => tf.transpose(a),
  swap: (a, b) => tf.concat([tf.split(a, 2, 1)[1]!, tf.split(b, 2, 1)[0]!], 1),
} satisfies Record<string, Work>;

const WORK = {
  ...ELEMENTWISE,
  ...FUSED,
  product: (a, b) => tf.mul(matMul(a, b, false, true), 1 / SIDE),
  after: (a, b) => after(a, b),
} satisfies Record<string, Work>;

const stepOf = (ops: object): fc.Arbitrary<Step> =>
  fc.record({ op: fc.constantFrom(...(Object.keys(ops) as Step['op'][])), a: fc.nat(30), b: fc.nat(30) });

/** Steps at random, shorter ones first when a failure is shrunk. */
export const anySteps = (most: number): fc.Arbitrary<Steps> =>
  fc.array(
    fc.oneof(
      { arbitrary: stepOf(WORK), weight: 3 },
      { arbitrary: stepOf({ product: 0 }), weight: 1 },
      { arbitrary: fc.array(stepOf({ ...ELEMENTWISE, ...FUSED }), { minLength: 1, maxLength: 4 }), weight: 2 },
    ),
    { minLength: 1, maxLength: most },
  );

/** A program whose entry `go` takes the steps, from an input, a frozen matrix and a state, which it updates. */
export function specOf(steps: Steps): ProgramSpec {
  return {
    variables: {
      weight: { shape: SQUARE, dtype: 'float32', role: 'frozen' },
      state: { shape: SQUARE, dtype: 'float32', role: 'state' },
    },
    entries: {
      go: {
        inputs: { x: { shape: SQUARE, dtype: 'float32' } },
        run({ weight, state }, { x }) {
          const made = [x!, weight!, state!];
          const take = ({ op, a, b }: Step) => {
            const work: Work = WORK[op];
            made.push(work(made[a % made.length]!, made[b % made.length]!));
          };
          for (const step of steps) {
            if ('op' in step) take(step);
            else fuse(() => step.forEach(take));
          }
          const [last, before] = [made.at(-1)!, made.at(-2)!];
          return {
            outputs: { last, sum: tf.sum(tf.add(last, before)), middle: made[made.length >> 1]! },
            updates: { state: tf.add(before, 1) },
          };
        },
      },
    },
  };
}

/** Positive elements. */
export const elements = (name: string): Float32Array => {
  const { uniform } = random(2, name);
  return Float32Array.from({ length: SIDE * SIDE }, () => 0.1 + uniform());
};
