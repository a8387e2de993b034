import { expect } from 'vitest';
import { type HostTensor, sizeOf } from '../../../src/core/host-tensor.js';
import { typicalError } from '../../helpers/rounding.js';
import type { Case } from './cases.js';
import { DRAWS, type Played } from './play.js';

/**
 * The longest sum of a case: over a row of a matrix, over the tokens of a call, or over all that a
 * vector of an optimizer's group holds, whose squares are added up for the norm.
 */
const longestSum = ({ spec, calls }: Case): number =>
  Math.max(
    ...Object.values(spec.variables).flatMap(({ shape, role }) => (role === 'trainable' ? [sizeOf(shape)] : shape)),
    ...calls.flatMap(({ feeds }) => Object.values(feeds).map(({ shape }) => sizeOf(shape))),
  );

/**
 * What another order of float32's sums, or another way to write exp, comes to, as
 * {@link DISTURBANCE} does it for bfloat16: as if every matrix that goes into a product were off by
 * what a sum of that length is.
 */
export const float32Disturbance = (made: Case): number => typicalError(longestSum(made));

/**
 * How far bfloat16 may be off. A number of 8 significant bits is off by 2^-8 of itself at most, by
 * 2^-9 in the mean square. Every product x W rounds three times (x, W and what it gives),
 * independently: that is as if W alone were off by sqrt(3) 2^-9, and the rest were exact. What this
 * comes to at the other end, through all layers and back, with the sums that cancel out (softmax
 * less target, the softmax's own gradient) and those that do not, is not guessed: the reference is
 * run again, in float32, with every matrix that goes into a product disturbed at random by that
 * much.
 */
export const DISTURBANCE = Math.sqrt(3) * 2 ** -9;

/**
 * What a precision is off by may be this much more than what {@link DRAWS} disturbed runs were off
 * by, in the mean square over a tensor's elements and in the largest of them. The two are samples
 * of one distribution by the argument above: for a tensor of many elements 0.5 to 1.5 times were
 * seen.
 */
export const FACTOR = 4;

/**
 * The same for tensors of fewer than {@link FEW} elements. For a scalar the ratio is Student's t
 * with 6 degrees of freedom: beyond 4 once in 140 times, and there are some dozens of scalars on
 * each kind of machine; beyond 16 four times in a million.
 */
const FACTOR_OF_FEW = 16;
const FEW = 16;

/**
 * The same for the median of all tensors of a call, where there are several, in the mean square:
 * 0.5 to 1.2 were seen.
 */
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

/** What is compared, and how much more than a single call is off by. */
interface Comparison {
  readonly compared?: typeof results;
  /** Calls whose deviations add up. */
  readonly calls?: number;
}

/**
 * Every element of what a call gave and changed is off from the reference's by no more than
 * {@link FACTOR} times what runs that were disturbed by {@link float32Disturbance} were off by, or,
 * where nothing disturbed goes in, by what a sum of that length is off by. Integers are equal.
 */
export function expectFloat32(
  made: Case,
  actual: Played,
  expected: Played,
  disturbed: readonly Played[],
  { compared = results, calls = 1 }: Comparison = {},
): void {
  const own = new Map(compared(made, actual));
  const others = disturbed.map((played) => new Map(compared(made, played)));
  const sum = float32Disturbance(made);
  for (const [name, value] of compared(made, expected)) {
    if (value.dtype === 'int32') {
      expect(own.get(name), name).toEqual(value);
      continue;
    }
    const seen = Math.max(...others.map((other) => deviation(other.get(name)!, value).largest));
    const limit = calls * FACTOR * Math.max(seen, sum * magnitude(value));
    expect(deviation(own.get(name)!, value).largest, name).toBeLessThanOrEqual(limit);
  }
}

/**
 * The same for bfloat16, by what disturbed runs were off by. Tokens must be equal where no run
 * chose another, of `wider` ones, which are disturbed by {@link FACTOR} times as much, either: six
 * runs alike leave one in seven for the next one.
 */
export function expectBfloat16(
  made: Case,
  actual: Played,
  expected: Played,
  disturbed: readonly Played[],
  wider: readonly Played[] = [],
): void {
  if (PRODUCT_FREE.has(expected.call.entry)) {
    const uncached = function* (...played: Parameters<typeof results>) {
      for (const result of results(...played)) if (!isCache(made, result[0])) yield result;
    };
    expectFloat32(made, actual, expected, disturbed, { compared: uncached });
    return;
  }
  const own = new Map(movements(made, actual));
  const others = disturbed.map((played) => new Map(movements(made, played)));
  const choosing = [...others, ...wider.map((played) => new Map(movements(made, played)))];
  const ratios: number[] = [];
  for (const [name, value] of movements(made, expected)) {
    const values = others.map((other) => other.get(name)!);
    if (value.dtype === 'int32') {
      for (const [row, choice] of value.data.entries())
        if (choosing.every((other) => other.get(name)!.data[row] === choice))
          expect(own.get(name)!.data[row], `${name} ${row}`).toBe(choice);
      continue;
    }
    const off = deviation(own.get(name)!, value);
    const seen = values.map((other) => deviation(other, value));
    const rms = Math.sqrt(seen.reduce((sum, each) => sum + each.rms ** 2, 0) / seen.length);
    const largest = Math.max(...seen.map((each) => each.largest));
    const factor = sizeOf(value.shape) < FEW ? FACTOR_OF_FEW : FACTOR;
    expect(off.rms, `${name}, mean square`).toBeLessThanOrEqual(factor * rms);
    expect(off.largest, `${name}, largest`).toBeLessThanOrEqual(factor * largest);
    if (rms > 0) ratios.push(off.rms / rms);
  }
  if (ratios.length < 3) return;
  const median = ratios.sort((a, b) => a - b)[ratios.length >> 1]!;
  expect(median, 'half of all tensors').toBeLessThanOrEqual(MEDIAN);
  expect(median, 'half of all tensors').toBeGreaterThan(MEDIAN / LOOSEST);
}
