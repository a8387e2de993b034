import fc from 'fast-check';
import { expect, it } from 'vitest';
import { roundShort, scaleToOrdinary } from '../../src/core/ordinary.js';

it('leaves numbers of ordinary size alone', () => {
  for (const values of [[], [0], [1e-99], [-1e99, 5e-324], [-3.5, 4]]) expect(scaleToOrdinary(values)).toBe(1);
});

it('brings all others to a size that can be calculated with', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(finite, { minLength: 1 }), (values) => {
      const scale = scaleToOrdinary(values);
      const most = Math.max(...values.map((value) => Math.abs(value * scale)));
      expect(most === 0 || (most > 1e-101 && most < 1e101)).toBe(true);
    }),
    { seed: 13, numRuns: 500 },
  );
});

it.each([
  [3.456789, 3.4568],
  [0.1 + 0.2, 0.3],
  [0, 0],
  [-0.00012345678, -0.0001235],
  [4.9e-324, 5e-324],
  [Number.MAX_VALUE, Number.MAX_VALUE],
  [123456789.123456, 123456789.1235],
])('rounds %f to what is short and near', (value, short) => {
  expect(roundShort(value)).toBe(short);
});
