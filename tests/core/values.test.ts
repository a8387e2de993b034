import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOf, sha256, stableJson } from '../../src/core/hash.js';
import { float32, int32, sizeOf } from '../../src/core/host-tensor.js';

describe('hashes', () => {
  it("are SHA-256 of JSON with sorted keys (Python's hashlib gives the same)", () => {
    const expected = '447ad8b2e4e727f5366dbf09eef53ac13677eaef4af3f56f37ec78121c8aa34f';
    expect(hashOf({ b: 2, a: [1, { d: 'x', c: null }] })).toBe(expected);
    expect(sha256(new TextEncoder().encode('{"a":[1,{"c":null,"d":"x"}],"b":2}'))).toBe(expected);
  });

  it('do not depend on the order of keys, and do on the order of lists', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(stableJson(reversed)).toBe(stableJson(value));
      }),
    );
    expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]));
  });
});

describe('host tensors', () => {
  it('must be filled', () => {
    expect(float32([2, 2], [1, 2, 3, 4]).data).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(int32([], [5]).shape).toEqual([]);
    expect(sizeOf([3, 0, 2])).toBe(0);
    expect(() => int32([2, 3], [1, 2])).toThrow('expected 6 elements for shape [2, 3], got 2');
  });
});
