import { beforeAll, describe, expect } from 'vitest';
import * as tf from '../../../src/backend/tf.js';
import { float32, type HostTensor, int32 } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import { attention, packedBias } from '../../../src/ops/attention.js';
import { flashAttention } from '../../../src/ops/flash-attention.js';
import { peakBytes } from '../../../src/program/captured/memory.js';
import { nativeAttention } from '../../../src/program/captured/native-attention.js';
import { lower } from '../../../src/program/captured/passes/lower.js';
import { record } from '../../../src/program/captured/recorder.js';
import { rootsOf, sortNodes } from '../../../src/program/captured/walk.js';
import { compile } from '../../../src/program/compile.js';
import type { CompileOptions } from '../../../src/program/compile-options.js';
import type { ProgramSpec } from '../../../src/program/program.js';
import { nativeOnly, testBackend } from '../../helpers/backend.js';
import { disturb, disturbedRuns, expectNear } from '../../helpers/disturbed.js';
import { typicalError } from '../../helpers/rounding.js';
import { DISTURBANCE } from '../contract/agreement.js';

beforeAll(async () => {
  await testBackend();
});

type Attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, positions: tf.Tensor) => tf.Tensor;

const FLOATS = { dtype: 'float32', shape: [null, null, null, null] } as const;

/** A program with one entry: attention, and its gradient under a direction. */
const program = (attend: Attend): ProgramSpec => ({
  variables: {},
  entries: {
    attend: {
      inputs: {
        q: FLOATS,
        k: FLOATS,
        v: FLOATS,
        direction: FLOATS,
        positions: { dtype: 'int32', shape: [null, null] },
      },
      run(_, { q, k, v, direction, positions }) {
        const { grads } = tf.valueAndGrads((q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
          tf.sum(tf.mul(attend(q, k, v, positions!), direction!)),
        )([q!, k!, v!]);
        const [dq, dk, dv] = grads as [tf.Tensor, tf.Tensor, tf.Tensor];
        return { outputs: { value: attend(q!, k!, v!, positions!), dq, dk, dv } };
      },
    },
  },
});

const OUTPUTS = ['value', 'dq', 'dk', 'dv'] as const;

async function run(attend: Attend, feeds: Record<string, HostTensor>, options: CompileOptions) {
  const compiled = await compile(program(attend), options);
  try {
    const outputs = await compiled.run('attend', feeds, [...OUTPUTS]);
    return OUTPUTS.map((name) => outputs[name]!);
  } finally {
    compiled.dispose();
  }
}

interface Sizes {
  /** Tokens of the texts of each line; what is left of `t` is padding. */
  readonly lines: readonly (readonly number[])[];
  readonly t: number;
  readonly n: number;
  readonly k: number;
  readonly h: number;
  readonly window?: number;
}

function feedsOf({ lines, t, n, k, h }: Sizes): Record<string, HostTensor> {
  const normal = (label: string, heads: number) => {
    const shape = [lines.length, heads, t, h];
    const r = random(5, label);
    return float32(
      shape,
      Float32Array.from({ length: shape.reduce((x, y) => x * y) }, () => r.normal()),
    );
  };
  const positions = lines.flatMap((lengths) => {
    const line = lengths.flatMap((length) => Array.from({ length }, (_, i) => i));
    return [...line, ...Array<number>(t - line.length).fill(0)];
  });
  return {
    q: normal('q', n),
    k: normal('k', k),
    v: normal('v', k),
    direction: normal('direction', n),
    positions: int32([lines.length, t], positions),
  };
}

const disturbedFeeds = (feeds: Record<string, HostTensor>, seed: number, size: number): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { shape, dtype, data }]) => {
      if (dtype !== 'float32') return [name, { shape, dtype, data }];
      const copy = Float32Array.from(data as Float32Array);
      disturb(copy, `${seed} ${name}`, size);
      return [name, float32(shape, copy)];
    }),
  );

