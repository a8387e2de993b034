import { shownLevel } from '../../eval/result/sentences.js';
import { groupCount, type StudyFile, seedsOf } from '../study-file.js';
import { FEWEST_UNITS, MOST_MISSING } from './compare.js';
import { metricKey, metricName, shownUnit } from './figures.js';
import { FEWEST_ROWS, FEWEST_RUNS } from './row-interval.js';
import { type Unit, unitOfSplits } from './units.js';

/**
 * The rules that the results of a study are computed and worded by, a sentence each: part of what is registered before
 * its first run. The study is decided: `compare` is there.
 */
export function analysisRules(study: StudyFile): string[] {
  const { metric, alpha, control, compare = [], data } = study;
  const splits = data?.splits ?? 1;
  const unit = unitOfSplits(splits);
  const metricUnit = 'win-rate' in metric ? 'points' : 'nats';
  const groups = groupCount(study);
  const family = groups * compare.length;
  return [
    'win-rate' in metric
      ? 'The value of a cell is its win rate over all sets against the cell of the control in the same block, in points; higher is better.'
      : `The value of a cell is the mean ${metricName(metricKey(metric))} of the adapter of its last stage, in nats per trained token; lower is better. Bands are those of the cut that the control trains on.`,
    `Cells are compared within blocks of the same seed and split: the difference of a block is the value of the arm minus that of ${control}; a block that either of them misses does not count.`,
    unitRule(unit, splits, seedsOf(study).length),
    `The interval of a difference is the t interval of the mean over ${unit}s at ${shownLevel(1 - alpha)}; p is that of the paired t test, two-sided. Both assume that differences are normally distributed.`,
    `Holm adjusts the p of ${family === 1 ? 'the one comparison' : `all ${family} comparisons`} (${compare.join(', ')}${groups > 1 ? `, for each of ${groups} combinations of the axes` : ''}) as one family, and those of the tests of equivalence as another. A comparison that is incomplete still counts as one of the family.`,
    metric.margin === undefined
      ? 'There is no margin: nothing is called the same.'
      : `An arm is the same within ${metric.margin} ${shownUnit(metricUnit)} where two one-sided t tests with that margin reject at ${alpha} after Holm's adjustment.`,
    `The verdict is the first that holds: incomplete (under ${FEWEST_UNITS} ${unit}s, over ${shownLevel(MOST_MISSING)} of the blocks missing, or the same values for every ${unit}); better or worse (adjusted p under ${alpha})${metric.margin === undefined ? '' : '; same within margin'}; not distinguishable.`,
    'The exact sign-flip test is reported beside the t test and decides nothing.',
    `Only cells that are done count, and only finite values; nothing is imputed. Arms outside the family, bands, axes${'win-rate' in metric ? '' : ', the interval over rows'} and components of variance are reported without verdict.`,
    ...('win-rate' in metric || unit === 'split'
      ? []
      : [
          `The interval over seeds and rows is a crossed bootstrap, percentile, given from ${FEWEST_RUNS} seeds and ${FEWEST_ROWS} held-out rows in every band on.`,
        ]),
    'There is no verdict before all cells are done or failed, unless the study is finished early, which is reported.',
  ];
}

function unitRule(unit: Unit, splits: number, seeds: number): string {
  if (unit === 'split')
    return `What counts as one observation is a split: differences are averaged over its ${seeds === 1 ? 'seed' : `${seeds} seeds`} first, since blocks of one split have the same hold-out and training rows. Figures are about other splits; what a seed does to an arm on every split is not in the interval.`;
  return splits === 1
    ? 'What counts as one observation is a seed. Figures are about other seeds with the same hold-out and training rows.'
    : `What counts as one observation is a seed: differences are averaged over its ${splits} splits first, and a seed that misses one of them does not count. Figures are about other seeds with the same hold-outs and training rows.`;
}
