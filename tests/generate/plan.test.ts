import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateOptions } from '../../src/generate/options.js';
import { enlarge, fitInto, planDecode } from '../../src/generate/plan.js';

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

describe('a program that was made for another plan', () => {
  const made = plan([5, 40, 12], 20, 2);

  test('carries out a plan with fewer and shorter prompts', () => {
    const wanted = plan([3], 10, 2);
    expect(fitInto(wanted, made)).toMatchObject({ batches: wanted.batches, shape: made.shape });
  });

  test.each([
    ['more rows', plan([5, 6, 7], 20, 3)],
    ['longer texts', plan([40], 60, 2)],
    ['a prompt longer than a chunk', plan([60], 1, 2)],
    ['another way to choose', { ...plan([5], 5, 1), options: generateOptions.parse({ maxTokens: 5, temperature: 1 }) }],
  ])('does not carry out one with %s', (_, wanted) => {
    expect(fitInto(wanted, made)).toBeUndefined();
  });

  test('one that draws among as many candidates is needed', () => {
    const draws = (topK: number) => ({
      ...plan([5], 5, 1),
      options: generateOptions.parse({ maxTokens: 5, temperature: 1, topK }),
    });
    expect(fitInto(draws(5), draws(5))).toBeDefined();
    expect(fitInto(draws(5), draws(6))).toBeUndefined();
  });

  test('the next one has twice the slots, and takes any prompt that they hold', () => {
    const wanted = plan([50], 30, 2);
    const larger = enlarge(wanted, made, 4096);
    expect(larger.shape.slots).toBe(2 * made.shape.slots);
    expect(fitInto(plan([larger.shape.slots - 16], 8, 1), larger)).toBeDefined();
  });

  test('the next one has no more slots than the model has positions, but all that are asked for', () => {
    expect(enlarge(plan([50], 30, 2), made, 85).shape.slots).toBe(96);
    expect(enlarge(plan([50], 90, 2), made, 85).shape.slots).toBe(plan([50], 90, 2).shape.slots);
  });
});
