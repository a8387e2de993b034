import { shownName } from '../../core/shown.js';
import { type DrawnInterval, intervalPlot } from '../../plots/interval-plot.js';
import { lengthPlot } from '../../plots/length-plot.js';
import type { EvaluationResult, Rate } from './result.js';
import { shownLevel, shownRate } from './sentences.js';
import type { ArmPlot } from './surprising.js';

/** Longest name that fits into a picture's title. */
const LONGEST_NAME = 28;

/** Bands of so many arms are drawn. */
const MOST_ARMS = 8;

/** A picture of a report: what it shows, and its SVG. */
export interface DrawnPicture {
  readonly kind: 'winRates' | 'bands' | 'length';
  readonly arm?: string;
  readonly svg: string;
}

function drawn(name: string, { winRate, low, high }: Rate, counts: boolean): DrawnInterval {
  const apart = low !== null && high !== null && (low > 50 || high < 50);
  return { name, value: winRate, low, high, look: !counts ? 'faint' : apart ? 'sure' : 'open' };
}

/** The pictures of a result: win rates, win rates by band where there are several, length against verdict by arm. */
export function drawResult(
  { arms, baseline, level, judge }: EvaluationResult,
  plots: readonly ArmPlot[],
): DrawnPicture[] {
  const entries = Object.entries(arms);
  if (!judge || entries.every(([, { n }]) => n === 0)) return [];
  const counts = ({ verdict }: EvaluationResult['arms'][string]) => verdict !== 'exploratory' && verdict !== 'withheld';
  const subtitle = `${judge.problems.length > 0 ? 'exploratory; ' : ''}judged by ${shownName(judge.name, LONGEST_NAME)}; ${shownLevel(level)} intervals`;
  const label = `win rate against ${shownName(baseline, LONGEST_NAME)}, %`;
  const winRates = intervalPlot({
    title: 'Win rates',
    subtitle,
    label,
    groups: [{ intervals: entries.map(([name, arm]) => drawn(name, arm, counts(arm))) }],
  });
  const bands = entries
    .filter(([, { byBand }]) => Object.keys(byBand).length > 1)
    .slice(0, MOST_ARMS)
    .map(([name, arm]) => ({
      heading: name,
      intervals: Object.entries(arm.byBand)
        .sort(([x], [y]) => Number(x) - Number(y))
        .map(([band, rate]) => drawn(`band ${band}`, rate, counts(arm))),
    }));
  return [
    { kind: 'winRates', svg: winRates },
    ...(bands.length > 0
      ? [
          {
            kind: 'bands',
            svg: intervalPlot({
              title: 'Win rates by band',
              subtitle: `easy to hard; ${subtitle}`,
              label,
              groups: bands,
            }),
          } as const,
        ]
      : []),
    ...plots.filter(({ pairs }) => pairs.length > 0).map((plot) => drawLength(plot, arms[plot.arm]!, baseline)),
  ];
}

function drawLength(
  { arm, pairs, fitted }: ArmPlot,
  { lengthControlled }: EvaluationResult['arms'][string],
  baseline: string,
): DrawnPicture {
  const [name, base] = [arm, baseline].map((one) => shownName(one, LONGEST_NAME)) as [string, string];
  const rate = lengthControlled?.winRate ?? null;
  const svg = lengthPlot({
    title: `Length against verdict: ${name}`,
    subtitle: rate === null ? 'no win rate at equal length' : `win rate at equal length ${shownRate(rate)} %`,
    label: `characters more than ${base}`,
    pairs,
    fitted,
  });
  return { kind: 'length', arm, svg };
}
