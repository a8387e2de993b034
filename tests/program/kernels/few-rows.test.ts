import { beforeAll, describe, expect, test } from 'vitest';
import { matMul } from '../../../src/backend/raw/matmul.js';
import * as tf from '../../../src/backend/tf.js';
import { float32, type HostTensor } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import { rounded, widened } from '../../../src/io/float.js';
import { linear } from '../../../src/model/linear.js';
import { addResidual } from '../../../src/ops/add-residual.js';
import { rmsNorm } from '../../../src/ops/rms-norm.js';
import { swiglu } from '../../../src/ops/swiglu.js';
import { graphVariables } from '../../../src/program/captured/captured.js';
import { graphEntry } from '../../../src/program/captured/entries.js';
import { sortNodes } from '../../../src/program/captured/walk.js';
import { compile } from '../../../src/program/compile.js';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import type { Entry, ProgramSpec } from '../../../src/program/program.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { gamma, UNIT } from '../../helpers/rounding.js';

beforeAll(async () => {
  await testBackend();
});

type Precision = CompileOptions['precision'];
const EPSILON = 1e-5;

interface Sizes {
  readonly rows: number;
  readonly inputs: number;
  /** Outputs of each of the two matrices. */
  readonly outputs: readonly [number, number];
}

const specOf = ({ rows, inputs, outputs: [a, b] }: Sizes, run: Entry['run']): ProgramSpec => {
  const matrix = (outputs: number) => ({ shape: [outputs, inputs], dtype: 'float32', role: 'frozen' }) as const;
  const row = { shape: [rows, inputs], dtype: 'float32' } as const;
  return {
    variables: {
      'a.weight': matrix(a),
      'b.weight': matrix(b),
      norm: { shape: [inputs], dtype: 'float32', role: 'frozen' },
    },
    entries: { run: { inputs: { x: row, y: row }, run } },
  };
};

const normThenProducts: Entry['run'] = (weights, { x, y }) => {
  const sum = addResidual(x!, y!);
  const [a, b] = linear(weights, ['a', 'b'], rmsNorm(sum, weights.norm!, EPSILON));
  return { outputs: { sum, a: a!, b: b! } };
};

const gated: Entry['run'] = (weights, { x }) => {
  const [gate, up] = linear(weights, ['a', 'b'], x!);
  return { outputs: { y: swiglu(gate!, up!) } };
};

/** Numbers that bfloat16 has, so that it rounds only what is worked out. */
function numbers(shape: readonly number[], label: string, scale = 1): HostTensor<'float32'> {
  const { normal } = random(0, label);
  const size = shape.reduce((n, m) => n * m, 1);
  return widened(
    rounded(
      float32(
        shape,
        Float32Array.from({ length: size }, () => scale * normal()),
      ),
    ),
  );
}

const valuesOf = ({ rows, inputs, outputs: [a, b] }: Sizes) => ({
  x: numbers([rows, inputs], 'x'),
  y: numbers([rows, inputs], 'y'),
  norm: numbers([inputs], 'norm'),
  a: numbers([a, inputs], 'a', 1 / Math.sqrt(inputs)),
  b: numbers([b, inputs], 'b', 1 / Math.sqrt(inputs)),
});

async function compute(sizes: Sizes, run: Entry['run'], options: CompileOptions, values = valuesOf(sizes)) {
  const program = await compile(specOf(sizes, run), options);
  try {
    const { x, y, norm, a, b } = values;
    program.write(Object.entries({ norm, 'a.weight': a, 'b.weight': b }));
    const names = run === gated ? ['y'] : ['sum', 'a', 'b'];
    return await program.run('run', { x, y }, names);
  } finally {
    program.dispose();
  }
}

const withKernels = (precision: Precision): CompileOptions => ({ mode: 'captured', precision, kernels: true });

/** Ops of a recorded entry. */
function opsOf(sizes: Sizes, run: Entry['run'], options = withKernels('bfloat16')): string[] {
  const spec = specOf(sizes, run);
  const { rows, inputs } = sizes;
  const shapes = { x: [rows, inputs], y: [rows, inputs] };
  const { outputs } = graphEntry('e', 'run', spec, shapes, graphVariables(spec, options), options);
  return sortNodes(Object.values(outputs)).map(({ op }) => op);
}

/** x W^T exactly, and the same of absolute values. */
function products(x: ArrayLike<number>, w: ArrayLike<number>, { rows, inputs }: Sizes, outputs: number) {
  const exact = new Float64Array(rows * outputs);
  const absolute = new Float64Array(rows * outputs);
  for (let m = 0; m < rows; m++)
    for (let n = 0; n < outputs; n++)
      for (let k = 0; k < inputs; k++) {
        const term = x[m * inputs + k]! * w[n * inputs + k]!;
        exact[m * outputs + n]! += term;
        absolute[m * outputs + n]! += Math.abs(term);
      }
  return { exact, absolute };
}

function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, most: (i: number) => number): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const share = Math.abs(actual[i]! - expected[i]!) / most(i);
    if (!(share <= worst)) worst = share;
  }
  expect(worst).toBeLessThanOrEqual(1);
}

const SIZES: readonly Sizes[] = [
  { rows: 16, inputs: 576, outputs: [192, 64] },
  { rows: 1, inputs: 48, outputs: [33, 5] },
  { rows: 3, inputs: 7, outputs: [1, 70] },
  { rows: 32, inputs: 64, outputs: [32, 96] },
];
const cases = SIZES.flatMap((sizes) =>
  (['float32', 'bfloat16'] as const).map((precision) => ({ ...sizes, precision })),
);

