import { beforeAll, describe, expect } from 'vitest';
import { sparseCrossEntropy } from '../../../src/backend/raw/sparse-cross-entropy.js';
import { float32, type HostTensor, int32 } from '../../../src/core/host-tensor.js';
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

const specOf = (rows: number, width: number): ProgramSpec => ({
  variables: {},
  entries: {
    loss: {
      inputs: { logits: { shape: [rows, width], dtype: 'float32' }, labels: { shape: [rows], dtype: 'int32' } },
      run: (_, { logits, labels }) => {
        const [loss, slope] = sparseCrossEntropy(logits!, labels!);
        return { outputs: { loss, slope } };
      },
    },
  },
});

/** Logits that bfloat16 has, so that it rounds only what is worked out. */
function operandsOf(rows: number, width: number) {
  const { normal, integer } = random(0, 'logits', String(width));
  const logits = Float32Array.from({ length: rows * width }, () => 3 * normal());
  return {
    logits: widened(rounded(float32([rows, width], logits))),
    labels: int32(
      [rows],
      Int32Array.from({ length: rows }, () => integer(width)),
    ),
  };
}

async function lossOf(precision: CompileOptions['precision'], feeds: ReturnType<typeof operandsOf>) {
  const [rows, width] = feeds.logits.shape as [number, number];
  const program = await compile(specOf(rows, width), { mode: 'captured', precision, kernels: true });
  try {
    return (await program.run('loss', feeds, ['loss', 'slope'])) as Record<'loss' | 'slope', HostTensor>;
  } finally {
    program.dispose();
  }
}

/** Additions in float32 that a power goes through at most: of 16 registers, and of a register's 16 lanes. */
const MOST_ADDED = 32;

/** In float64. */
function exactly(logits: ArrayLike<number>, label: number) {
  const most = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (x) => Math.exp(x - most));
  const sum = powers.reduce((x, y) => x + y);
  return {
    loss: Math.log(sum) - (logits[label]! - most),
    farthest: most - Math.min(...Array.from(logits)),
    slopes: powers.map((power, i) => power / sum - (i === label ? 1 : 0)),
    shares: powers.map((power) => power / sum),
  };
}

describe.each(['float32', 'bfloat16'] as const)('cross-entropy of logits in %s', (precision) => {
  nativeOnly('is within its roundings, at widths that fill no register', async () => {
    for (const [rows, width] of [
      [1, 1],
      [3, 15],
      [9, 33],
      [20, 160],
      [5, 1111],
    ] as const) {
      const feeds = operandsOf(rows, width);
      const { loss, slope } = await lossOf(precision, feeds);
      for (let m = 0; m < rows; m++) {
        const from = m * width;
        const label = feeds.labels.data[m]!;
        const exact = exactly(feeds.logits.data.subarray(from, from + width), label);
        // An argument's rounding is one of its power times the argument; 8 for the power's own, the share and the sum.
        const bound = gamma(2 * Math.min(width, MOST_ADDED) + 2 * Math.ceil(exact.farthest) + 8);
        expect(Math.abs(loss.data[m]! - exact.loss)).toBeLessThanOrEqual(
          bound + gamma(4) * (exact.farthest + exact.loss + 1),
        );
        for (let i = 0; i < width; i++) {
          const difference = Math.abs(slope.data[from + i]! - exact.slopes[i]!);
          const subtraction = i === label ? UNIT.float32 : 0;
          const kept = bound * exact.shares[i]! + subtraction;
          const stored = precision === 'bfloat16' ? UNIT.bfloat16 * (Math.abs(exact.slopes[i]!) + kept) : 0;
          expect(difference, `[${m}, ${i}] of ${width}`).toBeLessThanOrEqual(kept + stored);
        }
      }
    }
  });

  nativeOnly('counts every column of a large vocabulary, however small its share is beside the largest', async () => {
    const width = 49_152;
    // e^-16.75 is less than half a unit of the last place of 1.
    const logits = new Float32Array(width).fill(-16.75);
    logits[width / 3] = 0;
    const { loss, slope } = await lossOf(precision, {
      logits: float32([1, width], logits),
      labels: int32([1], Int32Array.of(width / 3)),
    });
    const exact = exactly(logits, width / 3);
    const bound = gamma(2 * MOST_ADDED + 2 * 17 + 8);
    expect(Math.abs(loss.data[0]! - exact.loss)).toBeLessThanOrEqual(bound);
    const kept = bound * exact.shares[0]!;
    const stored = precision === 'bfloat16' ? UNIT.bfloat16 * (exact.shares[0]! + kept) : 0;
    expect(Math.abs(slope.data[0]! - exact.slopes[0]!)).toBeLessThanOrEqual(kept + stored);
  });

  nativeOnly('leaves what is not a number in its own row, and logits far apart finite', async () => {
    const feeds = operandsOf(3, 40);
    feeds.logits.data[1 * 40 + 7] = Number.NaN;
    feeds.logits.data[2 * 40 + 7] = 2 ** 20;
    const { loss, slope } = await lossOf(precision, feeds);
    expect(Array.from(loss.data, Number.isFinite)).toEqual([true, false, true]);
    expect(slope.data.subarray(0, 40).every(Number.isFinite)).toBe(true);
    expect(Array.from(slope.data.subarray(40, 80)).every(Number.isNaN)).toBe(true);
    expect(slope.data.subarray(80).every(Number.isFinite)).toBe(true);
  });

  nativeOnly('has the same bits each time', async () => {
    const feeds = operandsOf(40, 3000);
    const first = await lossOf(precision, feeds);
    expect(await lossOf(precision, feeds)).toEqual(first);
  });

  nativeOnly('refuses a label that is no column', async () => {
    const feeds = operandsOf(2, 20);
    feeds.labels.data[1] = 20;
    await expect(lossOf(precision, feeds)).rejects.toThrow(/label/);
  });
});
