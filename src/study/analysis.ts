import { FEWEST_UNITS, MOST_MISSING } from './results/compare.js';
import { metricKey } from './results/figures.js';
import { unitOf } from './results/units.js';
import type { StudyFile } from './study-file.js';
import type { StudyRecord } from './study-record.js';

/** Combinations of the values of a study's axes: each has its own control. */
export const groupCount = ({ axes }: Pick<StudyFile, 'axes'>): number =>
  Object.values(axes).reduce((n, values) => n * Object.keys(values).length, 1);

/** The analysis of a decided study, written down before its first run. */
export function analysisOf(study: StudyFile): StudyRecord['analysis'] {
  const { metric, alpha, control, compare = [] } = study;
  const heldOut = 'held-out' in metric;
  return {
    metric: metricKey(metric),
    unit: heldOut ? 'nats' : 'points',
    better: heldOut ? 'lower' : 'higher',
    margin: metric.margin ?? null,
    alpha,
    control,
    compare: [...compare],
    rules: rulesOf(study),
  };
}

/** How results are computed and worded. */
function rulesOf(study: StudyFile): string[] {
  const { metric, alpha, control, compare = [], data } = study;
  const percent = (share: number) => `${Number((100 * share).toFixed(6))} %`;
  const splits = Array.from({ length: data?.splits ?? 1 }, (_, i) => ({ split: i + 1 }));
  const unit = unitOf(splits);
  const other = unit === 'seed' ? 'split' : 'seed';
  const groups = groupCount(study);
  const [margin, shownMargin] = [metric.margin, `${metric.margin} ${'held-out' in metric ? 'nats' : 'points'}`];
  return [
    'held-out' in metric
      ? `The value of a cell is the mean loss of its last adapter over the held-out rows (${metric['held-out']}), in nats per trained token; lower is better.`
      : 'The value of a cell is its win rate over all sets against the control of the same seed, in points; higher is better.',
    `Arms are compared with ${control} within blocks of one seed and one split: the difference of a block is the value of the arm minus that of ${control}, and a block that either of them misses does not count.`,
    `One observation is a ${unit}: the differences of its blocks${splits.length > 1 ? `, one for each ${other},` : ''} are averaged.`,
    `The interval of a difference is the t interval of the mean over ${unit}s at ${percent(1 - alpha)}; p is that of the paired t test, two-sided.`,
    `The comparisons of ${compare.join(', ')}${groups > 1 ? `, for each of ${groups} combinations of the axes,` : ''} are one family of ${compare.length * groups}, whose p are adjusted by Holm; the tests of equivalence are a second family.`,
    margin === undefined
      ? 'There is no margin: nothing is called the same.'
      : `An arm is the same within ${shownMargin} where two one-sided t tests with that margin reject at ${alpha} after the adjustment.`,
    `The verdict is the first that holds: incomplete (fewer than ${FEWEST_UNITS} ${unit}s, or over ${percent(MOST_MISSING)} of the blocks missing), better or worse (adjusted p under ${alpha}), ${margin === undefined ? '' : 'same within the margin, '}not distinguishable.`,
    'The exact sign-flip test is reported beside the t test and decides nothing.',
    'Only cells that are done count, and nothing is imputed. Bands and components of variance are reported without a verdict.',
    'There is no verdict before all cells are done or failed.',
  ];
}