describe.each(cases)('$precision, $rows rows of $inputs, $outputs outputs', ({ precision, ...sizes }) => {
  const low = precision === 'bfloat16' ? UNIT.bfloat16 : 0;
  const { rows, inputs, outputs } = sizes;

  nativeOnly('residual, norm and the products of its result', async () => {
    const { x, y, norm, a, b } = valuesOf(sizes);
    const got = await compute(sizes, normThenProducts, withKernels(precision));
    const sum = Float32Array.from(x.data, (value, i) => value + y.data[i]!);
    expect(got.sum!.data).toEqual(sum);
    const normed = Float64Array.from(sum);
    for (let m = 0; m < rows; m++) {
      const row = normed.subarray(m * inputs, (m + 1) * inputs);
      const r = 1 / Math.sqrt(row.reduce((total, value) => total + value * value, 0) / inputs + EPSILON);
      row.forEach((value, i) => {
        row[i] = value * r * norm.data[i]!;
      });
    }
    for (const [i, [name, w]] of Object.entries({ a, b }).entries()) {
      const { exact, absolute } = products(normed, w.data, sizes, outputs[i]!);
      // The norm rounds the mean of squares and five times more, bfloat16 its result and the product.
      const share = gamma(2 * inputs + 8) + low;
      expectWithin(got[name]!.data, exact, (n) => (1 + low) * share * absolute[n]! + low * Math.abs(exact[n]!));
    }
  });

  nativeOnly('both products of SwiGLU and what it makes of them', async () => {
    if (outputs[0] !== outputs[1]) sizes.outputs = [outputs[0], outputs[0]];
    const { x, a, b } = valuesOf(sizes);
    const got = await compute(sizes, gated, withKernels(precision));
    const [gate, up] = [a, b].map((w) => products(x.data, w.data, sizes, outputs[0])) as [Both, Both];
    const silu = (g: number) => g / (1 + Math.exp(-g));
    const exact = gate.exact.map((g, i) => silu(g) * up.exact[i]!);
    expectWithin(got.y!.data, exact, (i) => {
      const off = ({ exact, absolute }: Both) => gamma(inputs) * absolute[i]! * (1 + low) + low * Math.abs(exact[i]!);
      // silu's slope is 1.1 at most; it rounds six times.
      const inner = 1.1 * off(gate) * (Math.abs(up.exact[i]!) + off(up)) + Math.abs(silu(gate.exact[i]!)) * off(up);
      return (1 + low) * inner + (low + gamma(12)) * Math.abs(exact[i]!) + Number.MIN_VALUE;
    });
  });
});

type Both = ReturnType<typeof products>;
const [usual] = SIZES as [Sizes, ...Sizes[]];
const square: Sizes = { ...usual, outputs: [64, 64] };

describe('which kernels there are', () => {
  nativeOnly('products of the same rows are one, and so are the residual and its norm', () => {
    const ops = opsOf(usual, normThenProducts);
    expect(ops.filter((op) => op.startsWith('Phasetune'))).toEqual(['PhasetuneAddRmsNorm', 'PhasetuneRowProducts']);
    expect(ops).not.toContain('MatMul');
    expect(ops).not.toContain('AddV2');
  });

  nativeOnly('SwiGLU takes its own products in', () => {
    expect(
      opsOf(square, gated).filter((op) => !/Placeholder|Variable|VarHandle|Bitcast|Cast|Identity/.test(op)),
    ).toEqual(['PhasetuneGatedProducts']);
  });

  nativeOnly('a product that something else takes too stays', () => {
    const kept: Entry['run'] = (weights, { x }) => {
      const [gate, up] = linear(weights, ['a', 'b'], x!);
      return { outputs: { y: swiglu(gate!, up!), gate: gate! } };
    };
    const ops = opsOf(square, kept);
    expect(ops).toContain('PhasetuneRowProducts');
    expect(ops).not.toContain('PhasetuneGatedProducts');
    const normUsed: Entry['run'] = (weights, { x, y }) => {
      const h = rmsNorm(addResidual(x!, y!), weights.norm!, EPSILON);
      return { outputs: { h, a: matMul(h, weights['a.weight']!, false, true) } };
    };
    expect(opsOf(usual, normUsed)).not.toContain('PhasetuneAddRmsNorm');
  });

  nativeOnly('more rows, other factors and programs without kernels have none', () => {
    const many = { ...usual, rows: 33 };
    const isOurs = (op: string) => op.startsWith('Phasetune');
    expect(opsOf(many, normThenProducts).filter(isOurs)).toEqual([]);
    expect(opsOf({ ...square, rows: 33 }, gated).filter(isOurs)).toEqual([]);
    expect(opsOf(usual, normThenProducts, { mode: 'captured', precision: 'bfloat16' }).filter(isOurs)).toEqual([]);
    const transposed: Entry['run'] = (_, { x, y }) => ({
      outputs: { y: tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D, true, false) },
    });
    expect(opsOf(usual, transposed).filter(isOurs)).toEqual([]);
  });
});

test('what is not a number stays in its row', async ({ skip }) => {
  if ((await testBackend()).name !== 'tensorflow') skip();
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const values = valuesOf(square);
    values.x.data[0] = value;
    for (const run of [normThenProducts, gated]) {
      const outputs = await compute(square, run, withKernels('bfloat16'), values);
      const { data, shape } = run === gated ? outputs.y! : outputs.a!;
      const [, width] = shape as [number, number];
      expect(data.subarray(0, width).some(Number.isFinite)).toBe(false);
      expect(data.subarray(width).every(Number.isFinite)).toBe(true);
    }
  }
});
