import type { EntranceResult, EntranceShare } from '../../eval/judge/entrance.js';
import { formatCounted } from '../../telemetry/format.js';

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const shareLine = (what: string, { right, low, high, pairs, missing, needed }: EntranceShare): string =>
  pairs === 0
    ? `${what}: no pair has a verdict${missing > 0 ? `, ${missing} missing` : ''}`
    : `${what}: right in ${percent(right)} of ${formatCounted(pairs, 'pair')} (95 % interval ${percent(low)} to ${percent(high)}; ${percent(needed)} needed)${missing > 0 ? `, ${missing} missing` : ''}`;

/** What the entrance test found, in lines. */
export function entranceLines(judge: string, result: EntranceResult): string[] {
  const { state, rows, other, scrambled, consistency, position, equal, mass, reasons } = result;
  const verdict = {
    passed: `${judge} passes the entrance test`,
    failed: `${judge} fails the entrance test: its figures are exploratory`,
    'cannot tell': `the entrance test cannot tell whether ${judge} can judge`,
  };
  return [
    `tested on ${formatCounted(rows, 'row')} with their own answers`,
    shareLine("  against another row's answer", other),
    shareLine('  against its own words in another order', scrambled),
    ...(consistency === null || position === null
      ? []
      : [`  both orders agree in ${percent(consistency)} of pairs; position ${signed(position)} points`]),
    ...(equal.pairs === 0
      ? []
      : [
          `  equal answers: tied in ${percent(equal.tied)} of ${formatCounted(equal.pairs, 'pair')}, the first better in ${percent(equal.first)}`,
        ]),
    ...(mass === undefined ? [] : [`  probability of the two letters together: ${percent(mass)}`]),
    verdict[state],
    ...reasons.map((reason) => `  ${reason}`),
  ];
}

const signed = (points: number): string => `${points < 0 ? '-' : '+'}${Math.abs(points).toFixed(1)}`;
