import type { StudyFile } from './study-file.js';
import type { StudyRecord } from './study-record.js';

/** Share of missing blocks from which a comparison is incomplete, and blocks that it needs at least. */
const MOST_MISSING = 0.2;
const LEAST_BLOCKS = 3;

/** The analysis of a decided study, written down before its first run. */
export function analysisOf({ metric, alpha, control, compare, axes }: StudyFile): StudyRecord['analysis'] {
  const heldOut = 'held-out' in metric;
  const unit = heldOut ? 'nats' : 'points';
  const margin = metric.margin ?? null;
  const family = compare ?? [];
  const percent = (share: number) => `${Number((100 * share).toFixed(6))} %`;
  const groups = Object.keys(axes).length > 0;
  return {
    metric: heldOut ? `held-out ${metric['held-out']}` : 'win-rate',
    unit,
    better: heldOut ? 'lower' : 'higher',
    margin,
    alpha,
    control,
    compare: [...family],
    rules: [
      heldOut
        ? `The value of a cell is the mean loss of the adapter of its last stage over the held-out rows (${metric['held-out']}), in nats per trained token; lower is better.`
        : 'The value of a cell is its win rate over all sets against the control of the same seed, in points; higher is better.',
      `Cells are compared within blocks of the same seed and split: the difference of a block is the value of the arm minus that of ${control}; blocks that either of them misses do not count.`,
      `The interval of a difference is the t interval of the mean over blocks at ${percent(1 - alpha)}; p is that of the paired t test, two-sided.`,
      `The ${family.length} comparisons (${family.join(', ')}) are one family${groups ? ' for each combination of the axes' : ''}: Holm adjusts their p; a second family is that of the tests of equivalence.`,
      margin === null
        ? 'There is no margin: nothing is called the same.'
        : `An arm is the same within ${margin} ${unit} where two one-sided t tests with that margin reject at ${alpha} after Holm's adjustment.`,
      `Verdicts, the first that holds: incomplete (under ${LEAST_BLOCKS} blocks, or over ${percent(MOST_MISSING)} of them missing); better or worse (adjusted p under ${alpha}); ${margin === null ? '' : 'same within margin; '}not distinguishable.`,
      'The exact sign-flip test is reported beside the t test and decides nothing.',
      'Only cells that are done count; nothing is imputed. Bands, axes and components of variance are reported without verdict.',
      'There is no verdict before all cells are done or failed.',
    ],
  };
}
