import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDuplicates } from '../../src/curriculum/duplicates.js';
import { holdOut as holdOutTyped } from '../../src/curriculum/holdout.js';
import { instructionKey } from '../../src/curriculum/table.js';
import type { InstructionRecord } from '../../src/data/record.js';
import { result, row, rowsOf, tableOf } from './rows.js';

/** Held-out rows of plain lists, in the order of their scores. */
function holdOut(
  rows: readonly InstructionRecord[],
  stageOf: readonly number[],
  { nearDuplicates = 0, ...plan }: { stages: number; holdout: number; seed: number; nearDuplicates?: number },
): boolean[] {
  const { keys, shingles } = tableOf(rows);
  const { clusterOf } = result(findDuplicates(keys, shingles, { ...plan, nearDuplicates }));
  const order = Uint32Array.from(rows.keys()).sort((x, y) => rows[x]!.score! - rows[y]!.score! || x - y);
  return [...holdOutTyped({ order, stageOf: Uint8Array.from(stageOf), clusterOf }, plan)].map(Boolean);
}

const counts = (held: readonly boolean[], stageOf: readonly number[], stages: number) =>
  Array.from({ length: stages }, (_, s) => held.filter((h, i) => h && stageOf[i] === s).length);

describe('holdOut', () => {
  const rows = rowsOf(...Array.from({ length: 100 }, (_, i) => i));
  const stageOf = rows.map((_, i) => (i < 20 ? 0 : i < 50 ? 1 : 2));

  it('takes the share of each stage, rounded', () => {
    expect(counts(holdOut(rows, stageOf, { stages: 3, holdout: 0.25, seed: 0 }), stageOf, 3)).toEqual([5, 8, 13]);
  });

  it('takes a number of each stage, or none', () => {
    expect(counts(holdOut(rows, stageOf, { stages: 3, holdout: 7, seed: 0 }), stageOf, 3)).toEqual([7, 7, 7]);
    expect(counts(holdOut(rows, stageOf, { stages: 3, holdout: 0, seed: 0 }), stageOf, 3)).toEqual([0, 0, 0]);
    expect(counts(holdOut(rows, stageOf, { stages: 3, holdout: 0.001, seed: 0 }), stageOf, 3)).toEqual([1, 1, 1]);
  });

  it('takes as many of the easy rows of a stage as of the hard ones, down to a tenth of it', () => {
    const many = rowsOf(...Array.from({ length: 1000 }, (_, i) => (i * 7) % 1000));
    const half = many.map(({ score }) => (score! < 400 ? 0 : 1));
    const held = holdOut(many, half, { stages: 2, holdout: 0.2, seed: 3 });
    for (const [stage, from, size] of [
      [0, 0, 40],
      [1, 400, 60],
    ] as const)
      for (let tenth = 0; tenth < 10; tenth++) {
        const inside = (i: number) => Math.floor((many[i]!.score! - from) / size) === tenth && half[i] === stage;
        expect(held.filter((h, i) => h && inside(i))).toHaveLength(size / 5);
      }
  });

  it('makes up elsewhere in the stage for a part whose rows cannot be taken', () => {
    // The easiest fifth asks one and the same thing, more rows than are wanted of it.
    const alike = rowsOf(...Array.from({ length: 100 }, (_, i) => i)).map((r, i) =>
      i < 20 ? { ...row(r.id, i, 'Same?') } : r,
    );
    const held = holdOut(
      alike,
      alike.map(() => 0),
      { stages: 1, holdout: 10, seed: 1 },
    );
    expect(held.slice(0, 20)).toEqual(Array(20).fill(false));
    expect(held.filter(Boolean)).toHaveLength(10);
  });

  it('is decided by the seed', () => {
    const held = (seed: number) => holdOut(rows, stageOf, { stages: 3, holdout: 0.1, seed });
    expect(held(4)).toEqual(held(4));
    expect(held(4)).not.toEqual(held(5));
  });

  it('refuses to leave a stage without rows to train on', () => {
    expect(() => holdOut(rows, stageOf, { stages: 3, holdout: 20, seed: 0 })).toThrow(
      expect.objectContaining({
        code: 'data',
        message: expect.stringContaining('stage 1 has 20 rows; holding out 20 leaves none'),
      }),
    );
    expect(() => holdOut(rowsOf(1), [0], { stages: 1, holdout: 0.1, seed: 0 })).toThrow(
      'the set has 1 row; holding out 1',
    );
  });

  it('never has one instruction on both sides, whatever is equal and in which stage', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 2 })), {
          minLength: 30,
          maxLength: 80,
        }),
        fc.integer({ min: 0, max: 99 }),
        (drawn, seed) => {
          const asked = drawn.map(([question], i) =>
            row(`r${i}`, 1, `  Question\n${question}  `.toUpperCase().slice(i % 2)),
          );
          const stages = drawn.map(([, stage]) => stage);
          fc.pre([0, 1, 2].every((s) => stages.filter((stage) => stage === s).length > 4));
          const held = holdOut(asked, stages, { stages: 3, holdout: 0.3, seed });
          const sides = new Map<number, boolean>();
          for (const [i, [question]] of drawn.entries()) {
            expect(sides.get(question) ?? held[i]).toBe(held[i]);
            sides.set(question, held[i]!);
          }
          for (const [s, n] of counts(held, stages, 3).entries())
            expect(n).toBeLessThanOrEqual(Math.max(1, Math.round(0.3 * stages.filter((stage) => stage === s).length)));
        },
      ),
      { seed: 3, numRuns: 80 },
    );
  });
});

describe('instructionKey', () => {
  it('evens out white space and case, and heeds roles and earlier turns', () => {
    expect(instructionKey(row('a', 1, ' What  IS\nit? '))).toBe(instructionKey(row('b', 2, 'what is it?')));
    expect(instructionKey(row('a', 1, 'what is it?'))).not.toBe(instructionKey(row('b', 1, 'what is it')));
    const turns = row('a', 1, 'and now?');
    expect(
      instructionKey({
        ...turns,
        messages: [{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'ho' }, ...turns.messages],
      }),
    ).not.toBe(instructionKey(turns));
  });
});
