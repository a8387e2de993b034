import { expect, test } from 'vitest';
import { usedMib } from '../../scripts/gpu/card.js';
import { gatherRows } from '../../src/backend/raw/gather-rows.js';
import * as tf from '../../src/backend/tf.js';
import { traced } from '../../src/backend/trace.js';
import { float32 } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { compile } from '../../src/program/compile.js';
import type { Program } from '../../src/program/program.js';
import { testBackend } from '../helpers/backend.js';
import { UNIT } from '../helpers/rounding.js';
import { expectFloat32, float32Disturbance } from '../program/contract/agreement.js';
import { cases } from '../program/contract/cases.js';
import { playAgain, playDisturbed, playThrough, shapesOf } from '../program/contract/play.js';
import { record } from './results.js';

const [made] = cases() as [ReturnType<typeof cases>[number]];

const SIDE = 512;
/**
 * Largest error of an element of a product, relative to the lengths of the two vectors that it is
 * of. Rounding acts as if each of the n factors were off by sqrt(n) u at most in the mean square;
 * the terms' own squares add up to a share 1 / n of the lengths', so u is left, and the largest of
 * many elements is a few times that. With factors rounded to TF32's 11 bits it would be 2^13 u.
 */
const FLOAT32_PRODUCT = 32 * UNIT.float32;

test('a float32 product is computed in float32, not TF32, op by op and recorded', async () => {
  const { normal } = random(1, 'product');
  const [a, b] = [0, 1].map(() => Float32Array.from({ length: SIDE * SIDE }, normal)) as [Float32Array, Float32Array];
  const spec = {
    variables: { b: { shape: [SIDE, SIDE], dtype: 'float32', role: 'frozen' } },
    entries: {
      product: {
        inputs: { a: { shape: [SIDE, SIDE], dtype: 'float32' } },
        run: (variables: Record<string, tf.Tensor>, inputs: Record<string, tf.Tensor>) => ({
          outputs: { product: tf.matMul(inputs.a as tf.Tensor2D, variables.b as tf.Tensor2D) },
        }),
      },
    },
  } as const;
  for (const mode of ['eager', 'captured'] as const) {
    const program = await compile(spec, { mode, precision: 'float32' });
    program.write([['b', float32([SIDE, SIDE], b)]]);
    const { product } = await program.run('product', { a: float32([SIDE, SIDE], a) }, ['product']);
    program.dispose();
    const worst = largestError(a, b, product!.data);
    record({ kind: 'float32 product', mode, error: worst });
    expect(worst, mode).toBeLessThan(FLOAT32_PRODUCT);
  }
});

/** Against a product in float64. */
function largestError(a: Float32Array, b: Float32Array, product: ArrayLike<number>): number {
  let worst = 0;
  for (let row = 0; row < SIDE; row += 7)
    for (let column = 0; column < SIDE; column += 3) {
      let [sum, rows, columns] = [0, 0, 0];
      for (let k = 0; k < SIDE; k++) {
        const [x, y] = [a[row * SIDE + k]!, b[k * SIDE + column]!];
        sum += x * y;
        rows += x * x;
        columns += y * y;
      }
      const error = Math.abs(product[row * SIDE + column]! - sum) / Math.sqrt(rows * columns);
      if (!(error <= worst)) worst = error;
    }
  return worst;
}

test('a row that there is not is zeros', () => {
  const rows = tf.tidy(() => gatherRows(tf.ones([4, 2]), tf.tensor1d([3, 99, 0], 'int32')).arraySync());
  expect(rows).toEqual([
    [1, 1],
    [0, 0],
    [1, 1],
  ]);
});

/** A program over the first case with its starting values. */
async function started(precision: 'float32' | 'bfloat16'): Promise<Program> {
  const { spec, calls, values } = made;
  const program = await compile(spec, { mode: 'captured', precision, shapes: shapesOf(calls) });
  program.write(values);
  return program;
}

/** What a step is made of; the rest is integers, sizes and copies between the host and the card. */
const ON_CARD =
  /^(_Mkl)?(Batch)?MatMul|^Softmax|^SparseSoftmax|^InplaceUpdate|^Gather|^Rsqrt|^Sqrt|^RealDiv|^Sigmoid|^Mean|^TopK/;

test.each(['float32', 'bfloat16'] as const)('%s: all that computes is computed on the card', async (precision) => {
  const program = await started(precision);
  const { times } = await traced(async () => {
    for (const { entry, feeds, fetches } of made.calls) await program.run(entry, feeds, fetches);
  });
  program.dispose();
  const onHost = new Set(times.filter(({ device }) => !device.includes('GPU')).map(({ op }) => op));
  const onCard = new Set(times.filter(({ device }) => device.includes('GPU')).map(({ op }) => op));
  record({ kind: 'placement', precision, host: [...onHost].sort(), card: [...onCard].sort() });
  expect([...onHost].filter((op) => ON_CARD.test(op))).toEqual([]);
  expect([...onCard].filter((op) => ON_CARD.test(op)).length).toBeGreaterThan(5);
});

test('the same calls from the same values come to the same', async () => {
  const options = { mode: 'captured', precision: 'float32' } as const;
  const first = await playThrough(made, options);
  const second = await playAgain(made, options, first);
  const equal = first.map(({ outputs, after }, i) => {
    const other = second[i]!;
    const bytes = (values: Iterable<[string, { data: unknown }]>) => JSON.stringify([...values].map(([, v]) => v.data));
    return (
      bytes(Object.entries(outputs)) === bytes(Object.entries(other.outputs)) && bytes(after) === bytes(other.after)
    );
  });
  record({ kind: 'repeated', entries: made.calls.map(({ entry }, i) => ({ entry, same_bytes: equal[i] })) });
  const disturbed = await playDisturbed(made, first, float32Disturbance(made));
  for (const [i, played] of first.entries()) expectFloat32(made, second[i]!, played, disturbed[i]!);
});

test('tensors and memory of the card stay as they are over 200 steps', async () => {
  const backend = await testBackend();
  const program = await started('bfloat16');
  const step = made.calls.find(({ entry }) => entry === 'trainStep')!;
  const run = async (steps: number) => {
    for (let i = 0; i < steps; i++) await program.run(step.entry, step.feeds, step.fetches);
    return { tensors: backend.memory().tensors, used: usedMib() };
  };
  const early = await run(20);
  const late = await run(200);
  program.dispose();
  record({ kind: 'memory over steps', early, late });
  expect(late.tensors).toBe(early.tensors);
  expect(late.used - early.used, 'MiB').toBeLessThanOrEqual(32);
});
