import { parseOptions } from '../config/given-options.js';
import { usageError } from '../core/errors.js';
import { leastDifference, rowsNeeded } from '../statistics/power.js';
import { type PowerOptions, powerOptionsSchema } from './eval-power-options.js';

/** What an evaluation takes. */
export interface PowerPlan {
  /** Rows that show the win rate to differ from 50. */
  readonly rowsNeeded: number;
  /** Pairs that a judge is asked about, and questions if each pair is asked in both orders. */
  readonly pairs: number;
  readonly questions: number;
  /** Least difference from 50 that the given rows show, in points; undefined without `rows`. */
  readonly leastDifference?: number;
}

/**
 * How many rows an evaluation needs, before anything is paid, and what a number of rows can show.
 * Several arms share the level as in the first step of Holm. Throws a usage error for a win rate of
 * 50, and for one that the ties leave no room for.
 *
 * @example
 * const { rowsNeeded } = planPower({ winRate: 55, ties: 30, arms: 3 }); // 722
 */
export function planPower(given: PowerOptions = {}): PowerPlan {
  const { winRate, ties, arms, power, level, rows } = parseOptions(powerOptionsSchema, given);
  if (winRate === 50)
    throw usageError('`winRate`: no number of rows shows that a win rate of 50 differs from 50', { option: 'winRate' });
  const room = [ties / 2, 100 - ties / 2] as const;
  if (winRate <= room[0] || winRate >= room[1])
    throw usageError(`\`winRate\`: with ${ties} % ties it is between ${room[0]} and ${room[1]}, got ${winRate}`, {
      option: 'winRate',
    });
  const shared = { ties: ties / 100, power: power / 100, level, comparisons: arms };
  const needed = rowsNeeded({ winRate, ...shared });
  return {
    rowsNeeded: needed,
    pairs: needed * arms,
    questions: 2 * needed * arms,
    ...(rows !== undefined && { leastDifference: leastDifference({ rows, ...shared }) }),
  };
}
