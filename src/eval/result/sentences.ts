import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { ArmResult, LengthControlled, Rate } from './result.js';

/** A rate with one digit: `58.3`; `-` for none. */
export const shownRate = (value: number | null): string => (value === null ? '-' : value.toFixed(1));

/** A win rate at equal length, with a question mark where it is extrapolated. */
export const shownEqualLength = (control: LengthControlled | null): string =>
  `${shownRate(control?.winRate ?? null)}${control?.state === 'extrapolated' ? '?' : ''}`;

/** What the question mark of {@link shownEqualLength} means. */
export const EXTRAPOLATED = '?: extrapolated, as one side is almost always the longer.';

/** An interval: `54.9 to 61.7`; `-` for none. */
export const shownInterval = ({ low, high }: Pick<Rate, 'low' | 'high'>): string =>
  low === null || high === null ? '-' : `${shownRate(low)} to ${shownRate(high)}`;

/** A probability: `p = 0.032`, `p < 0.0001`. */
export const shownP = (p: number): string => (p < 0.0001 ? 'p < 0.0001' : `p = ${Number(p.toPrecision(2))}`);

/** A level: `95 %`. */
export const shownLevel = (level: number): string => `${Number((100 * level).toPrecision(10))} %`;

/** What a sentence is made of. */
type Figures = Omit<ArmResult, 'sentence'> & {
  readonly arm: string;
  readonly baseline: string;
  readonly level: number;
};

/** The answer about an arm in a sentence. */
export function sentenceOf(figures: Figures): string {
  const { arm, baseline, verdict, winRate, n, missing, rows, bounds, level } = figures;
  if (verdict === 'withheld') {
    if (n === 0) return `No verdict on ${arm}: all ${formatCount(rows)} verdicts are missing.`;
    if (!bounds)
      return `No verdict on ${arm}, of which no verdict is missing, since what is missing depends on the arm; its win rate against ${baseline} is ${shownRate(winRate)} %.`;
    return `No verdict on ${arm}: ${formatCount(missing)} of ${formatCount(rows)} verdicts are missing; its win rate against ${baseline} is from ${shownRate(bounds.low)} % (all of them lost) to ${shownRate(bounds.high)} % (all won).`;
  }
  // Resamples of equal scores are all the same: no interval at all, though it reads as a very narrow one.
  const interval = isFlat(figures) && winRate !== 50 ? '' : `, ${shownLevel(level)} interval ${shownInterval(figures)}`;
  const gaps =
    bounds === null
      ? ''
      : `, ${formatCount(missing)} missing (${shownRate(bounds.low)} % if all were lost, ${shownRate(bounds.high)} % if all were won)`;
  const rate = `win rate ${shownRate(winRate)} %${interval}, ${formatCounted(n, 'verdict')}${gaps}`;
  if (verdict === 'exploratory') return `This judge cannot tell ${arm} from ${baseline} (${rate}).`;
  if (verdict === 'not distinguishable')
    return `${arm} and ${baseline} are not distinguishable: ${rate}; ${why(figures)}.`;
  return `${arm} is ${verdict} than ${baseline}: ${rate}, ${shownP(figures.pHolm!)}.`;
}

const isFlat = ({ leastDifference, low }: Figures): boolean => leastDifference === null && low !== null;

/** Why a difference was not seen. */
function why({ low, high, pHolm, winRate, leastDifference, n }: Figures): string {
  if (leastDifference === null) {
    if (n === 1) return 'one verdict says nothing';
    const chance = winRate === 50 ? '' : `, which so few are by chance too often (${shownP(pHolm!)})`;
    return `all verdicts are the same${chance}`;
  }
  const outside = low !== null && high !== null && (low > 50 || high < 50);
  const several = outside ? `${shownP(pHolm!)} once all comparisons are counted; ` : '';
  return `${several}${formatCounted(n, 'verdict')} could have shown a difference of ${shownRate(leastDifference)} points`;
}
