import type { WinRatePlan } from '../../study/win-rate-plan.js';
import { formatCount, formatCounted } from '../../telemetry/format.js';
import { estimateLines } from '../asking.js';

/** What measuring win rates will take, for people. */
export function winRatePlanLines(plan: WinRatePlan): string[] {
  const { evaluations, sets, rows, answers, pairs, judge, questions, entrance, asking } = plan;
  const test = entrance > 0 ? `, and ${formatCount(entrance)} of the entrance test` : '';
  const many = evaluations > 1 ? ` in ${formatCounted(evaluations, 'evaluation')}` : '';
  return [
    `win rates: ${formatCounted(answers, 'answer')} to ${formatCounted(rows, 'instruction')} of ${sets.map(({ name }) => name).join(', ')}${many}`,
    `${formatCounted(pairs, 'pair')} for the judge ${judge}: at most ${formatCounted(questions, 'question')}${test}`,
    ...(asking ? estimateLines(asking) : []),
  ];
}
