import { expect } from 'vitest';
import type { HostTensor } from '../../src/core/host-tensor.js';

/**
 * Largest error of any element, relative to the element itself or, where that is larger, to the reference's root mean
 * square: an element near zero is a sum of terms of that size, and float32 cannot give it more digits on either side.
 */
export function largestRelativeError(actual: HostTensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  let squares = 0;
  for (const value of expected.data) squares += value * value;
  const typical = Math.sqrt(squares / expected.data.length);
  let worst = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const error = Math.abs(actual.data[i]! - expected.data[i]!) / Math.max(Math.abs(expected.data[i]!), typical);
    worst = error > worst || Number.isNaN(error) ? error : worst;
  }
  return worst;
}
