import { expect } from 'vitest';
import type { HostTensor } from '../../src/core/host-tensor.js';

/**
 * Largest |a - b| / (|b| + s) over all elements, s a tenth of the reference's root mean square: relative for every element
 * that is not close to zero, where float32 sums of either side have no relative precision to speak of.
 */
export function largestRelativeError(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  let squares = 0;
  for (const value of expected.data) squares += value * value;
  const floor = Math.sqrt(squares / expected.data.length) / 10;
  let worst = 0;
  for (let i = 0; i < expected.data.length; i++)
    worst = Math.max(worst, Math.abs(actual.data[i]! - expected.data[i]!) / (Math.abs(expected.data[i]!) + floor));
  return worst;
}
