import { matMul } from '../../backend/raw/matmul.js';
import * as tf from '../../backend/tf.js';
import { float32 } from '../../core/host-tensor.js';
import { compile } from '../compile.js';
import { PRECISIONS, type Precision } from '../compile-options.js';
import type { Entry, Program, ProgramSpec } from '../program.js';

/** Speed of products of each type, in units of 10^9 floating-point operations a second. */
export type ProductSpeeds = Readonly<Record<Precision, number>>;

/** Rows, width, feed-forward width: of a step of 4 x 256 at 135M, as it multiplies with half of them by the head. */
const [ROWS, WIDTH, FORWARD] = [1024, 576, 1536] as const;
/** Rows of the head: a part of the vocabulary, so that it takes about as long as the rest. */
const HEAD = 4096;
/** Rows of a call that is over soon even where a type has no instructions of its own. */
const FEW = 16;

/** Operations of a call on so many rows: forward and for the gradient, with a projection and with the head. */
const flopOf = (rows: number): number => 2 * (2 * rows * WIDTH * FORWARD) + 2 * (2 * (rows / 2) * WIDTH * HEAD);

/** Times each type is measured in turn, so that what else the machine does falls on both. */
const ROUNDS = 5;
/** Time that all rounds should take, in ms. */
const ENOUGH_MS = 300;
/** A type so many times slower on few rows is not measured on many, which would take seconds. */
const HOPELESS = 4;

/**
 * Times products in float32 and in bfloat16 on the native library that is loaded, with the shapes of a decoder, as a
 * recorded program computes them: takes about half a second. The best of a few calls counts: what else runs only makes
 * one slower.
 */
export async function measureProducts(): Promise<ProductSpeeds> {
  const programs: [Precision, Program][] = [];
  try {
    for (const precision of PRECISIONS) {
      const program = await compile(SPEC, { mode: 'captured', precision, compile: 'none' });
      programs.push([precision, program]);
      program.write(VALUES());
    }
    const few = await bestOf('few', programs);
    if (slowest(few) > HOPELESS * fastest(few)) return speeds(few, FEW);
    return speeds(await bestOf('all', programs), ROWS);
  } finally {
    for (const [, program] of programs) program.dispose();
  }
}

type Times = Readonly<Record<Precision, number>>;

const fastest = (times: Times): number => Math.min(...Object.values(times));
const slowest = (times: Times): number => Math.max(...Object.values(times));

const speeds = (times: Times, rows: number): ProductSpeeds => ({
  float32: flopOf(rows) / times.float32 / 1e6,
  bfloat16: flopOf(rows) / times.bfloat16 / 1e6,
});

/** Milliseconds of the fastest call of each program; the first call, which prepares it, does not count. */
async function bestOf(entry: string, programs: readonly (readonly [Precision, Program])[]): Promise<Times> {
  const best: Record<Precision, number> = { float32: Infinity, bfloat16: Infinity };
  for (const [, program] of programs) await program.run(entry, {}, ['sum']);
  const start = performance.now();
  for (let round = 0; round < ROUNDS && (round < 2 || performance.now() - start < ENOUGH_MS); round++)
    for (const [precision, program] of programs) {
      const before = performance.now();
      await program.run(entry, {}, ['sum']);
      best[precision] = Math.min(best[precision], performance.now() - before);
    }
  return best;
}

/** Products with a projection and the head there and back; `rows` of x. */
const products = (rows: number): Entry => ({
  inputs: {},
  run({ x, projection, head }) {
    const some = tf.slice(x as tf.Tensor2D, [0, 0], [rows, WIDTH]);
    const back = matMul(matMul(some, projection!, false, true), projection!);
    const half = tf.slice(back as tf.Tensor2D, [0, 0], [rows / 2, WIDTH]);
    return { outputs: { sum: tf.sum(matMul(matMul(half, head!, false, true), head!)) } };
  },
});

const SPEC: ProgramSpec = {
  variables: {
    x: { shape: [ROWS, WIDTH], dtype: 'float32', role: 'frozen' },
    projection: { shape: [FORWARD, WIDTH], dtype: 'float32', role: 'frozen' },
    head: { shape: [HEAD, WIDTH], dtype: 'float32', role: 'frozen' },
  },
  entries: { few: products(FEW), all: products(ROWS) },
};

/** Values of one size, positive and negative, none of which is a special case for a processor. */
const VALUES = () =>
  Object.entries(SPEC.variables).map(([name, { shape }]) => {
    const values = Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => ((i * 0.618034) % 1) - 0.5);
    return [name, float32(shape, values)] as const;
  });
