import { join } from 'node:path';
import { usageError } from '../core/errors.js';
import { exists } from '../io/files.js';
import { readJson } from '../io/json.js';
import { standardDeviation } from '../statistics/moments.js';
import {
  leastDifferenceT,
  leastMarginT,
  seedsForDifference,
  seedsForEquivalence,
  tPower,
} from '../statistics/t-power.js';
import { formatCount, formatNumber } from '../telemetry/format.js';
import { groupCount } from './analysis.js';
import type { Cell } from './cell.js';
import { groupOf } from './cell.js';
import { FEWEST_UNITS } from './results/compare.js';
import { metricKey, metricName } from './results/figures.js';
import { measure } from './results/measure.js';
import { resultsSchema } from './results/results.js';
import { type Unit, unitOf } from './results/units.js';
import { valuesOf } from './results/values.js';
import type { CellState } from './state.js';
import type { StudyFile } from './study-file.js';
import type { Study, StudyRecord } from './study-record.js';

/** How much the difference of two arms varies from seed to seed, as far as known. */
export interface KnownSd {
  /** In the unit of the metric. */
  readonly sd: number;
  /** `study`: of the differences in an earlier study; `pilot`: from the control's own seeds, at most so much. */
  readonly basis: 'study' | 'pilot';
  /** Differences, or runs, that it is from. */
  readonly from: number;
}

/** What so many seeds can find, with power 0.8. */
export interface StudyPower {
  /** What counts as one observation. */
  readonly unit: Unit;
  readonly n: number;
  /** Comparisons of the family; the first of them by Holm is tested at alpha divided by it. */
  readonly comparisons: number;
  /** Null where nothing is known: then figures are in standard deviations of the differences. */
  readonly sd: KnownSd | null;
  readonly metricUnit: StudyRecord['analysis']['unit'];
  /** The least difference that is found, and the least margin that two equal arms are shown to be within, by n. */
  readonly table: readonly { readonly n: number; readonly difference: number; readonly margin: number }[];
  /** Of the study's margin; absent without one, or where no standard deviation is known. */
  readonly margin?: {
    readonly margin: number;
    /** Chance to find a difference as large as the margin. */
    readonly power: number;
    /** Seeds that find it, and that show two equal arms to be the same, with power 0.8. */
    readonly seeds: number;
    readonly seedsForSame: number;
  };
  /** What the study cannot do, in plain words. */
  readonly warnings: readonly string[];
}

const POWER = 0.8;
/** Rows of the table, besides the study's own. */
const ROWS = [4, 6, 8, 12, 20];

/** The power of a study of these cells. */
export function planPower(
  { alpha, compare = [], metric, axes }: Pick<StudyFile, 'alpha' | 'compare' | 'metric' | 'axes'>,
  cells: readonly Pick<Cell, 'seed' | 'split'>[],
  sd: KnownSd | null,
): StudyPower {
  const unit = unitOf(cells);
  const n = new Set(cells.map((cell) => cell[unit])).size;
  const comparisons = compare.length * groupCount({ axes });
  const each = { alpha: alpha / comparisons, power: POWER };
  const scale = sd?.sd ?? 1;
  const table = [...new Set([n, ...ROWS])]
    .sort((x, y) => x - y)
    .map((rows) => ({
      n: rows,
      difference: leastDifferenceT({ n: rows, sd: scale, ...each }),
      margin: leastMarginT({ n: rows, sd: scale, ...each }),
    }));
  const { margin } = metric;
  const ofMargin =
    margin === undefined || !sd || sd.sd === 0
      ? undefined
      : {
          margin,
          power: tPower({ n, difference: margin, sd: sd.sd, alpha: each.alpha }),
          seeds: seedsForDifference({ difference: margin, sd: sd.sd, ...each }),
          seedsForSame: seedsForEquivalence({ margin, sd: sd.sd, ...each }),
        };
  const metricUnit = 'win-rate' in metric ? ('points' as const) : ('nats' as const);
  const warnings = [
    ...(n < FEWEST_UNITS
      ? [`there is no verdict with fewer than ${FEWEST_UNITS} ${unit}s, and there ${n === 1 ? 'is 1' : `are ${n}`}`]
      : []),
    ...signFlipWarning(n, unit, comparisons, alpha),
    ...(ofMargin && ofMargin.power < POWER
      ? [
          `a difference of the margin, ${formatNumber(ofMargin.margin)} ${metricUnit}, is found with a chance of ${Math.round(100 * ofMargin.power)} % only; ${Number.isFinite(ofMargin.seeds) ? `${formatCount(ofMargin.seeds)} ${unit}s` : `no number of ${unit}s`} would find it with ${100 * POWER} %`,
        ]
      : []),
  ];
  return { unit, n, comparisons, sd, metricUnit, table, ...(ofMargin && { margin: ofMargin }), warnings };
}

/** The sign-flip test has 2^n outcomes: its least p is 2 of them. */
function signFlipWarning(n: number, unit: Unit, comparisons: number, alpha: number): string[] {
  const rejects = (count: number) => 2 ** (1 - count) * comparisons < alpha;
  if (n < FEWEST_UNITS || rejects(n)) return [];
  let needed = n;
  while (!rejects(needed)) needed++;
  return [
    `with ${n} ${unit}s the permutation test beside the t test cannot find anything (${comparisons === 1 ? '1 comparison' : `${comparisons} comparisons`}); from ${needed} on it can`,
  ];
}

/** The standard deviation of differences in an earlier study: the root of the mean square over its comparisons. */
export async function sdOfStudy(folder: string, study: Pick<StudyFile, 'metric'>): Promise<KnownSd> {
  const path = join(folder, 'results.json');
  if (!exists(path))
    throw usageError(`\`sdFrom\`: there are no results in ${folder} (no results.json)`, {
      file: path,
      option: 'sdFrom',
    });
  const { comparisons, metric } = await readJson(path, resultsSchema);
  const key = metricKey(study.metric);
  if (metric.name !== key)
    throw usageError(
      `\`sdFrom\`: ${folder} compares the ${metricName(metric.name)}, this study the ${metricName(key)}`,
      { option: 'sdFrom' },
    );
  const known = comparisons.flatMap(({ sd, units, family }) =>
    family && sd !== null && units >= 2 ? [{ sd, units }] : [],
  );
  if (known.length === 0)
    throw usageError(`\`sdFrom\`: no comparison in ${folder} has two seeds or more`, { option: 'sdFrom' });
  const square = known.reduce((sum, { sd }) => sum + sd ** 2, 0) / known.length;
  return { sd: Math.sqrt(square), basis: 'study', from: known.reduce((sum, { units }) => sum + units, 0) };
}

/**
 * What the control's own runs say, from two on: the standard deviation of their values times the root of 2 is that of a
 * difference of two arms whose runs of a seed have nothing in common. Pairing makes it smaller, so it is an upper
 * estimate. Undefined where fewer are done.
 */
export async function sdOfPilot(study: Study, states: readonly CellState[]): Promise<KnownSd | undefined> {
  const { control } = study.record.analysis;
  if ('win-rate' in study.record.study.metric) return undefined;
  const { values } = valuesOf(study, states, await measure(study, states), undefined);
  const ofControl = study.cells.filter(({ id, arm }) => arm === control && values.has(id));
  const [first] = ofControl;
  if (!first) return undefined;
  const same = ofControl.filter((cell) => cell.split === first.split && groupOf(cell) === groupOf(first));
  if (same.length < 2) return undefined;
  const sd = standardDeviation(same.map(({ id }) => values.get(id)!));
  return { sd: Math.SQRT2 * sd, basis: 'pilot', from: same.length };
}
