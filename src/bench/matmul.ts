import * as tf from '../backend/tf.js';
import { float32 } from '../core/host-tensor.js';
import { random } from '../core/random.js';
import { compile } from '../program/compile.js';
import type { CompileOptions } from '../program/compile-options.js';
import type { ProgramSpec } from '../program/program.js';
import { timedCalls } from './timing.js';

/** Products in one call, each using the one before, so that the overhead of a call is spread over them. */
const CHAIN = 8;

/** How fast square matrices are multiplied. */
export interface MatmulFigures {
  /** Median over calls, in 10^9 floating point operations a second. */
  readonly gflops: number;
  /** The fastest call. */
  readonly best: number;
  /** Seconds of one product, the median. */
  readonly seconds: number;
}

/**
 * Times products of two square matrices of `size` in a program: the upper limit for work that is mostly products.
 * The first call is left out.
 */
export async function benchMatmul(size: number, options: CompileOptions): Promise<MatmulFigures> {
  const program = await compile(chain(size), options);
  try {
    program.write([
      ['weight', float32([size, size], orthogonalLike(size))],
      ['x', float32([size, size], orthogonalLike(size))],
    ]);
    const seconds = await timedCalls(() => program.run('chain', {}, ['sum']));
    const flop = 2 * size ** 3 * CHAIN;
    return {
      gflops: flop / seconds.median / 1e9,
      best: flop / seconds.least / 1e9,
      seconds: seconds.median / CHAIN,
    };
  } finally {
    program.dispose();
  }
}

const chain = (size: number): ProgramSpec => ({
  variables: {
    weight: { shape: [size, size], dtype: 'float32', role: 'frozen' },
    x: { shape: [size, size], dtype: 'float32', role: 'state' },
  },
  entries: {
    chain: {
      inputs: {},
      run({ weight, x }) {
        let y = x as tf.Tensor2D;
        for (let i = 0; i < CHAIN; i++) y = tf.matMul(y, weight as tf.Tensor2D);
        return { outputs: { sum: tf.sum(y) } };
      },
    },
  },
});

/** Normal values whose product keeps the size of what it is multiplied with. */
function orthogonalLike(size: number): Float32Array {
  const { normal } = random(0, 'matmul');
  const spread = 1 / Math.sqrt(size);
  return Float32Array.from({ length: size * size }, () => normal() * spread);
}
