import { signTest } from '../../statistics/binomial.js';
import { holm } from '../../statistics/holm.js';
import { type LengthControl, lengthControl } from '../../statistics/length-control.js';
import { leastMean } from '../../statistics/power.js';
import { signFlip } from '../../statistics/sign-flip.js';
import type { WinRateInterval } from '../../statistics/win-rate.js';
import type { Evaluation } from './evaluation.js';
import { type IntervalBatch, type IntervalOptions, orNull, rateOf } from './interval-batch.js';
import { orderFigures } from './judge-figures.js';
import { missingOf } from './missing.js';
import type { ArmResult, JudgeFigures, LengthControlled, Rate } from './result.js';
import type { ArmScoring, Lengths } from './scores.js';
import { sentenceOf } from './sentences.js';

/** Power with which a difference is to be seen. */
const POWER = 0.8;
/** Resamples that lengths and strengths are fitted to again, at most: of the judge's, and of those beside it. */
export const FITS = { judge: 2000, beside: 500 } as const;

/** What arms are judged by. */
export interface ArmContext {
  readonly evaluation: Evaluation;
  readonly lengths: Lengths;
  /** Of each row the place of its set. */
  readonly strata: Int32Array;
  readonly batch: IntervalBatch;
  readonly options: IntervalOptions;
}

/** Scores for each run and row; NaN where missing. */
const scoresOf = ({ pairs }: ArmScoring): Float64Array[] => pairs.map((run) => Float64Array.from(run, ({ x }) => x));

/** The length-controlled win rate of an arm. */
export function lengthControlOf(
  scoring: ArmScoring,
  { evaluation, strata, options }: Pick<ArmContext, 'evaluation' | 'strata' | 'options'>,
  fits: number,
): LengthControl {
  const difficulty = evaluation.rows.map(({ score }) => score ?? Number.NaN);
  return lengthControl(
    {
      scores: scoresOf(scoring),
      differences: scoring.pairs.map((run) => Float64Array.from(run, ({ longerBy }) => longerBy)),
      strata,
      difficulty: difficulty.some(Number.isNaN) ? undefined : difficulty,
    },
    { ...options, resamples: Math.min(fits, options.resamples) },
  );
}

/** What the result has of a length-controlled win rate. */
export const lengthControlled = (control: LengthControl): LengthControlled => {
  const { winRate, low, high, standardError, overlap, state } = control;
  return { winRate, low, high, standardError, overlap, state };
};

/** Adds an arm's win rate to a batch. */
export const addRate = (scoring: ArmScoring, { batch }: ArmContext): (() => WinRateInterval) =>
  batch.add(scoresOf(scoring));

/** Adds the win rates in parts of the rows; a part that is all rows costs nothing. */
function addParts(
  scoring: ArmScoring,
  { evaluation, batch }: ArmContext,
  all: () => WinRateInterval,
  partOf: (row: Evaluation['rows'][number]) => string | undefined,
): () => Record<string, Rate> {
  const parts = evaluation.rows.map(partOf);
  const names = [...new Set(parts)].filter((name) => name !== undefined);
  const scores = scoresOf(scoring);
  const added = names.map((name) => {
    const whole = parts.every((part) => part === name);
    const within = () => scores.map((run) => run.map((x, row) => (parts[row] === name ? x : Number.NaN)));
    return [name, whole ? all : batch.add(within())] as const;
  });
  return () => Object.fromEntries(added.map(([name, rate]) => [name, rateOf(rate())]));
}

/** Mean over an arm's runs of its score in each row, NaN where all are missing. */
function rowMeans(scoring: ArmScoring): Float64Array {
  const runs = scoresOf(scoring);
  return runs[0]!.map((_, row) => {
    const known = runs.map((run) => run[row]!).filter((x) => !Number.isNaN(x));
    return known.reduce((sum, x) => sum + x, 0) / known.length;
  });
}

function tests(scoring: ArmScoring, seed: number): Pick<ArmResult, 'p' | 'signP'> {
  const means = rowMeans(scoring).filter((x) => !Number.isNaN(x));
  if (means.length === 0) return { p: null, signP: null };
  const [wins, losses] = [means.filter((x) => x > 0.5).length, means.filter((x) => x < 0.5).length];
  return {
    p: signFlip(
      means.map((x) => x - 0.5),
      { seed },
    ),
    signP: signTest(wins, losses),
  };
}

