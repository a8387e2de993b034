import { formatCount, formatCounted } from '../../../telemetry/format.js';
import { planPower } from '../../../workflow/eval-power.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { print }) => {
  const plan = planPower(options);
  const { winRate, ties, arms, power, level, rows } = options;
  const several = arms > 1 ? `, ${arms} arms together` : '';
  print(
    `${formatCounted(plan.rowsNeeded, 'row')} show a win rate of ${winRate} % (${ties} % ties, power ${power} %, level ${level}${several})`,
  );
  print(
    `that is ${formatCounted(plan.pairs, 'pair')}, and ${formatCount(plan.questions)} questions if each is asked in both orders`,
  );
  if (rows !== undefined)
    print(
      `${formatCounted(rows, 'row')} show a difference from 50 of ${plan.leastDifference!.toFixed(1)} points or more`,
    );
  return { ...plan };
};
