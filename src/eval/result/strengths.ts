import { davidsonIntervals, type RowGames } from '../../statistics/davidson.js';
import { type ArmContext, FITS } from './arm-results.js';
import { isOrdered } from './judge-figures.js';
import type { EvaluationResult } from './result.js';
import { type Lookup, orderScore, scoringOf } from './scores.js';

/** The side of one half that a score is on: 0, 1/2 or 1. */
const hard = (score: number): number => (score > 0.5 ? 1 : score < 0.5 ? 0 : score);

/**
 * Strengths of all arms by the model of Davidson and Beaver, where the judge was asked about every
 * pair of three or more arms; undefined where it was not, or where there is no such number. All
 * runs count; the intervals are over rows.
 */
export function strengthsOf(
  judge: string,
  lookup: Lookup,
  { evaluation, strata, options }: ArmContext,
): EvaluationResult['bradleyTerry'] {
  const { file, verdicts } = evaluation;
  const names = [file.baseline, ...Object.keys(file.arms).filter((arm) => arm !== file.baseline)];
  const judged = new Set(
    verdicts.filter((one) => one.judge === judge).map(({ baseline, arm }) => JSON.stringify([baseline, arm])),
  );
  const pairs = names.flatMap((_, i) => names.slice(i + 1).map((__, j) => [i, i + 1 + j] as const));
  const games = pairs.flatMap(([i, j]): RowGames[][] => {
    const [x, y] = [names[i]!, names[j]!];
    const known = (baseline: string, arm: string) => judged.has(JSON.stringify([baseline, arm]));
    if (known(x, y)) return [scoringOf(lookup, judge, y, x).pairs.flatMap((run) => gamesOf(i, j, run))];
    return known(y, x) ? [scoringOf(lookup, judge, x, y).pairs.flatMap((run) => gamesOf(j, i, run))] : [];
  });
  if (names.length < 3 || games.length < pairs.length) return undefined;
  const { strengths, order } = davidsonIntervals(names.length, games.flat(), strata, {
    ...options,
    resamples: Math.min(FITS.judge, options.resamples),
  });
  if (strengths.some(({ value }) => value === null)) return undefined;
  const arms = strengths.map(({ value, interval }, i) => [
    names[i]!,
    { strength: value!, low: interval?.[0] ?? null, high: interval?.[1] ?? null },
  ]);
  return {
    arms: Object.fromEntries(arms),
    order: isOrdered(file.judges[judge]!.kind) ? order.value : null,
    pairs: games.length,
  };
}

/** What a judge said in both orders about two arms; `arm` is the one that the verdicts are about. */
function gamesOf(baseline: number, arm: number, pairs: ReturnType<typeof scoringOf>['pairs'][number]): RowGames[] {
  const scores = (first: 'arm' | 'baseline') =>
    pairs.map(({ verdict }) => {
      if (verdict?.state === 'equal' || verdict?.state === 'both-empty') return 0.5;
      return hard(orderScore(verdict?.orders ?? [], first));
    });
  return [
    { first: arm, second: baseline, scores: scores('arm') },
    { first: baseline, second: arm, scores: scores('baseline').map((x) => 1 - x) },
  ];
}
