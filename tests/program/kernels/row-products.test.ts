import { beforeAll, describe, expect, test } from 'vitest';
import { matMul } from '../../../src/backend/raw/matmul.js';
import { float32, type HostTensor } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import { rounded, widened } from '../../../src/io/float.js';
import { compile } from '../../../src/program/compile.js';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import type { ProgramSpec } from '../../../src/program/program.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { gamma, UNIT } from '../../helpers/rounding.js';

beforeAll(async () => {
  await testBackend();
});

interface Sizes {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

const specOf = ({ rows, inputs, outputs }: Sizes): ProgramSpec => ({
  variables: { w: { shape: [outputs, inputs], dtype: 'float32', role: 'frozen' } },
  entries: {
    multiply: {
      inputs: { x: { shape: [rows, inputs], dtype: 'float32' } },
      run: ({ w }, { x }) => ({ outputs: { y: matMul(x!, w!, false, true) } }),
    },
  },
});

/** Numbers that bfloat16 has, so that it rounds only what is worked out. */
function numbers(shape: [number, number], label: string): HostTensor<'float32'> {
  const { normal } = random(0, label);
  return widened(rounded(float32(shape, Float32Array.from({ length: shape[0] * shape[1] }, normal))));
}

const operandsOf = ({ rows, inputs, outputs }: Sizes) => ({
  x: numbers([rows, inputs], 'x'),
  w: numbers([outputs, inputs], 'w'),
});

async function multiply(
  sizes: Sizes,
  precision: CompileOptions['precision'],
  { x, w } = operandsOf(sizes),
): Promise<ArrayLike<number>> {
  const program = await compile(specOf(sizes), { mode: 'captured', precision, kernels: true });
  try {
    program.write([['w', w]]);
    return (await program.run('multiply', { x }, ['y'])).y!.data;
  } finally {
    program.dispose();
  }
}

const SIZES: readonly Sizes[] = [
  { rows: 1, inputs: 1, outputs: 1 },
  { rows: 1, inputs: 64, outputs: 96 },
  { rows: 2, inputs: 100, outputs: 33 },
  { rows: 7, inputs: 31, outputs: 15 },
  { rows: 16, inputs: 576, outputs: 192 },
  { rows: 17, inputs: 96, outputs: 64 },
  { rows: 32, inputs: 65, outputs: 130 },
  { rows: 3, inputs: 2048, outputs: 32 },
];

describe.each(['float32', 'bfloat16'] as const)('a product of few rows in %s', (precision) => {
  nativeOnly('is x W^T, with sums in float32, at sizes that fit no block', async () => {
    for (const sizes of SIZES) {
      const { rows, inputs, outputs } = sizes;
      const { x, w } = operandsOf(sizes);
      const got = await multiply(sizes, precision);
      expect(got).toHaveLength(rows * outputs);
      for (let m = 0; m < rows; m++)
        for (let n = 0; n < outputs; n++) {
          let [exact, absolute] = [0, 0];
          for (let k = 0; k < inputs; k++) {
            const product = x.data[m * inputs + k]! * w.data[n * inputs + k]!;
            exact += product;
            absolute += Math.abs(product);
          }
          // A product of two numbers of bfloat16 is exact in float32; only the sum is rounded, in any order.
          const bound = gamma(inputs) * absolute;
          const rounding = precision === 'bfloat16' ? UNIT.bfloat16 * (Math.abs(exact) + bound) : 0;
          const error = Math.abs(got[m * outputs + n]! - exact);
          expect(error, `[${m}, ${n}] of ${JSON.stringify(sizes)}`).toBeLessThanOrEqual(bound + rounding);
        }
    }
  });

  nativeOnly('keeps what is not a number and what is infinite in its own row or column', async () => {
    const sizes = { rows: 16, inputs: 64, outputs: 64 };
    const { x, w } = operandsOf(sizes);
    x.data[3 * 64 + 5] = Number.NaN;
    w.data[7 * 64 + 2] = Number.POSITIVE_INFINITY;
    const got = await multiply(sizes, precision, { x, w });
    for (let m = 0; m < 16; m++)
      for (let n = 0; n < 64; n++) {
        const value = got[m * 64 + n]!;
        const expected = m === 3 ? Number.NaN : n === 7 ? x.data[m * 64 + 2]! * Number.POSITIVE_INFINITY : undefined;
        if (expected === undefined) expect(Number.isFinite(value)).toBe(true);
        else expect(value).toBe(expected);
      }
  });

  nativeOnly('has the same bits each time', async () => {
    const sizes = { rows: 16, inputs: 576, outputs: 1536 };
    const first = await multiply(sizes, precision);
    expect(await multiply(sizes, precision)).toEqual(first);
  });
});

test('a product of more rows is left to the library', async () => {
  const { nativeKernel } = await import('../../../src/program/captured/native-kernel.js');
  const { node, ref } = await import('../../../src/program/captured/graph.js');
  const given = (shape: number[]) => ref(node('Placeholder', {}, [], [{ shape, dtype: 'float32' }]));
  const product = (rows: number) =>
    node(
      'MatMul',
      { transpose_a: { bool: false }, transpose_b: { bool: true } },
      [given([rows, 8]), given([4, 8])],
      [{ shape: [rows, 4], dtype: 'float32' }],
    );
  expect(nativeKernel(product(32), 'float32')?.[0]?.node.op).toBe('PhasetuneRowProducts');
  expect(nativeKernel(product(33), 'float32')).toBeUndefined();
});
