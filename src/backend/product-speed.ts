import * as tf from './tf.js';

const SIDE = 1024;
const LONG_ENOUGH_MS = 300;

/**
 * Speed of a float32 product of two matrices of 1024 x 1024 on the backend that is loaded, in units
 * of 10^9 floating-point operations a second. Doubles the number of products until they take long
 * enough to be timed; the last one's elements are read to be sure of all.
 */
export async function productSpeed(): Promise<number> {
  const [a, b] = [0, 1].map((seed) => tf.randomUniform([SIDE, SIDE], -1, 1, 'float32', seed));
  try {
    for (let products = 1; ; products *= 2) {
      const start = performance.now();
      for (let i = 1; i < products; i++) tf.matMul(a!, b!).dispose();
      const last = tf.matMul(a!, b!);
      await last.data();
      last.dispose();
      const elapsedMs = performance.now() - start;
      if (elapsedMs >= LONG_ENOUGH_MS) return (products * 2 * SIDE ** 3) / elapsedMs / 1e6;
    }
  } finally {
    tf.dispose([a!, b!]);
  }
}
