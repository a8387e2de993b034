import { shownLevel, shownP } from '../../eval/result/sentences.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import { groupOf } from '../cell.js';
import type { Compared } from './compare.js';
import { digitsFor, shown, shownUnit, shownUnits } from './figures.js';
import type { About } from './parts.js';
import type { Results } from './results.js';

type Power = Results['comparisons'][number]['power'];
type Interval = NonNullable<Results['comparisons'][number]['rows']>;

/** The answer about an arm in a sentence or two. */
export function sentenceOf(one: Compared, power: Power, about: About): string {
  const group = groupOf(one);
  const text = answer(one, power, about);
  return group === '' ? text : `${group}: ${text}`;
}

function answer(one: Compared, power: Power, about: About): string {
  const { arm, control, verdict, n, planned } = one;
  const unit = shownUnit(about.metricUnit);
  if (!about.settled)
    return `No verdict on ${arm} yet: ${formatCount(n)} of ${formatCounted(planned, 'block')} are done in both it and ${control}.`;
  if (about.problems.length > 0) return `No verdict on ${arm}: ${about.problems.join('; ')}.`;
  if (verdict === 'incomplete') return incomplete(one, about);
  const digits = digitsFor(one.low, one.high, about.metricUnit);
  const level = shownLevel(1 - about.alpha);
  const seeds = shownUnits(one.units, about.unit);
  const difference = `${shown(one.difference, digits)} ${unit} (${level} interval ${shown(one.low, digits)} to ${shown(one.high, digits)}, ${seeds}`;
  if (verdict === null)
    return `${arm} less ${control}: ${difference}); it is not one of the arms that verdicts are for.`;
  if (verdict === 'better' || verdict === 'worse') return found(one, verdict, about, digits);
  if (verdict === 'same within margin') {
    const { low, high, pHolm } = one.equivalence!;
    const interval = `${shownLevel(1 - 2 * about.alpha)} interval ${shown(low, digits)} to ${shown(high, digits)}`;
    return `${arm} and ${control} are the same within ${about.margin} ${unit}: the difference is ${shown(one.difference, digits)} (${interval}, ${seeds}, ${shownP(pHolm!)}).`;
  }
  const ruledOut = `Differences below ${shown(one.low, digits)} and above ${shown(one.high, digits)} are ruled out; ${reach(one.units, power, about, digits)}.`;
  return `${arm} and ${control} are not distinguishable: the difference is ${difference}, ${shownP(one.pHolm!)}). ${ruledOut}`;
}

/** A difference that was found, as a size and a direction. */
function found(one: Compared, verdict: 'better' | 'worse', about: About, digits: number): string {
  const { arm, control, difference, low, high } = one;
  const below = difference! < 0;
  const [least, most] = below ? [-high!, -low!] : [low!, high!];
  const size = `${shown(Math.abs(difference!), digits)} ${shownUnit(about.metricUnit)} ${below ? 'lower' : 'higher'}`;
  const interval = `${shownLevel(1 - about.alpha)} interval ${shown(least, digits)} to ${shown(most, digits)}`;
  const small = one.withinMargin ? `, but by less than ${about.margin} ${shownUnit(about.metricUnit)}` : '';
  return `${arm} is ${verdict} than ${control}${small}: its ${about.metric} is ${size} (${interval}, ${shownUnits(one.units, about.unit)}, ${shownP(one.pHolm!)}).`;
}

/** What it would take to find more. */
function reach(units: number, { leastDifference, seedsForMargin }: Power, about: About, digits: number): string {
  const unit = shownUnit(about.metricUnit);
  if (about.margin !== null && seedsForMargin !== null)
    return `${shownUnits(seedsForMargin, about.unit)} find a difference of ${about.margin} ${unit} with a power of 0.8`;
  return `${shownUnits(units, about.unit)} find differences of ${shown(leastDifference, digits)} ${unit} and more with a power of 0.8`;
}

function incomplete({ arm, control, units, n, planned, incomplete: why, ...one }: Compared, about: About): string {
  const missing = `${formatCount(planned - n)} of ${formatCounted(planned, 'block')} are missing in it or in ${control}`;
  const digits = digitsFor(one.low, one.high, about.metricUnit);
  const so =
    units === 0
      ? ''
      : `; over ${shownUnits(units, about.unit)} the difference is ${shown(one.difference, digits)} ${shownUnit(about.metricUnit)}`;
  if (why === 'copies')
    return `No verdict on ${arm}: it and ${control} have the same ${about.metric} for every ${about.unit}, so that all of them count as one run.`;
  if (why === 'missing') return `No verdict on ${arm}: ${missing}${so}.`;
  const few = `a verdict takes at least 3 ${about.unit}s that both arms have, and there ${units === 1 ? 'is' : 'are'} ${formatCount(units)}`;
  return `No verdict on ${arm}: ${few}${n < planned ? ` (${missing})` : ''}${so}.`;
}

/** What the interval is for other rows too. */
export function rowsNote({ low, high }: Compared, rows: Interval, { alpha, metricUnit }: About): string {
  const digits = digitsFor(low, high, metricUnit);
  return `For other held-out rows too, the ${shownLevel(1 - alpha)} interval is ${shown(rows.low, digits)} to ${shown(rows.high, digits)} ${shownUnit(metricUnit)}.`;
}

/** What is said beside a verdict. */
export function notesOf(one: Compared, { alpha, family, unit }: About): string[] {
  const { verdict, pHolm, signFlipHolm, low, high, units, difference, sd } = one;
  if (verdict === null || verdict === 'incomplete' || pHolm === null || signFlipHolm === null) return [];
  const notes: string[] = [];
  const outside = low! > 0 || high! < 0;
  if (outside && pHolm >= alpha)
    notes.push(`The interval does not contain 0, but this is no finding once all ${family} comparisons are counted.`);
  if (difference === 0 && sd === 0) notes.push('The difference is exactly 0 everywhere: both arms did the same.');
  else if (2 ** (1 - units) * family >= alpha)
    notes.push(
      `With ${shownUnits(units, unit)} the permutation test cannot find anything${family === 1 ? '' : ` among ${family} comparisons`}; the verdict rests on the t test, which assumes that differences are normally distributed.`,
    );
  else if (signFlipHolm < alpha !== pHolm < alpha)
    notes.push(
      `The permutation test, which makes no assumption about how differences are distributed, does not agree: ${shownP(signFlipHolm)} instead of ${shownP(pHolm)}.`,
    );
  return notes;
}
