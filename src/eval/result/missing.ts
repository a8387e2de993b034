import { fisherExact } from '../../statistics/fisher.js';
import { holm } from '../../statistics/holm.js';
import { formatCount } from '../../telemetry/format.js';
import type { EvaluationResult } from './result.js';
import type { ArmScoring } from './scores.js';
import { shownP } from './sentences.js';

/** Below this p two arms miss verdicts with different frequency. */
const DIFFERS = 0.01;

/** Verdicts that are missing. */
export interface MissingFigures {
  readonly missing: EvaluationResult['missing'];
  /** Arms that get no verdict for it. */
  readonly withheld: ReadonlySet<string>;
}

/** How many verdicts of an arm are missing, and why. */
export function missingOf({ pairs }: ArmScoring): { pairs: number; missing: number; by: Record<string, number> } {
  const all = pairs.flat();
  const by: Record<string, number> = {};
  for (const { reason } of all) if (reason !== undefined) by[reason] = (by[reason] ?? 0) + 1;
  const sorted = Object.fromEntries(Object.entries(by).sort(([x], [y]) => (x < y ? -1 : 1)));
  return { pairs: all.length, missing: all.filter(({ reason }) => reason !== undefined).length, by: sorted };
}

/**
 * Whether so much is missing that an arm gets no verdict: a share over `maxMissing`, or no verdict at all. Where two
 * arms miss verdicts with different frequency (Fisher's exact test, p < 0.01 after Holm), no arm gets one: what made
 * them missing may have taken wins from one arm and losses from another.
 */
export function missingFigures(scorings: readonly ArmScoring[], maxMissing: number): MissingFigures {
  const counts = scorings.map((scoring) => ({ arm: scoring.arm, ...missingOf(scoring) }));
  const withheld = new Set<string>();
  const problems: string[] = [];
  for (const { arm, pairs, missing } of counts) {
    const share = missing / pairs;
    if (missing < pairs && share <= maxMissing) continue;
    withheld.add(arm);
    const limit = missing < pairs ? `, more than the ${percent(maxMissing)} of \`maxMissing\`` : '';
    problems.push(
      `${arm}: ${formatCount(missing)} of ${formatCount(pairs)} verdicts are missing (${percent(share)})${limit}`,
    );
  }
  const tests = counts.flatMap((x, i) =>
    counts.slice(i + 1).map((y) => ({
      more: x.missing * y.pairs >= y.missing * x.pairs ? x : y,
      less: x.missing * y.pairs >= y.missing * x.pairs ? y : x,
      p: fisherExact([
        [x.missing, x.pairs - x.missing],
        [y.missing, y.pairs - y.missing],
      ]),
    })),
  );
  const adjusted = holm(tests.map(({ p }) => p));
  const different = tests.map((test, i) => ({ ...test, p: adjusted[i]! })).filter(({ p }) => p < DIFFERS);
  for (const { arm, missing, pairs } of counts) {
    const found = different.filter(({ more }) => more.arm === arm);
    if (found.length === 0) continue;
    const { less, p } = found.reduce((x, y) => (y.p < x.p ? y : x));
    problems.push(
      `${arm}: what is missing depends on the arm: ${percent(missing / pairs)} of its verdicts, and ${percent(less.missing / less.pairs)} of those of ${less.arm} (${shownP(p)})`,
    );
  }
  if (different.length > 0) for (const { arm } of counts) withheld.add(arm);
  return {
    missing: { ...totals(counts), pDiffers: tests.length > 0 ? Math.min(...adjusted) : null, problems },
    withheld,
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function totals(counts: readonly ReturnType<typeof missingOf>[]) {
  const by: Record<string, number> = {};
  for (const one of counts) for (const [reason, n] of Object.entries(one.by)) by[reason] = (by[reason] ?? 0) + n;
  return {
    pairs: counts.reduce((sum, { pairs }) => sum + pairs, 0),
    missing: counts.reduce((sum, { missing }) => sum + missing, 0),
    by: Object.fromEntries(Object.entries(by).sort(([x], [y]) => (x < y ? -1 : 1))),
  };
}
