import * as tf from '../backend/tf.js';
import { float32 } from '../core/host-tensor.js';
import { compile } from '../program/compile.js';
import type { CompileOptions } from '../program/compile-options.js';
import type { ProgramSpec } from '../program/program.js';
import { timedCalls } from './timing.js';

/** Rows that are added up: many more than cores, so that all of them read. */
const ROWS = 1024;

/** How fast memory is read from one end to the other. */
export interface ReadFigures {
  /** Median over calls, in 10^9 bytes a second. */
  readonly gbps: number;
  /** The fastest call. */
  readonly best: number;
  /** Seconds of one call, the median. */
  readonly seconds: number;
}

/**
 * Times the sums of the rows of a matrix of `mib` MiB of float32, by all cores: the upper limit for
 * work that reads every weight once, as decoding does for each token. The matrix must be larger
 * than the caches. The first call is left out.
 */
export async function benchRead(mib: number, options: CompileOptions): Promise<ReadFigures> {
  const shape = [ROWS, (mib * 2 ** 20) / 4 / ROWS] as const;
  // One op is nothing to compile, and XLA would read with one core.
  const program = await compile(sums(shape), { ...options, compile: 'none' });
  try {
    program.write([['x', float32(shape, new Float32Array(shape[0] * shape[1]).fill(1))]]);
    const seconds = await timedCalls(() => program.run('sums', {}, ['sums']));
    const bytes = mib * 2 ** 20;
    return { gbps: bytes / seconds.median / 1e9, best: bytes / seconds.least / 1e9, seconds: seconds.median };
  } finally {
    program.dispose();
  }
}

const sums = (shape: readonly [number, number]): ProgramSpec => ({
  variables: { x: { shape, dtype: 'float32', role: 'state' } },
  entries: { sums: { inputs: {}, run: ({ x }) => ({ outputs: { sums: tf.sum(x!, 1) } }) } },
});
