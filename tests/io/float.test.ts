import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bfloat16 } from '../../src/core/host-tensor.js';
import { bitsOf, rounded, toBfloat16, widen, widened } from '../../src/io/float.js';

const RUNS = { numRuns: 2000, seed: 11 };
const everyPattern = Uint16Array.from({ length: 65536 }, (_, i) => i);
const pattern = fc.integer({ min: 0, max: 0xffffffff });
/** Patterns beside and at the midpoints between bfloat16 values, and any others. */
const floatBits = fc.oneof(
  pattern,
  fc.tuple(fc.nat(0xffff), fc.constantFrom(0, 1, 0x7fff, 0x8000, 0x8001, 0xffff)).map(([h, l]) => h * 65536 + l),
);
const floats = fc.array(floatBits, { maxLength: 9 }).map((bits) => new Float32Array(Uint32Array.from(bits).buffer));

/** What a bfloat16 pattern stands for, from the definition of its bits; no NaN. */
function valueFrom(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 7) & 255, bits & 127];
  if (exponent === 255) return sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -133 : (1 + fraction / 128) * 2 ** (exponent - 127));
}

/**
 * The nearest pattern by exact arithmetic on its two neighbours, the even one at the midpoint;
 * beyond the last it is infinity.
 */
function nearest(x: number): number {
  const sign = Object.is(Math.sign(x), -0) || x < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  let [low, high] = [0, 0x7f80];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (valueFrom(middle) <= magnitude) low = middle;
    else high = middle;
  }
  // Infinity takes the place of the next power of two, as if exponents went on.
  const above = high === 0x7f80 ? 2 ** 128 : valueFrom(high);
  if (magnitude === Infinity) return sign | 0x7f80;
  const [down, up] = [magnitude - valueFrom(low), above - magnitude];
  return sign | (down < up || (down === up && low % 2 === 0) ? low : high);
}

describe('rounding to bfloat16', () => {
  test('is to the nearest, to the even one at the midpoint, for zeros, subnormals, overflow and infinity too', () => {
    const check = (x: Float32Array) => {
      const got = toBfloat16(x);
      x.forEach((value, i) => {
        if (!Number.isNaN(value)) expect(got[i]).toBe(nearest(value));
      });
    };
    fc.assert(fc.property(floats, check), RUNS);
    check(Float32Array.of(0, -0, 1e-45, -1e-45, 9.2e-41, 3.3895e38, 3.3961e38, -3.4e38, Infinity, -Infinity));
  });

  test('keeps NaN, with its sign, whatever its payload', () => {
    const signed = fc.tuple(fc.integer({ min: 1, max: 0x7fffff }), fc.boolean());
    fc.assert(
      fc.property(signed, ([payload, negative]) => {
        const bits = Uint32Array.of((0x7f800000 | payload | (negative ? 0x80000000 : 0)) >>> 0);
        const [got] = toBfloat16(new Float32Array(bits.buffer));
        expect(got! >> 15).toBe(negative ? 1 : 0);
        expect(got! & 0x7f80).toBe(0x7f80);
        expect(got! & 0x7f).not.toBe(0);
      }),
      RUNS,
    );
  });

  test('goes into the first half of its own buffer, and into an array that was given', () => {
    fc.assert(
      fc.property(floats, fc.nat(3), (x, before) => {
        const expected = [...toBfloat16(x)];
        const larger = new Float32Array(before + x.length);
        larger.set(x, before);
        const own = larger.subarray(before);
        expect([...toBfloat16(own, new Uint16Array(own.buffer, own.byteOffset, own.length))]).toEqual(expected);
        const into = new Uint16Array(x.length);
        expect(toBfloat16(x, into)).toBe(into);
        expect([...into]).toEqual(expected);
      }),
      RUNS,
    );
  });
});

describe('widening bfloat16', () => {
  test('gives every pattern its value, exactly, and rounding gives the pattern back', () => {
    const wide = widened(bfloat16([256, 256], everyPattern));
    expect([wide.dtype, wide.shape]).toEqual(['float32', [256, 256]]);
    const back = rounded(wide);
    expect([back.dtype, back.shape]).toEqual(['bfloat16', [256, 256]]);
    const wrong = everyPattern.filter((bits) => {
      const noNumber = (bits & 0x7f80) === 0x7f80 && (bits & 0x7f) !== 0;
      if (noNumber) return !Number.isNaN(wide.data[bits]);
      return !Object.is(wide.data[bits], valueFrom(bits)) || back.data[bits] !== bits;
    });
    expect([...wrong]).toEqual([]);
  });

  test('reads from the last half of the buffer that it fills', () => {
    const floats = new Float32Array(65536);
    const half = new Uint16Array(floats.buffer, 2 * 65536);
    half.set(everyPattern);
    widen(half, floats, 'BF16');
    const bits = new Uint32Array(floats.buffer);
    expect(bits.every((b, i) => b === i * 65536)).toBe(true);
  });
});

describe('bits for the device', () => {
  test('are the patterns two by two, low half first; an odd end is padded with zeros', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 9 }), fc.nat(3), (patterns, before) => {
        const array = new Uint16Array(before + patterns.length).fill(0xabcd);
        array.set(patterns, before);
        const { shape, dtype, data } = bitsOf(bfloat16([patterns.length], array.subarray(before)));
        const pairs = Math.ceil(patterns.length / 2);
        expect([shape, dtype, data.length]).toEqual([[pairs], 'int32', pairs]);
        const padded = patterns.length % 2 === 0 ? patterns : [...patterns, 0];
        expect([...data].flatMap((b) => [b & 0xffff, b >>> 16])).toEqual(padded);
      }),
      RUNS,
    );
  });

  test('share the array where they can: no copy of a model’s matrix is made', () => {
    const buffer = new ArrayBuffer(64);
    expect(bitsOf(bfloat16([4, 6], new Uint16Array(buffer, 4, 24))).data.buffer).toBe(buffer);
    expect(bitsOf(bfloat16([4, 6], new Uint16Array(buffer, 2, 24))).data.buffer).not.toBe(buffer);
  });
});

test('a tensor that does not fill its shape is refused', () => {
  expect(() => bfloat16([2, 3], new Uint16Array(5))).toThrow('expected 6 elements for shape [2, 3], got 5');
});
