import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float32 } from '../../../src/core/host-tensor.js';
import { random } from '../../../src/core/random.js';
import { quantizeRows } from '../../../src/program/captured/quantize-rows.js';

const RUNS = { numRuns: 1000, seed: 3 };
const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const rows = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 7 }))
  .chain(([o, i]) => fc.array(finite, { minLength: o * i, maxLength: o * i }).map((data) => float32([o, i], data)));

test('no element moves by more than half a step of its own row', () => {
  fc.assert(
    fc.property(rows, (weight) => {
      const { shape, data, scales } = quantizeRows(weight);
      const [outputs, inputs] = shape;
      expect([shape, data.length, scales.length]).toEqual([weight.shape, outputs * inputs, outputs]);
      for (let o = 0; o < outputs; o++) {
        const row = weight.data.subarray(o * inputs, (o + 1) * inputs);
        const largest = Math.max(...row.map(Math.abs));
        // A scale of 17 bits is off by 2^-17 of it at most, or by 2^-150 where it is subnormal: 127
        // times that at the largest element.
        const rounding = 127 * Math.max(scales[o]! * 2 ** -17, 2 ** -150);
        expect(Math.abs(scales[o]! * 127 - largest)).toBeLessThanOrEqual(rounding);
        row.forEach((x, i) => {
          const q = data[o * inputs + i]!;
          expect(Math.abs(q)).toBeLessThanOrEqual(127);
          expect(Math.abs(q * scales[o]! - x)).toBeLessThanOrEqual(scales[o]! / 2 + rounding);
        });
      }
    }),
    RUNS,
  );
});

test('rows do not share a scale; the largest of each is 127 steps, whatever its sign; midpoints go to the even step', () => {
  const weight = float32([3, 4], [127, 0.5, 1.5, -2.5, -254, 1, 3, -127, 0, 0, -0, 0]);
  const { data, scales } = quantizeRows(weight);
  expect([...scales]).toEqual([1, 2, 0]);
  expect([...data]).toEqual([127, 0, 2, -2, -127, 0, 2, -64, 0, 0, 0, 0]);
});

test('steps are exact in float32, and what was quantized comes back to the bit when it is quantized again', () => {
  fc.assert(
    fc.property(rows, (weight) => {
      const { shape, data, scales } = quantizeRows(weight);
      // Where a step is subnormal there are not 17 bits for it.
      fc.pre(scales.every((scale) => scale === 0 || scale > 2 ** -100));
      const exact = Array.from(data, (q, i) => q * scales[Math.floor(i / shape[1])]!);
      const back = float32(shape, exact);
      expect([...back.data]).toEqual(exact);
      const again = quantizeRows(back);
      expect([again.data, again.scales]).toEqual([data, scales]);
    }),
    RUNS,
  );
});

test('normal weights keep all but a hundredth of their length', () => {
  const { normal } = random(2);
  const weight = float32(
    [16, 576],
    Float32Array.from({ length: 16 * 576 }, () => 0.02 * normal()),
  );
  const { data, scales } = quantizeRows(weight);
  const squares = (of: (i: number) => number) => weight.data.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  const error = squares((i) => data[i]! * scales[Math.floor(i / 576)]! - weight.data[i]!);
  expect(Math.sqrt(error / squares((i) => weight.data[i]!))).toBeLessThan(0.01);
});

test.each([Number.NaN, Infinity, -Infinity])('%d is refused with its row', (bad) => {
  expect(() => quantizeRows(float32([3, 2], [1, 2, 3, bad, 5, 6]))).toThrow(
    `row 1: expected finite values, found ${bad}`,
  );
});

test('what is no matrix is refused', () => {
  expect(() => quantizeRows(float32([2, 1, 1], [1, 2]))).toThrow('expected a matrix [outputs, inputs], got [2,1,1]');
});
