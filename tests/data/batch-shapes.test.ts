import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BatchShape, fitShapes, lineWork, SHAPE_WORK } from '../../src/data/batch-shapes.js';

const needs = (lines: number, length: number, targets: number, count = 1): BatchShape[] =>
  Array.from({ length: count }, () => ({ lines, length, targets }));
const distinct = (shapes: readonly BatchShape[]) => new Map(shapes.map((shape) => [JSON.stringify(shape), shape]));

test('few batches get one shape that all of them fit', () => {
  const shapes = fitShapes([...needs(4, 64, 10), ...needs(4, 96, 70), ...needs(4, 32, 1)], 32);
  expect(shapes).toEqual(new Array(3).fill({ lines: 4, length: 96, targets: 96 }));
});

test('a batch that occurs often enough to pay for a graph of its own gets it', () => {
  const rest = needs(4, 512, 900, 10);
  // A short one saves 2048 - 256 positions and their longer attention: about 3,000 of them are far
  // more than a graph's 8,192.
  const [first, ...others] = fitShapes([...needs(4, 64, 30, 100), ...rest], 32);
  expect(first).toEqual({ lines: 4, length: 64, targets: 32 });
  expect(others.at(-1)).toEqual({ lines: 4, length: 512, targets: 928 });
  expect(distinct(fitShapes([...needs(4, 64, 30, 1), ...rest], 32)).size).toBe(1);
});

test('places for trained tokens get two sizes where that saves enough work at the head', () => {
  const shapes = fitShapes([...needs(1, 512, 40, 400), ...needs(1, 512, 400, 5)], 32);
  expect([...distinct(shapes).values()]).toEqual([
    { lines: 1, length: 512, targets: 64 },
    { lines: 1, length: 512, targets: 416 },
  ]);
});

test('batches with other numbers of lines never share a shape', () => {
  const shapes = fitShapes([...needs(1, 64, 5), ...needs(2, 64, 5)], 32);
  expect(shapes.map(({ lines }) => lines)).toEqual([1, 2]);
});

describe('for any batches', () => {
  const batch = fc.record({
    lines: fc.integer({ min: 1, max: 3 }),
    length: fc.integer({ min: 1, max: 30 }).map((n) => n * 16),
    targets: fc.integer({ min: 0, max: 400 }),
  });
  const batches = fc.array(
    fc.tuple(batch, fc.integer({ min: 1, max: 60 })).map(([one, n]) => new Array<BatchShape>(n).fill(one)),
    { minLength: 1, maxLength: 12 },
  );
  const work = ({ lines, length, targets }: BatchShape) => lineWork(lines, length) + 0.25 * targets;
  const total = (shapes: readonly BatchShape[]) =>
    shapes.reduce((n, shape) => n + work(shape), 0) + SHAPE_WORK * distinct(shapes).size;

  test('each fits its shape, shapes are few, and neither one shape for all nor one for each is less work', async () => {
    await fc.assert(
      fc.property(batches, (groups) => {
        const all = groups.flat();
        const shapes = fitShapes(all, 16);
        const up = (n: number) => Math.max(32, Math.ceil(n / 32) * 32);
        const largest = (lines: number, of: (needs: BatchShape) => number) =>
          Math.max(...all.filter((needs) => needs.lines === lines).map(of));
        for (const [i, shape] of shapes.entries()) {
          expect(shape.lines).toBe(all[i]!.lines);
          expect(shape.length).toBeGreaterThanOrEqual(all[i]!.length);
          expect(shape.targets).toBeGreaterThanOrEqual(all[i]!.targets);
        }
        expect(distinct(shapes).size).toBeLessThanOrEqual(8 * new Set(all.map(({ lines }) => lines)).size);
        const one = all.map(({ lines }) => ({
          lines,
          length: largest(lines, (needs) => needs.length),
          targets: up(largest(lines, (needs) => needs.targets)),
        }));
        expect(total(shapes)).toBeLessThanOrEqual(total(one) + 1e-6);
        const own = all.map(({ lines, length, targets }) => ({ lines, length, targets: up(targets) }));
        if (distinct(own).size <= 2) expect(total(shapes)).toBeLessThanOrEqual(total(own) + 1e-6);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  test('no more shapes than are asked for, into which all fit; the same where that is enough', async () => {
    await fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 6 }), (groups, most) => {
        const all = groups.flat();
        const shapes = fitShapes(all, 16, most);
        expect(distinct(shapes).size).toBeLessThanOrEqual(most);
        for (const [i, shape] of shapes.entries())
          for (const of of ['lines', 'length', 'targets'] as const)
            expect(shape[of]).toBeGreaterThanOrEqual(all[i]![of]);
        const free = fitShapes(all, 16);
        if (distinct(free).size <= most) expect(shapes).toEqual(free);
      }),
      { seed: 12, numRuns: 60 },
    );
  });
});

test('of too many shapes those are joined that cost the least', () => {
  const many = [...needs(4, 512, 900, 100), ...needs(4, 480, 800, 100), ...needs(4, 64, 30, 100)];
  expect(distinct(fitShapes(many, 32)).size).toBe(3);
  expect([...distinct(fitShapes(many, 32, 2)).values()]).toEqual([
    { lines: 4, length: 512, targets: 928 },
    { lines: 4, length: 64, targets: 32 },
  ]);
});
