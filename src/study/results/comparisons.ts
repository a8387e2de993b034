import { groupBy } from '../../core/lists.js';
import { taskMean } from '../../statistics/interquartile-mean.js';
import { mean } from '../../statistics/moments.js';
import { leastDifferenceT, seedsForDifference } from '../../statistics/t-power.js';
import { tTest } from '../../statistics/t-test.js';
import { blockOf, type Cell, groupOf } from '../cell.js';
import type { Compared } from './compare.js';
import type { About, Parts } from './parts.js';
import type { Results } from './results.js';
import { type BlockRows, rowInterval } from './row-interval.js';
import { notesOf, rowsNote, sentenceOf } from './sentences.js';
import { differencesOf, finite } from './units.js';

/** Power that the reach of a study is said for. */
const POWER = 0.8;
/** Axis of several data sets, how many there must be, and the seed of the draws. */
const DATA_SET = 'dataset';
const FEWEST_DATA_SETS = 3;
const SEED = 0;

/** A comparison with everything that is shown beside its verdict. */
export function comparisonOf(one: Compared, parts: Parts): Results['comparisons'][number] {
  const { incomplete: _, signFlipHolm: __, differences: ___, ...figures } = one;
  const { about } = parts;
  const power = powerOf(one, about);
  const pairs = pairsOf(one, parts);
  const rows = rowsOf(one, pairs, parts);
  return {
    ...figures,
    sentence: sentenceOf(one, power, about),
    notes: [...notesOf(one, about), ...(rows && about.settled ? [rowsNote(one, rows, about)] : [])],
    rows,
    bands: bandsOf(one, pairs, parts),
    power,
  };
}

/** What a study of this size and variance finds, at the level of the first step of Holm's adjustment. */
function powerOf(
  { units: n, sd }: Compared,
  { alpha, family, margin }: About,
): Results['comparisons'][number]['power'] {
  const level = alpha / Math.max(1, family);
  if (sd === null) return { leastDifference: null, seedsForMargin: null };
  return {
    leastDifference: finite(leastDifferenceT({ n, sd, alpha: level, power: POWER })),
    seedsForMargin:
      margin === null ? null : finite(seedsForDifference({ difference: margin, sd, alpha: level, power: POWER })),
  };
}

/** Cells of a comparison's blocks. */
interface Pair {
  readonly own: Cell;
  readonly control: Cell;
}

function pairsOf(one: Compared, { study }: Parts): Pair[] {
  const group = groupOf(one);
  const cells = study.cells.filter((cell) => groupOf(cell) === group);
  const controls = new Map(cells.filter(({ arm }) => arm === one.control).map((cell) => [blockOf(cell), cell]));
  return cells.flatMap((own) => {
    const control = controls.get(blockOf(own));
    return own.arm === one.arm && control ? [{ own, control }] : [];
  });
}

/** Differences by band of the study's own cut. */
function bandsOf(
  one: Compared,
  pairs: readonly Pair[],
  { measured, about }: Parts,
): Results['comparisons'][number]['bands'] {
  const lossOf = ({ id }: Cell, band: number) => measured.cells.get(id)?.matrix.at(-1)?.losses[band] ?? Number.NaN;
  const planned = pairs.map(({ own }) => own);
  return measured.bands(groupOf(one)).flatMap((band, i) => {
    const differences = pairs
      .map(({ own, control }) => ({ seed: own.seed, split: own.split, value: lossOf(own, i) - lossOf(control, i) }))
      .filter(({ value }) => Number.isFinite(value));
    const test = tTest(differencesOf(differences, planned, about.unit), 1 - about.alpha);
    if (test.n === 0) return [];
    return [{ band, difference: test.mean, low: finite(test.low), high: finite(test.high) }];
  });
}

/** The interval over other seeds and rows of the same held-out loss that is compared. */
function rowsOf(
  one: Compared,
  pairs: readonly Pair[],
  { study, measured, values, about }: Parts,
): Results['comparisons'][number]['rows'] {
  const { metric } = study.record.study;
  if ('win-rate' in metric || about.unit === 'split') return null;
  const blocks = pairs.flatMap(({ own, control }): BlockRows[] => {
    const [arm, base] = [own, control].map(({ id }) => (values.has(id) ? measured.cells.get(id)?.rows : undefined));
    return arm && base ? [{ seed: own.seed, split: own.split, arm, control: base }] : [];
  });
  const of = metric['held-out'];
  const band = of === 'all' ? undefined : Number(of.slice('band-'.length));
  const group = groupOf(one);
  return rowInterval(blocks, (split) => measured.heldOut(group, split), { band, level: 1 - about.alpha });
}

/** Arms over several data sets, where the study has them. */
export function dataSetsOf(compared: readonly Compared[], { alpha }: About): Results['dataSets'] {
  const rest = ({ axes }: Compared) => Object.fromEntries(Object.entries(axes).filter(([axis]) => axis !== DATA_SET));
  const some = compared.filter(({ axes, units }) => axes[DATA_SET] !== undefined && units > 0);
  return [...groupBy(some, (one) => JSON.stringify([rest(one), one.arm])).values()].flatMap((sets) => {
    if (sets.length < FEWEST_DATA_SETS) return [];
    const {
      mean: difference,
      low,
      high,
    } = taskMean(
      sets.map(({ differences }) => differences),
      { level: 1 - alpha, seed: SEED },
    );
    const { arm, control } = sets[0]!;
    const better = mean(sets.map((one) => one.better!.share));
    return [{ arm, control, axes: rest(sets[0]!), dataSets: sets.length, difference, low, high, better }];
  });
}
