import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BatchSize } from '../../src/data/batch-shapes.js';
import { chooseSizes, packLines } from '../../src/data/pack.js';

const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 120 });
const sizes = fc
  .array(fc.record({ length: fc.integer({ min: 20, max: 699 }), lines: fc.integer({ min: 1, max: 5 }) }), {
    maxLength: 2,
  })
  .map((shorter): BatchSize[] => [...shorter.sort((x, y) => x.length - y.length), { length: 700, lines: 2 }]);

describe('packing', () => {
  test('every row is in one line, no line is too full, and longer lines come in whole batches', async () => {
    await fc.assert(
      fc.property(lengths, sizes, (rows, kinds) => {
        const packed = packLines(rows, kinds);
        expect(packed.flat(2).sort((x, y) => x - y)).toEqual(rows.map((_, i) => i));
        for (const [kind, lines] of packed.entries()) {
          for (const line of lines)
            expect(line.reduce((n, i) => n + rows[i]!, 0)).toBeLessThanOrEqual(kinds[kind]!.length);
          if (kind > 0) expect(lines.length % kinds[kind]!.lines).toBe(0);
          else for (const line of lines) expect(line.length).toBeGreaterThan(0);
        }
      }),
      { seed: 3 },
    );
  });

  test('into lines of one length it is best fit, the longest first', async () => {
    await fc.assert(
      fc.property(lengths, (rows) => {
        // The rule, word for word and slowly; among lines of equal room either may be taken, so the rooms are compared.
        const rooms: number[] = [];
        for (const length of rows.toSorted((x, y) => y - x)) {
          const fitting = rooms.filter((room) => room >= length);
          if (fitting.length === 0) rooms.push(700 - length);
          else rooms[rooms.indexOf(Math.min(...fitting))]! -= length;
        }
        const [lines] = packLines(rows, [{ length: 700, lines: 3 }]);
        const left = lines!.map((line) => 700 - line.reduce((n, i) => n + rows[i]!, 0));
        expect(left.sort((x, y) => x - y)).toEqual(rooms.sort((x, y) => x - y));
      }),
      { seed: 4 },
    );
  });

  test('short rows fill the lines that long ones have opened', () => {
    const packed = packLines(
      [50, 600, 40, 10],
      [
        { length: 100, lines: 1 },
        { length: 700, lines: 2 },
      ],
    );
    expect(packed).toEqual([[], [[], [1, 0, 2, 3]]]);
  });
});

test('a row longer than every line is an error', () => {
  expect(() => packLines([8, 33], [{ length: 32, lines: 1 }])).toThrow('a row of 33 tokens');
});

describe('sizes', () => {
  const given = { batchRows: 4, padTo: 32, passes: 3 };
  const short = Array.from({ length: 500 }, (_, i) => 60 + ((i * 37) % 90));

  test('few rows, or rows much alike, get a single one', () => {
    expect(chooseSizes([[70, 90, 40]], given)).toHaveLength(1);
    expect(chooseSizes([short.map(() => 64)], given)).toEqual([{ length: 64, lines: 4 }]);
  });

  test('one long row among many gets a size of its own', () => {
    const chosen = chooseSizes([[...short, 900]], given);
    expect(chosen.length).toBeGreaterThan(1);
    expect(chosen.at(-1)).toEqual({ length: 928, lines: 1 });
    expect(chosen[0]!.length).toBeLessThan(400);
  });

  test('a long run over short rows takes every length that there is, and stops there', () => {
    const rows = [
      [20, 90, 25, 40],
      [60, 30, 55, 31],
      [90, 28, 20, 61],
    ];
    const chosen = chooseSizes(rows, { ...given, passes: 1e6 });
    expect(chosen.map(({ length }) => length)).toEqual([32, 64, 96]);
  });

  test('no more than are asked for: then longer rows get no lines of another size', () => {
    const rows = [[...short, 900]];
    expect(chooseSizes(rows, { ...given, packLength: 256 }).map(({ length }) => length)).toEqual([256, 928]);
    expect(chooseSizes(rows, { ...given, packLength: 256, maxShapes: 1 }).map(({ length }) => length)).toEqual([928]);
    // Three where none are asked for, as below.
    const stages = [
      [20, 90, 25, 40],
      [60, 30, 55, 31],
      [90, 28, 20, 61],
    ];
    const chosen = [1, 2].map((maxShapes) => chooseSizes(stages, { ...given, passes: 1e6, maxShapes }));
    expect(chosen.map((sizes) => sizes.length)).toEqual([1, 2]);
    for (const sizes of chosen) expect(sizes.at(-1)!.length).toBeGreaterThanOrEqual(90);
  });

  test('they do not depend on the order of the rows or the stages', () => {
    const [chosen, turned] = [
      chooseSizes([short, [900, 300]], given),
      chooseSizes([[300, 900], short.toReversed()], given),
    ];
    expect(turned).toEqual(chosen);
  });

  test('a batch has room for its rows on average', () => {
    const mean = short.reduce((x, y) => x + y, 0) / short.length;
    for (const batchRows of [2, 4, 8, 16, 64]) {
      const [{ lines, length }] = chooseSizes([short], { ...given, batchRows }) as [BatchSize];
      expect(Math.abs((lines * length) / (batchRows * mean) - 1)).toBeLessThan(0.4);
    }
  });

  test('many lines a batch come out even with the stages: hardly any is computed empty', () => {
    const stages = [short.slice(0, 200), short.slice(200)];
    const chosen = chooseSizes(stages, { ...given, batchRows: 64 });
    let computed = 0;
    for (const packed of stages.map((stage) => packLines(stage, chosen)))
      for (const [kind, { lines, length }] of chosen.entries())
        computed += Math.ceil(packed[kind]!.length / lines) * lines * length;
    expect(computed).toBeLessThan(1.1 * short.reduce((x, y) => x + y, 0));
  });

  test('a given length is taken, rounded up, with longer lines only where a row needs it', () => {
    expect(chooseSizes([short], { ...given, packLength: 250 })).toEqual([{ length: 256, lines: 2 }]);
    expect(chooseSizes([short], { ...given, packLength: 100 }).map(({ length }) => length)).toEqual([128, 160]);
  });
});
