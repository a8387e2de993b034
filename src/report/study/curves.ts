import { tTest } from '../../statistics/t-test.js';
import type { CellReport } from './read-study-report.js';

/** A place along a mean curve: the mean over runs and its pointwise t interval, null for fewer than two runs. */
export interface CurvePoint {
  readonly trainedTokens: number;
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** Places of a mean curve, unless there are many curves. */
const MOST_BINS = 100;
/** Steps of a run that a place takes together, at least: the loss of one step is mostly that of its rows. */
const LEAST_STEPS = 2;

/** What is known of a curve's runs: those that have it from its beginning to its end. */
type Runs = readonly Pick<CellReport, 'training' | 'heldOut'>[];

function pointOf(trainedTokens: number, values: readonly number[], level: number): CurvePoint {
  const { mean, low, high } = tTest(values, level);
  const known = Number.isFinite(low) && Number.isFinite(high);
  return { trainedTokens, mean, low: known ? low : null, high: known ? high : null };
}

/**
 * The mean training loss of runs by trained tokens. What was trained is cut into up to 100 equal parts, so that each
 * has two steps of every run; in each part a run counts with its mean over the tokens there.
 *
 * @param most Parts, at most [100].
 */
export function trainingCurve(runs: Runs, level: number, most = MOST_BINS): CurvePoint[] {
  const known = runs.map(({ training }) => training).filter(({ loss }) => loss.length > 0);
  if (known.length === 0) return [];
  const end = Math.min(...known.map(({ trainedTokens }) => trainedTokens.at(-1)!));
  const bins = Math.max(1, Math.min(most, ...known.map(({ loss }) => Math.floor(loss.length / LEAST_STEPS))));
  const means = known.map((training) => binMeans(training, end, bins));
  return Array.from({ length: bins }, (_, bin) => {
    const values = means.map((ofRun) => ofRun[bin]!).filter((value) => !Number.isNaN(value));
    return pointOf((end * (bin + 0.5)) / bins, values, level);
  });
}

/** Mean loss of a run in each of so many equal parts of its tokens; NaN for a part without a step. */
function binMeans({ trainedTokens, loss }: CellReport['training'], end: number, bins: number): number[] {
  const [sums, weights] = [new Array<number>(bins).fill(0), new Array<number>(bins).fill(0)];
  for (const [i, value] of loss.entries()) {
    const [from, to] = [trainedTokens[i - 1] ?? 0, trainedTokens[i]!];
    const bin = Math.min(bins - 1, Math.floor((bins * (from + to)) / 2 / end));
    sums[bin]! += value * (to - from);
    weights[bin]! += to - from;
  }
  return sums.map((sum, bin) => sum / weights[bin]!);
}

/**
 * The mean held-out loss of runs at each measurement that all of them made, in order: those before training and after
 * the stages, and those between where a run has them.
 */
export function heldOutCurve(runs: Runs, level: number): CurvePoint[] {
  const byKey = runs.map(({ heldOut }) => {
    const counts = new Map<number, number>();
    return new Map(
      heldOut.map((point) => {
        const place = counts.get(point.stage) ?? 0;
        counts.set(point.stage, place + 1);
        return [`${point.stage} ${place}`, point] as const;
      }),
    );
  });
  const [first] = byKey;
  if (!first) return [];
  return [...first.keys()].flatMap((key) => {
    const points = byKey.flatMap((one) => one.get(key) ?? []);
    if (points.length < runs.length) return [];
    const tokens = points.reduce((sum, { trainedTokens }) => sum + trainedTokens, 0) / points.length;
    return [
      pointOf(
        tokens,
        points.map(({ all }) => all),
        level,
      ),
    ];
  });
}
