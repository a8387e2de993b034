import { random } from '../../src/core/random.js';
import { type MeanTest, tTest } from '../../src/statistics/t-test.js';
import type { Analysis, Compared } from '../../src/study/results/compare.js';
import { compareArms } from '../../src/study/results/compare.js';
import type { CellKey } from '../../src/study/results/units.js';

/** A world whose truth is known. All deviations are of normal draws. */
export interface World {
  readonly seeds: number;
  readonly splits?: number;
  /** True difference of each arm from the control. */
  readonly effects: readonly number[];
  readonly margin?: number;
  /** Deviation of what is left of an arm in a block [1]: of a difference it is √2 of this. */
  readonly noise?: number;
  /** Deviation of what all arms of a seed have in common, and of a split [3]. */
  readonly shared?: number;
  /** Deviation of what an arm gains or loses on a split, whatever the seed [0], and with a seed on every split [0]. */
  readonly onSplit?: number;
  readonly onSeed?: number;
  /** Share of cells that are missing, drawn by chance [0]. */
  readonly missing?: number;
}

/** A simulated study, and the truth of each comparison with these splits. */
export interface Simulated {
  readonly compared: readonly Compared[];
  /** Mean true difference of each arm over the splits that were drawn. */
  readonly onSplits: readonly number[];
  /** What a t test over all blocks would have had as intervals, as if they were independent. */
  readonly overBlocks: readonly MeanTest[];
}

const CONTROL = 'control';

/** Simulates a study and compares its arms with the code that results are made by. */
export function simulateStudy(world: World, seed: number): Simulated {
  const { seeds, splits = 1, effects, margin, noise = 1, shared = 3, onSplit = 0, onSeed = 0, missing = 0 } = world;
  const { normal, uniform } = random(seed, 'study');
  const arms = [CONTROL, ...effects.map((_, i) => `arm-${i + 1}`)];
  const gains = Array.from({ length: splits }, () => arms.map(() => onSplit * normal()));
  const withSeed = Array.from({ length: seeds }, () => arms.map(() => (onSeed === 0 ? 0 : onSeed * normal())));
  const ofSeed = Array.from({ length: seeds }, () => shared * normal());
  const ofSplit = Array.from({ length: splits }, () => shared * normal());
  const cells: CellKey[] = [];
  const values = new Map<string, number>();
  for (let split = 1; split <= splits; split++)
    for (let block = 1; block <= seeds; block++)
      for (const [i, arm] of arms.entries()) {
        const id = `${arm}-${block}-${split}`;
        cells.push({ id, arm, axes: {}, seed: block, split });
        const common = ofSeed[block - 1]! + ofSplit[split - 1]!;
        const value =
          common + (effects[i - 1] ?? 0) + gains[split - 1]![i]! + withSeed[block - 1]![i]! + noise * normal();
        if (uniform() >= missing) values.set(id, value);
      }
  const analysis: Analysis = {
    better: 'lower',
    margin: margin ?? null,
    alpha: 0.05,
    control: CONTROL,
    compare: arms.slice(1),
  };
  const gain = (arm: number) => gains.reduce((sum, one) => sum + one[arm]! - one[0]!, 0) / splits;
  return {
    compared: compareArms({ cells, values, analysis, settled: true }),
    onSplits: effects.map((effect, i) => effect + gain(i + 1)),
    overBlocks: arms.slice(1).map((arm) => {
      const own = cells.filter((cell) => cell.arm === arm);
      return tTest(own.map(({ id, seed, split }) => values.get(id)! - values.get(`${CONTROL}-${seed}-${split}`)!));
    }),
  };
}

/** What came of many simulated studies, as shares. */
export interface Rates {
  /** Studies in which any arm was found better or worse. */
  readonly anyFound: number;
  /** Studies in which any arm was said to be within the margin: the same, or better or worse by less than it. */
  readonly anyWithin: number;
  /** Studies in which the first arm was found to be what it is: better or worse. */
  readonly firstFound: number;
  /** Comparisons whose interval has the true difference in it. */
  readonly covered: number;
  /** As `covered`, for the true mean over the splits that were drawn. */
  readonly coveredOnSplits: number;
  /** As `covered`, by intervals over all blocks. */
  readonly coveredOverBlocks: number;
}

/** Simulates so many studies of a world. */
export function simulateStudies(world: World, studies: number, seed = 0): Rates {
  let [found, within, first, covered, coveredOnSplits, overBlocks, all] = [0, 0, 0, 0, 0, 0, 0];
  for (let study = 0; study < studies; study++) {
    const { compared, onSplits, overBlocks: blocks } = simulateStudy(world, seed + study);
    const verdicts = compared.map(({ verdict }) => verdict);
    if (verdicts.some((verdict) => verdict === 'better' || verdict === 'worse')) found++;
    if (compared.some(({ verdict, withinMargin }) => withinMargin || verdict === 'same within margin')) within++;
    if (verdicts[0] === (world.effects[0]! < 0 ? 'better' : 'worse')) first++;
    for (const [i, { low, high }] of compared.entries()) {
      if (low === null || high === null) continue;
      all++;
      if (low <= world.effects[i]! && world.effects[i]! <= high) covered++;
      if (blocks[i]!.low <= world.effects[i]! && world.effects[i]! <= blocks[i]!.high) overBlocks++;
      if (low <= onSplits[i]! && onSplits[i]! <= high) coveredOnSplits++;
    }
  }
  return {
    anyFound: found / studies,
    anyWithin: within / studies,
    firstFound: first / studies,
    covered: covered / all,
    coveredOnSplits: coveredOnSplits / all,
    coveredOverBlocks: overBlocks / all,
  };
}
