import { groupBy } from '../../core/lists.js';
import { shownP } from '../../eval/result/sentences.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import { groupOf } from '../cell.js';
import { unequalSteps } from '../planned-by-arm.js';
import type { Study } from '../study-record.js';
import type { Measured, Measurements } from './measure.js';
import type { Results } from './results.js';

/** Arms whose trained tokens differ by more than this share are not compared at equal budget. */
const MOST_TOKENS_APART = 0.01;
/** Below this p, what is missing depends on the arm. */
const MISSING_ALPHA = 0.05;

/** What a reader must know before any figure. */
export function warningsOf(
  { record, cells }: Study,
  {
    measured,
    arms,
    missing,
    missingDiffers,
    settled,
    finished,
  }: Pick<Results, 'arms' | 'missing' | 'missingDiffers'> & {
    readonly measured: Measurements;
    /** Nothing is left to run, or `finish`. */
    readonly settled: boolean;
    readonly finished: boolean;
  },
): string[] {
  const gone = missing.reduce((sum, arm) => sum + arm.missing, 0);
  const counted = `${formatCount(cells.length - gone)} of ${formatCounted(cells.length, 'cell')}`;
  return [
    ...(settled ? [] : [`The study is not done: ${counted} count so far. There is no verdict before the end.`]),
    ...(finished ? [`The study was finished before all of its cells ran: ${counted} count.`] : []),
    ...record.extended.map(
      ({ added, done }) =>
        `Added after ${formatCounted(done, 'cell')} of the study had run: ${added.join(', ')}. What is added after a look at results makes false findings likelier.`,
    ),
    ...record.forced.map(({ changes }) => `Continued although something had changed: ${changes.join('; ')}.`),
    ...(settled && missingDiffers !== null && missingDiffers < MISSING_ALPHA
      ? [
          `Missing cells are not spread equally over the arms (${spread(missing)}; Fisher's exact test, ${shownP(missingDiffers)}): what is left of an arm may be its easier runs.`,
        ]
      : []),
    ...enginesApart([...measured.cells.values()]),
    ...tokensApart(arms),
    ...unequalSteps(cells).map(asSentence),
  ];
}

/** A warning of the plan as the others are written. */
const asSentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

const spread = (missing: Results['missing']): string =>
  missing.map(({ arm, missing, planned }) => `${arm} ${formatCount(missing)} of ${formatCount(planned)}`).join(', ');

/** Cells that not all were trained by the same engine, or the same version of it. */
function enginesApart(cells: readonly Measured[]): string[] {
  if (new Set(cells.map(({ engine }) => engine)).size < 2) return [];
  const arms = [...groupBy(cells, ({ cell }) => cell.arm)].map(([arm, ofArm]) => {
    const engines = [...groupBy(ofArm, ({ engine }) => engine)].map(
      ([engine, { length }]) => `${formatCount(length)} by ${engine}`,
    );
    return `${arm} ${engines.join(', ')}`;
  });
  return [
    `Cells were trained by different engines (${arms.join('; ')}), which round differently: a difference between arms may be one between engines.`,
  ];
}

/** Arms of one combination of axes that were not trained on the same number of tokens. */
function tokensApart(arms: Results['arms']): string[] {
  const groups = groupBy(arms, groupOf);
  return [...groups.values()].flatMap((group) => {
    const tokens = group.flatMap(({ trainedTokens }) => (trainedTokens === null ? [] : [trainedTokens]));
    const [least, most] = [Math.min(...tokens), Math.max(...tokens)];
    if (tokens.length < 2 || most <= (1 + MOST_TOKENS_APART) * least) return [];
    return [
      `Arms were trained on ${formatCount(Math.round(least))} to ${formatCount(Math.round(most))} tokens, over 1 % apart: the budget is not equal.`,
    ];
  });
}
