import { expect } from 'vitest';
import { type HostTensor, sizeOf } from '../../../src/core/host-tensor.js';
import type { Case } from './cases.js';
import type { Played } from './play.js';

/**
 * How far float32 may be off in any element, relative to the largest magnitude of its tensor (of its own matrix, where a variable
 * holds several). An element that is small beside it is the sum of terms of that size, added up in another order.
 */
const FLOAT32 = 1e-5;

/**
 * How far bfloat16 may be off. A number of 8 significant bits is off by 2^-8 of itself at most, by 2^-9 in the mean square. Every
 * product x W rounds three times (x, W and what it gives), independently: that is as if W alone were off by sqrt(3) 2^-9, and the rest
 * were exact. What this comes to at the other end, through all layers and back, with the sums that cancel out (softmax less
 * target, the softmax's own gradient) and those that do not, is not guessed: the reference is run again, in float32, with every
 * matrix that goes into a product disturbed at random by that much.
 */
export const DISTURBANCE = Math.sqrt(3) * 2 ** -9;

/** Disturbed runs that the deviation is estimated from. */
export const DRAWS = 6;

/**
 * What bfloat16 is off by may be this much more than what {@link DRAWS} disturbed runs were off by, in the mean square over a tensor's
 * elements and in the largest of them. The two are samples of one distribution by the argument above: for a tensor of many elements
 * 0.5 to 1.5 times were seen, for a scalar the ratio is Student's t with 6 degrees of freedom, beyond 4 once in 140 times.
 */
const FACTOR = 4;

/** The same for the median of all tensors of a call, where there are several, in the mean square: 0.5 to 1.2 were seen. */
const MEDIAN = 1.5;

/** And it must be a tenth of that at least, or products are not rounded at all. */
const LOOSEST = 10;

/** Entries without products, which are float32 throughout. */
const PRODUCT_FREE: ReadonlySet<string> = new Set(['applyAccumulated', 'chooseAll']);

const isCache = ({ spec }: Case, name: string): boolean => spec.variables[name]?.role === 'cache';

/** All that a call gave and changed, tensor by tensor, each matrix of a vector by itself. */
function* results(made: Case, { outputs, after }: Played): Generator<readonly [name: string, value: HostTensor]> {
  yield* Object.entries(outputs);
  for (const [name, value] of after) yield* made.parts(name, value);
}

/** The same, with how far trained values moved instead of where they are: before, they are the same. */
function* movements(made: Case, { outputs, before, after }: Played): ReturnType<typeof results> {
  yield* Object.entries(outputs);
  for (const [name, value] of after) {
    const old = made.spec.variables[name]!.role === 'trainable' ? before.get(name)!.data : undefined;
    const moved = old ? ({ ...value, data: value.data.map((x, i) => x - old[i]!) } as HostTensor) : value;
    yield* made.parts(name, moved);
  }
}

interface Deviation {
  readonly rms: number;
  readonly largest: number;
}

function deviation(actual: HostTensor, expected: HostTensor): Deviation {
  expect([actual.shape, actual.dtype]).toEqual([expected.shape, expected.dtype]);
  let [squares, largest] = [0, 0];
  for (const [i, value] of expected.data.entries()) {
    const off = Math.abs(actual.data[i]! - value);
    squares += off * off;
    // Not Math.max: what is not a number must not pass for less.
    if (!(off <= largest)) largest = off;
  }
  return { rms: Math.sqrt(squares / sizeOf(expected.shape)), largest };
}

function magnitude({ data }: HostTensor): number {
  let most = 0;
  for (const x of data) most = Math.max(most, Math.abs(x));
  return most;
}

/** Every element of what a call gave and changed is within {@link FLOAT32} of the reference's, integers are equal. */
export function expectFloat32(
  made: Case,
  actual: Played,
  expected: Played,
  { compared = results, within = FLOAT32 } = {},
): void {
  const own = new Map(compared(made, actual));
  for (const [name, value] of compared(made, expected)) {
    if (value.dtype === 'int32') expect(own.get(name), name).toEqual(value);
    else expect(deviation(own.get(name)!, value).largest, name).toBeLessThanOrEqual(within * magnitude(value));
  }
}

/** The same for bfloat16, by what disturbed runs were off by. Tokens must be equal where no disturbed run chose another. */
export function expectBfloat16(made: Case, actual: Played, expected: Played, disturbed: readonly Played[]): void {
  if (PRODUCT_FREE.has(expected.call.entry)) {
    const uncached = function* (...played: Parameters<typeof results>) {
      for (const result of results(...played)) if (!isCache(made, result[0])) yield result;
    };
    expectFloat32(made, actual, expected, { compared: uncached });
    return;
  }
  const own = new Map(movements(made, actual));
  const others = disturbed.map((played) => new Map(movements(made, played)));
  const ratios: number[] = [];
  for (const [name, value] of movements(made, expected)) {
    const values = others.map((other) => other.get(name)!);
    if (value.dtype === 'int32') {
      for (const [row, choice] of value.data.entries())
        if (values.every(({ data }) => data[row] === choice))
          expect(own.get(name)!.data[row], `${name} ${row}`).toBe(choice);
      continue;
    }
    const off = deviation(own.get(name)!, value);
    const seen = values.map((other) => deviation(other, value));
    const rms = Math.sqrt(seen.reduce((sum, each) => sum + each.rms ** 2, 0) / seen.length);
    const largest = Math.max(...seen.map((each) => each.largest));
    expect(off.rms, `${name}, mean square`).toBeLessThanOrEqual(FACTOR * rms);
    expect(off.largest, `${name}, largest`).toBeLessThanOrEqual(FACTOR * largest);
    if (rms > 0) ratios.push(off.rms / rms);
  }
  if (ratios.length < 3) return;
  const median = ratios.sort((a, b) => a - b)[ratios.length >> 1]!;
  expect(median, 'half of all tensors').toBeLessThanOrEqual(MEDIAN);
  expect(median, 'half of all tensors').toBeGreaterThan(MEDIAN / LOOSEST);
}
