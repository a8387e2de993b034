import { describe, expect, it } from 'vitest';
import { planOptionsSchema } from '../../src/curriculum/options.js';
import { plannedStageCount, planStages } from '../../src/curriculum/plan.js';
import type { StagedSet } from '../../src/curriculum/types.js';
import { row } from './rows.js';

const band = (index: number, letter: string, scores: number[]) => ({
  index,
  rows: scores.map((score, i) => row(`${letter}${i + 1}`, score)),
});

/** Rows a1 to a4, b1 to b3, c1 and c2, of rising difficulty; h1 is held out. */
const set: StagedSet = {
  stages: [band(1, 'a', [1, 2, 1.5, 1]), band(2, 'b', [3, 2.5, 3]), band(3, 'c', [5, 4])],
  holdout: [row('h1', 3)],
  hash: 'none',
};

const plan = (options: Record<string, unknown>) => planStages(set, planOptionsSchema.parse(options));
const contents = (options: Record<string, unknown>) => plan(options).map(({ rowIds }) => [...rowIds].sort().join(' '));

describe('planStages', () => {
  it('phased: the stages as they are', () => {
    expect(contents({})).toEqual(['a1 a2 a3 a4', 'b1 b2 b3', 'c1 c2']);
  });

  it('reversed: the stages from the hardest', () => {
    expect(contents({ order: 'reversed' })).toEqual(['c1 c2', 'b1 b2 b3', 'a1 a2 a3 a4']);
  });

  it('one-off: one stage of all rows', () => {
    expect(contents({ order: 'one-off' })).toEqual(['a1 a2 a3 a4 b1 b2 b3 c1 c2']);
  });

  it('random: every row once, in stages of the same sizes, by the seed', () => {
    const stages = contents({ order: 'random', seed: 1 });
    expect(stages.map((ids) => ids.split(' ').length)).toEqual([4, 3, 2]);
    expect(
      stages
        .flatMap((ids) => ids.split(' '))
        .sort()
        .join(' '),
    ).toBe('a1 a2 a3 a4 b1 b2 b3 c1 c2');
    expect(stages).toEqual(contents({ order: 'random', seed: 1 }));
    const seeds = Array.from({ length: 10 }, (_, seed) => contents({ order: 'random', seed }).join('|'));
    expect(new Set(seeds).size).toBe(10);
  });

  it('shuffles within a stage by the seed', () => {
    const first = Array.from({ length: 30 }, (_, seed) => plan({ seed })[0]!.rowIds.join(' '));
    expect(new Set(first).size).toBeGreaterThan(10);
    expect(plan({ seed: 5 })).toEqual(plan({ seed: 5 }));
  });

  it('orders by score within a stage when asked, falling under reversed', () => {
    const [easy, , hard] = plan({ within: 'score' });
    expect([easy!.rowIds.slice(0, 2).sort(), easy!.rowIds.slice(2), hard!.rowIds]).toEqual([
      ['a1', 'a4'],
      ['a3', 'a2'],
      ['c2', 'c1'],
    ]);
    expect(plan({ within: 'score', order: 'reversed' })[0]!.rowIds).toEqual(['c1', 'c2']);
  });

  it('replays a share of its own rows from all earlier stages, none twice, nothing in the first', () => {
    const stages = plan({ replay: 0.67, seed: 3 });
    expect(stages.map(({ replayed }) => replayed)).toEqual([0, 2, 1]);
    const again = stages[1]!.rowIds.filter((id) => id.startsWith('a'));
    expect(new Set(again).size).toBe(2);
    expect(stages[1]!.rowIds).toHaveLength(5);
    const drawn = Array.from(
      { length: 40 },
      (_, seed) => plan({ replay: 0.5, seed })[2]!.rowIds.find((id) => !id.startsWith('c'))!,
    );
    expect(new Set(drawn)).toEqual(new Set(['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3']));
  });

  it('replays rows again only when the earlier stages run out, all equally often', () => {
    const { rowIds, replayed } = plan({ order: 'reversed', replay: [0, 0, 3] })[2]!;
    expect(replayed).toBe(12);
    const times = ['b1', 'b2', 'b3', 'c1', 'c2'].map((id) => rowIds.filter((other) => other === id).length);
    expect([Math.min(...times), Math.max(...times), times.reduce((x, y) => x + y)]).toEqual([2, 3, 12]);
  });

  it('under reversed replays the harder rows, which were trained before', () => {
    const [, second] = plan({ order: 'reversed', replay: 0.67 });
    expect(second!.rowIds.filter((id) => !id.startsWith('b')).sort()).toEqual(['c1', 'c2']);
  });

  it('mixes replayed rows among the others', () => {
    const places = Array.from({ length: 20 }, (_, seed) =>
      plan({ replay: 0.34, seed })[1]!.rowIds.findIndex((id) => id.startsWith('a')),
    );
    expect(new Set(places)).toEqual(new Set([0, 1, 2, 3]));
  });

  it('refuses a list of shares of another length, counted in stages of the order', () => {
    expect(() => plan({ order: 'one-off', replay: [0, 0.1, 0.1] })).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining('each of the 1 stages of order one-off, got 3'),
      }),
    );
    expect(contents({ replay: [0.5, 0, 0] })).toEqual(contents({}));
  });

  it('labels stages for people', () => {
    expect(plan({ order: 'reversed' }).map(({ index, label }) => [index, label])).toEqual([
      [1, 'stage 1 of 3: band 3, score 4 to 5'],
      [2, 'stage 2 of 3: band 2, score 2.5 to 3'],
      [3, 'stage 3 of 3: band 1, score 1 to 2'],
    ]);
    expect(plan({ order: 'one-off' })[0]!.label).toBe('stage 1 of 1: all rows');
    expect(plan({ order: 'random' })[1]!.label).toBe('stage 2 of 3: random rows');
  });

  it('counts the stages of an order', () => {
    expect(
      (['phased', 'random', 'reversed', 'one-off'] as const).map((order) => plannedStageCount(set, order)),
    ).toEqual([3, 3, 3, 1]);
  });
});