/** Lengths of the answers of an arm, and which of a pair is the longer. */
function lengthFigures({ arm, pairs }: ArmScoring, { evaluation, lengths }: ArmContext) {
  const mean = (values: readonly number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const answers = evaluation.arms.get(arm)!.flat();
  const tokens = answers.map((one) => one?.tokens).filter((one) => one !== undefined);
  const by = pairs.flatMap((run) => run.map(({ longerBy }) => longerBy)).filter((one) => !Number.isNaN(one));
  const share = (part: number) => (by.length === 0 ? null : part / by.length);
  return {
    averageLength: mean(lengths.get(arm)!.flatMap((run) => [...run].filter((one) => !Number.isNaN(one)))),
    averageTokens: mean(tokens),
    longer: share(by.filter((one) => one > 0).length),
    shorter: share(by.filter((one) => one < 0).length),
  };
}

/** What decides whether figures make a verdict. */
export interface Standing {
  readonly withheld: ReadonlySet<string>;
  readonly judge: Pick<JudgeFigures, 'kind' | 'problems'>;
}

/** An arm whose rates are in the batch already. */
export interface AddedArm {
  readonly scoring: ArmScoring;
  readonly control: LengthControl;
  readonly rate: () => WinRateInterval;
  readonly bySet: () => Record<string, Rate>;
  readonly byBand: () => Record<string, Rate>;
}

/** Adds all rates of an arm to the batch. */
export function addArm(scoring: ArmScoring, context: ArmContext): AddedArm {
  const rate = addRate(scoring, context);
  return {
    scoring,
    control: lengthControlOf(scoring, context, FITS.judge),
    rate,
    bySet: addParts(scoring, context, rate, ({ set }) => set),
    byBand: addParts(scoring, context, rate, ({ band }) => (band === undefined ? undefined : String(band))),
  };
}

/** The results of all arms, after all were added. */
export function armResults(
  added: readonly AddedArm[],
  context: ArmContext,
  { withheld, judge }: Standing,
): Record<string, ArmResult> {
  const { level, seed } = context.options;
  const found = added.map((one) => ({ ...one, ...tests(one.scoring, seed), interval: one.rate() }));
  const tested = found.filter(({ p }) => p !== null);
  const adjusted = holm(tested.map(({ p }) => p!));
  return Object.fromEntries(
    found.map(({ scoring, control, interval, bySet, byBand, p, signP }) => {
      const place = tested.findIndex((one) => one.scoring === scoring);
      const figures = {
        ...rateOf(interval),
        rows: scoring.pairs.flat().length,
        runs: scoring.pairs.length,
        standardError: orNull(interval.standardError),
        ...countsOf(scoring),
        bounds: interval.bounds,
        p,
        pHolm: place < 0 ? null : adjusted[place]!,
        signP,
        leastDifference: leastOf(interval, level, added.length),
        ...orderOf(scoring, judge.kind),
        lengthControlled: judge.kind === 'length' || interval.n === 0 ? null : lengthControlled(control),
        ...lengthFigures(scoring, context),
        bySet: bySet(),
        byBand: byBand(),
      };
      const verdict = verdictOf(figures, { level, withheld: withheld.has(scoring.arm), judge });
      const { arm, baseline } = scoring;
      return [arm, { ...figures, verdict, sentence: sentenceOf({ ...figures, verdict, arm, baseline, level }) }];
    }),
  );
}

/** Verdicts of an arm by what they say, and those that are missing by reason. */
export function countsOf(scoring: ArmScoring) {
  const all = scoring.pairs.flat();
  const { missing, by } = missingOf(scoring);
  return {
    wins: all.filter(({ x }) => x > 0.5).length,
    ties: all.filter(({ x }) => x === 0.5).length,
    losses: all.filter(({ x }) => x < 0.5).length,
    missing,
    missingBy: by,
  };
}

const orderOf = (scoring: ArmScoring, kind: JudgeFigures['kind']): Pick<ArmResult, 'consistency' | 'position'> => {
  const verdicts = scoring.pairs.flat().flatMap(({ verdict }) => (verdict ? [verdict] : []));
  const { consistency, position } = orderFigures(verdicts, kind);
  return { consistency, position };
};

/** Least difference from 50 that would be seen, given how much the rate varies; null where it does not. */
const leastOf = ({ standardError }: WinRateInterval, level: number, comparisons: number): number | null =>
  standardError > 0 ? leastMean({ rows: 1, deviation: standardError, level, power: POWER, comparisons }) : null;

function verdictOf(
  { low, high, pHolm, n }: Pick<ArmResult, 'low' | 'high' | 'pHolm' | 'n'>,
  { level, withheld, judge }: { level: number; withheld: boolean; judge: Standing['judge'] },
): ArmResult['verdict'] {
  if (withheld || n === 0) return 'withheld';
  if (judge.problems.length > 0) return 'exploratory';
  if (low === null || high === null || pHolm === null || pHolm > 1 - level) return 'not distinguishable';
  return low > 50 ? 'better' : high < 50 ? 'worse' : 'not distinguishable';
}