const CASES: readonly (readonly [string, Sizes])[] = [
  ['one token', { lines: [[1]], t: 1, n: 1, k: 1, h: 4 }],
  ['less than a block, heads of an odd size', { lines: [[37], [9, 20]], t: 37, n: 6, k: 2, h: 7 }],
  ['exactly two blocks of queries', { lines: [[128]], t: 128, n: 2, k: 2, h: 64 }],
  ['one token more than a block of keys', { lines: [[100, 29]], t: 129, n: 3, k: 1, h: 32 }],
  ['several texts and padding', { lines: [[150, 3, 90], [10]], t: 300, n: 4, k: 2, h: 24 }],
  ['a window', { lines: [[300], [130, 170]], t: 300, n: 2, k: 1, h: 16, window: 70 }],
  ['a window of one token', { lines: [[70]], t: 70, n: 1, k: 1, h: 8, window: 1 }],
];

describe.each(CASES)('%s', (_name, sizes) => {
  const { t, h, window } = sizes;
  const feeds = feedsOf(sizes);
  const plain: Attend = (q, k, v, positions) => attention(q, k, v, packedBias(positions, window), true);
  const flash: Attend = (q, k, v, positions) =>
    flashAttention(q, k, v, { bias: packedBias(positions, window), positions, window });
  const eager = { mode: 'eager', precision: 'float32' } as const;

  for (const precision of ['float32', 'bfloat16'] as const)
    nativeOnly(
      `${precision}: value and gradients are those of attention op by op, the same bits each time`,
      async () => {
        const size = precision === 'bfloat16' ? DISTURBANCE : typicalError(Math.max(t, h) + 16);
        const expected = await run(plain, feeds, eager);
        const draws = await disturbedRuns((seed) => run(plain, disturbedFeeds(feeds, seed, size), eager));
        const options = { mode: 'captured', precision, compile: 'none', kernels: true } as const;
        const actual = await run(flash, feeds, options);
        for (const [i, name] of OUTPUTS.entries()) {
          const seen = draws.map((draw) => draw[i]!);
          // With one token to see, the slopes of the scores cancel out: what is left is what the sums are off by.
          const alone = window === 1 || t === 1;
          if (alone && (name === 'dq' || name === 'dk')) {
            for (const x of actual[i]!.data) expect(Math.abs(x)).toBeLessThan(32 * h * size);
            continue;
          }
          expectNear(actual[i]!, expected[i]!, seen, name, expected[i]!);
        }
        expect(await run(flash, feeds, options)).toEqual(actual);
      },
    );
});

nativeOnly('lines that are one text take no positions, and the kernel has no bias', () => {
  const spec = program((q, k, v) => flashAttention(q, k, v, { bias: packedBias(tf.zeros([1, 70], 'int32')) }));
  const shape = { shape: [1, 2, 70, 8], dtype: 'float32' } as const;
  const specs = {
    q: shape,
    k: shape,
    v: shape,
    direction: shape,
    positions: { shape: [1, 70], dtype: 'int32' },
  } as const;
  const graph = lower(record('attend', spec.entries.attend!, {}, specs), (node) => nativeAttention(node, 'bfloat16'));
  const ops = sortNodes(rootsOf(graph)).filter(({ op }) => op.startsWith('Phasetune'));
  expect(ops.map(({ op, inputs }) => [op, inputs.length])).toEqual(
    expect.arrayContaining([
      ['PhasetuneAttention', 3],
      ['PhasetuneAttentionGradient', 6],
    ]),
  );
});

nativeOnly('memory for attention and its gradient grows with the length of a line', () => {
  const peak = (t: number) => {
    const spec = program((q, k, v, positions) => flashAttention(q, k, v, { bias: packedBias(positions), positions }));
    const shape = { shape: [1, 2, t, 16], dtype: 'float32' } as const;
    const specs = {
      q: shape,
      k: shape,
      v: shape,
      direction: shape,
      positions: { shape: [1, t], dtype: 'int32' },
    } as const;
    const graph = lower(record('attend', spec.entries.attend!, {}, specs), (node) => nativeAttention(node, 'float32'));
    return peakBytes(sortNodes(rootsOf(graph)));
  };
  // All that there is has as many rows as the line has tokens: twice the length is twice the bytes, less what does not grow.
  expect(peak(4096)).toBeLessThanOrEqual(2 * peak(2048));
  expect(peak(8192)).toBeLessThanOrEqual(2 * peak(4096));
});
