import { expect } from 'vitest';
import type { HostTensor } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import type { ModelFolder } from '../../src/model/load.js';
import { typicalError, UNIT } from './rounding.js';

/** Disturbed runs that a deviation is estimated from. */
const DRAWS = 3;

/**
 * How much more than what they were off by another order of the same sums may be off: both are
 * samples of one distribution.
 */
const FACTOR = 4;

/** What a model's sums are off by, over a row of a matrix or over a vocabulary, as a share of every factor. */
export const modelError = ({ config }: ModelFolder): number =>
  typicalError(Math.max(config.hidden_size, config.intermediate_size, config.vocab_size));

/** The model with every element of its matrices up or down by `size` of itself, which of the two is drawn. */
export function disturbedModel(model: ModelFolder, seed: number, size = modelError(model)): ModelFolder {
  async function* parameters(): ReturnType<ModelFolder['parameters']> {
    for await (const [name, value] of model.parameters()) {
      if (value.shape.length > 1) disturb(value.data as Float32Array, `${seed} ${name}`, size);
      yield [name, value];
    }
  }
  return { ...model, parameters };
}

/** Changes every element in place by `size` of itself, up or down. */
export function disturb(data: Float32Array | number[], label: string, size: number): void {
  const { integer } = random(0, label);
  for (let i = 0, bits = 0; i < data.length; i++, bits >>>= 1) {
    if (i % 24 === 0) bits = integer(2 ** 24);
    data[i]! *= bits & 1 ? 1 + size : 1 - size;
  }
}

/** What `run` gives with something disturbed in it, by the seed that it is given, some times. */
export async function disturbedRuns<T>(run: (seed: number) => Promise<T>, draws = DRAWS): Promise<T[]> {
  const all: T[] = [];
  for (let seed = 1; seed <= draws; seed++) all.push(await run(seed));
  return all;
}

type Numbers = ArrayLike<number> | HostTensor;
const numbersOf = (values: Numbers): ArrayLike<number> => ('data' in values ? values.data : values);

function largestDifference(some: Numbers, others: Numbers): number {
  const [a, b] = [numbersOf(some), numbersOf(others)];
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const off = Math.abs(a[i]! - b[i]!);
    // Not Math.max: what is not a number must not pass for less.
    if (!(off <= largest)) largest = off;
  }
  return largest;
}

/**
 * No element is off by more than {@link FACTOR} times what disturbed runs are off by `from` the
 * same undisturbed, or what rounding the largest element is.
 */
export function expectNear(
  actual: Numbers,
  expected: Numbers,
  disturbed: readonly Numbers[],
  what?: string,
  from = actual,
): void {
  if ('shape' in actual && 'shape' in expected) expect(actual.shape, what).toEqual(expected.shape);
  const magnitude = largestDifference(expected, new Float32Array(numbersOf(expected).length));
  const seen = Math.max(UNIT.float32 * magnitude, ...disturbed.map((other) => largestDifference(other, from)));
  expect(largestDifference(actual, expected), what).toBeLessThanOrEqual(FACTOR * seen);
}
