import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateOptions } from '../../src/generate/options.js';
import { planDecode } from '../../src/generate/plan.js';

const prompt = (length: number) => new Int32Array(length);
const plan = (lengths: readonly number[], maxTokens: number, rows: number) =>
  planDecode(lengths.map(prompt), generateOptions.parse({ maxTokens }), rows);

describe('planDecode', () => {
  test('every prompt is answered once, in few and even batches, and fits its slots', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 20 }),
        (lengths, maxTokens, rows) => {
          const { shape, batches } = plan(lengths, maxTokens, rows);
          expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          expect(batches.length).toBe(Math.ceil(lengths.length / rows));
          for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(shape.rows);
          // No more rows idle than there are batches but one.
          expect(shape.rows * batches.length - lengths.length).toBeLessThan(batches.length);
          const longest = Math.max(...lengths);
          expect(shape.slots).toBeGreaterThanOrEqual(longest + maxTokens - 1);
          expect(shape.slots).toBeGreaterThanOrEqual(Math.ceil(longest / shape.chunk) * shape.chunk);
          expect(shape.slots).toBeLessThan(longest + maxTokens + Math.max(16, shape.chunk));
        },
      ),
    );
  });

  test('prompts of like length are answered together, in their order', () => {
    expect(plan([90, 5, 80, 7, 6, 85], 4, 3).batches).toEqual([
      [1, 3, 4],
      [0, 2, 5],
    ]);
  });

  test('a long prompt goes through in pieces, the larger the fewer rows there are', () => {
    const chunk = (length: number, rows: number) => plan(Array<number>(rows).fill(length), 1, rows).shape.chunk;
    expect(chunk(40, 16)).toBe(48);
    expect(chunk(500, 16)).toBe(64);
    expect(chunk(500, 4)).toBe(256);
    expect(chunk(5000, 1)).toBe(1024);
  });

  test('no prompt, or an empty one, is refused', () => {
    expect(() => plan([], 1, 1)).toThrow(RangeError);
    expect(() => plan([3, 0], 1, 1)).toThrow(RangeError);
  });
});
