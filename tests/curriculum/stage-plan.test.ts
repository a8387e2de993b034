import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planOptionsSchema } from '../../src/curriculum/options.js';
import { bandOrder, plannedStageCount, planStages } from '../../src/curriculum/stage-plan.js';
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

/** Planned stages, each with the ids of its rows. */
const withIds = (of: StagedSet, options: Record<string, unknown>) =>
  planStages(of, planOptionsSchema.parse(options)).map((stage) => ({
    ...stage,
    rowIds: stage.rows.map(({ id }) => id),
  }));
const plan = (options: Record<string, unknown>) => withIds(set, options);
const contents = (options: Record<string, unknown>) => plan(options).map(({ rowIds }) => [...rowIds].sort().join(' '));

describe('planStages', () => {
  it('phased: the stages as they are', () => {
    expect(contents({})).toEqual(['a1 a2 a3 a4', 'b1 b2 b3', 'c1 c2']);
  });

  it('reversed: the stages from the hardest', () => {
    expect(contents({ order: 'reversed' })).toEqual(['c1 c2', 'b1 b2 b3', 'a1 a2 a3 a4']);
  });

  it('shuffled: the stages as they are, in an order drawn by the seed, never from easy to hard', () => {
    const bands = ['a1 a2 a3 a4', 'b1 b2 b3', 'c1 c2'];
    const drawn = Array.from({ length: 2000 }, (_, seed) => contents({ order: 'shuffled', seed }));
    for (const stages of drawn) expect(stages.toSorted()).toEqual(bands);
    const counts = new Map<string, number>();
    for (const stages of drawn) counts.set(stages.join('|'), (counts.get(stages.join('|')) ?? 0) + 1);
    expect(counts.size).toBe(5);
    expect(counts.has(bands.join('|'))).toBe(false);
    // Five orders, a fifth of 2,000 each: four standard deviations of the binomial are 72.
    for (const count of counts.values()) expect(Math.abs(count - 400)).toBeLessThan(72);
    expect(contents({ order: 'shuffled', seed: 3 })).toEqual(contents({ order: 'shuffled', seed: 3 }));
  });

  it('shuffled: the order of bands that is known without the rows', () => {
    for (const seed of [0, 1, 2, 3])
      expect(plan({ order: 'shuffled', seed }).map(({ label }) => Number(/band (\d)/.exec(label)![1]))).toEqual(
        bandOrder({ order: 'shuffled', seed }, 3),
      );
    expect(bandOrder({ order: 'shuffled', seed: 1 }, 2)).toEqual([2, 1]);
    expect(bandOrder({ order: 'shuffled', seed: 1 }, 1)).toEqual([1]);
    expect(bandOrder({ order: 'phased', seed: 1 }, 3)).toEqual([1, 2, 3]);
  });

  it('one-off: one stage of all rows', () => {
    expect(contents({ order: 'one-off' })).toEqual(['a1 a2 a3 a4 b1 b2 b3 c1 c2']);
  });

  it('smooth: a share of each band goes over to the stages beside its own, the further the smoother', () => {
    expect(contents({ smoothness: 0.25 })).toEqual(['a1 a2 a3 b2', 'a4 b1 c2', 'b3 c1']);
    expect(contents({ smoothness: 0.75 })).toEqual(['a1 a2 b2 c2', 'a3 a4 b1', 'b3 c1']);
    expect(contents({ smoothness: 1 })).toEqual(['a1 a2 b2 c2', 'a3 b1 c1', 'a4 b3']);
    expect(contents({ smoothness: 0.75, order: 'reversed' })).toEqual(['b1 c1', 'a2 a3 b2', 'a1 a4 b3 c2']);
    expect(contents({ smoothness: 0.25, seed: 1 })).not.toEqual(contents({ smoothness: 0.25 }));
  });

  it('smooth with replay: rows of the mixed stages trained before', () => {
    expect(contents({ smoothness: 0.25, replay: [0, 0.67, 1] })).toEqual([
      'a1 a2 a3 b2',
      'a1 a4 b1 b2 c2',
      'a2 a3 b3 c1',
    ]);
  });

  it('one-off with replay: the rows of phased, each as often', () => {
    const options = { replay: [0, 0.67, 2], seed: 4 };
    const [all] = plan({ order: 'one-off', ...options });
    expect([...all!.rowIds].sort().join(' ')).toBe('a1 a1 a2 a3 a3 a3 a4 a4 b1 b1 b2 b2 b3 c1 c2');
    expect(all!.replayed).toBe(6);
    const phased = plan(options).flatMap(({ rowIds }) => rowIds);
    expect([...all!.rowIds].sort()).toEqual(phased.sort());
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

  it('refuses a list of shares of another length', () => {
    for (const order of ['phased', 'one-off'])
      expect(() => plan({ order, replay: [0, 0.1] })).toThrow(
        expect.objectContaining({
          code: 'usage',
          message: expect.stringContaining('each of the 3 stages, got 2 (0, 0.1)'),
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
    expect(plan({ smoothness: 0.5 }).map(({ label }) => label)).toEqual([
      'stage 1 of 3: 75 % band 1, 25 % band 2',
      'stage 2 of 3: 33 % band 1, 33 % band 2, 33 % band 3',
      'stage 3 of 3: 50 % band 2, 50 % band 3',
    ]);
    expect(plan({ smoothness: 0.01 })[2]!.label).toBe('stage 3 of 3: band 3, score 4 to 5');
    const large = { ...set, stages: [band(1, 'a', Array(600).fill(1)), band(2, 'b', [2]), band(3, 'c', [3])] };
    expect(planStages(large, planOptionsSchema.parse({ smoothness: 1 }))[0]!.label).toBe(
      'stage 1 of 3: 100 % band 1, under 1 % band 2, under 1 % band 3',
    );
  });

  it('counts the stages of an order', () => {
    expect(
      (['phased', 'random', 'reversed', 'shuffled', 'one-off'] as const).map((order) => plannedStageCount(set, order)),
    ).toEqual([3, 3, 3, 3, 1]);
  });
});

describe('whatever the set', () => {
  /** Two to six bands of up to forty rows, and the options of a plan. */
  const drawn = fc.record({
    sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 6 }),
    order: fc.constantFrom('phased', 'reversed', 'shuffled', 'random', 'one-off'),
    smoothness: fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    replay: fc.double({ min: 0, max: 3, noNaN: true }),
    within: fc.constantFrom('shuffle', 'score'),
    seed: fc.nat(1000),
  });
  type Drawn = { readonly sizes: readonly number[] } & Readonly<Record<string, unknown>>;
  const setOf = (sizes: readonly number[]): StagedSet => ({
    ...set,
    stages: sizes.map((n, i) =>
      band(
        i + 1,
        'abcdef'[i]!,
        Array.from({ length: n }, () => i + 1),
      ),
    ),
  });
  const planned = ({ sizes, ...options }: Drawn) => withIds(setOf(sizes), options);
  /** Bands from 0, the one that is trained first first. */
  const trainedFirst = ({ sizes, ...options }: Drawn) =>
    bandOrder(planOptionsSchema.parse(options), sizes.length).map((number) => number - 1);
  const sum = (numbers: readonly number[]) => numbers.reduce((x, y) => x + y, 0);
  /** Rows of each band by stage, the band that is trained first first. */
  const mixture = (options: Drawn) => {
    const bands = trainedFirst(options).map((i) => 'abcdef'[i]!);
    return planned(options).map(({ rowIds }) => bands.map((b) => rowIds.filter((id) => id.startsWith(b)).length));
  };

  it('without replay every row comes once, in stages as large as the bands', () => {
    fc.assert(
      fc.property(drawn, (options) => {
        const stages = planned({ ...options, replay: 0 });
        const { sizes, order } = options;
        const expected = order === 'one-off' ? [sum(sizes)] : trainedFirst(options).map((i) => sizes[i]);
        expect(stages.map(({ rowIds }) => rowIds.length)).toEqual(expected);
        expect(new Set(stages.flatMap(({ rowIds }) => rowIds)).size).toBe(sum(sizes));
        expect(planned({ ...options, replay: 0 })).toEqual(stages);
      }),
    );
  });

  it('replay adds to each stage its share of rows of the stages before, to one-off what it adds to phased', () => {
    fc.assert(
      fc.property(drawn, (options) => {
        const [stages, bare] = [planned(options), planned({ ...options, replay: 0 })];
        const once = bare.map(({ rowIds }) => rowIds.length);
        if (options.order === 'one-off') {
          const phased = planned({ ...options, order: 'phased', smoothness: 0 });
          expect(stages[0]!.rowIds.toSorted()).toEqual(phased.flatMap(({ rowIds }) => rowIds).sort());
          expect(stages[0]!.replayed).toBe(sum(phased.map(({ replayed }) => replayed)));
          return;
        }
        for (const [i, { rowIds, replayed }] of stages.entries()) {
          expect(replayed).toBe(i === 0 ? 0 : Math.round(options.replay * once[i]!));
          expect(rowIds).toHaveLength(once[i]! + replayed);
          const own = new Set(bare.slice(0, i + 1).flatMap((stage) => stage.rowIds));
          expect(rowIds.every((id) => own.has(id))).toBe(true);
        }
      }),
    );
  });

  it('smooth: the first band fades and the last comes up from stage to stage, to within rounding', () => {
    fc.assert(
      fc.property(drawn, fc.constantFrom('phased', 'reversed', 'shuffled'), (options, order) => {
        const stages = mixture({ ...options, order, replay: 0 });
        for (const [i, stage] of stages.entries()) {
          if (i === 0) continue;
          const [before, of, slack] = [stages[i - 1]!, sum(stage), stages.length];
          const share = (counts: readonly number[], b: number) => counts.at(b)! / sum(counts);
          const rounding = slack / of + slack / sum(before);
          expect(share(stage, 0)).toBeLessThanOrEqual(share(before, 0) + rounding);
          expect(share(stage, -1)).toBeGreaterThanOrEqual(share(before, -1) - rounding);
        }
      }),
    );
  });

  it('smooth: 0 is a band a stage, 1 has every band in every stage in proportion, and in between it is in between', () => {
    fc.assert(
      fc.property(drawn, fc.constantFrom('phased', 'reversed', 'shuffled'), (options, order) => {
        const sizes = trainedFirst({ ...options, order }).map((i) => options.sizes[i]!);
        const at = (smoothness: number) => mixture({ ...options, order, smoothness, replay: 0 });
        expect(at(0)).toEqual(sizes.map((n, i) => sizes.map((_, b) => (b === i ? n : 0))));
        for (const [i, stage] of at(1).entries())
          for (const [b, n] of stage.entries())
            expect(Math.abs(n - (sizes[i]! * sizes[b]!) / sum(sizes))).toBeLessThanOrEqual(sizes.length);
        const kept = [0, 0.25, 0.5, 0.75, 1].map((smoothness) => at(smoothness)[0]![0]!);
        expect(kept.every((n, i) => i === 0 || n <= kept[i - 1]! + 1)).toBe(true);
      }),
    );
  });
});
