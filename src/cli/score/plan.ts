import { formatCount, formatCounted } from '../../telemetry/format.js';
import type { JudgingPlan, MeasuringPlan, ScoringPlan } from '../../workflow/score-types.js';
import { estimateLines, printPrompt } from '../asking.js';
import type { CommandContext } from '../command.js';

/** Logs what a scorer is going to do. */
export function logPlan(plan: ScoringPlan, { logger }: Pick<CommandContext, 'logger'>): void {
  if (plan.scorer === 'length') return;
  for (const line of plan.scorer === 'openai' ? judgingLines(plan) : measuringLines(plan)) logger.info(line);
}

/** Prints a plan for a dry run; returns it for `--json`. */
export function printPlan(plan: ScoringPlan, context: CommandContext): Record<string, unknown> {
  const { print } = context;
  logPlan(plan, context);
  if (plan.scorer !== 'openai') {
    print(`${formatCounted(plan.rows, 'row')} would be scored by ${plan.scorer}`);
    return { dryRun: true, ...plan };
  }
  const { sample, counts, estimate } = plan;
  if (sample) {
    print(`the judge gets row ${sample.id} like this:`);
    printPrompt(sample.prompt.messages, context);
  }
  return { dryRun: true, ...counts, ...estimate };
}

function measuringLines({ texts, known, tokens, batches }: MeasuringPlan): string[] {
  return [
    ...(known > 0 ? [`${known} of ${texts} texts were measured before; the ledger has them`] : []),
    ...(batches > 0 ? [`${texts - known} texts to measure, ${tokens} tokens in ${batches} batches`] : []),
  ];
}

function judgingLines(plan: JudgingPlan): string[] {
  const { counts, judge, questions, estimate } = plan;
  const { rows, repeated } = counts;
  const same = repeated > 0 ? `, ${formatCount(repeated)} of them equal to another one` : '';
  const times = judge.repeats > 1 ? `, each judged ${judge.repeats} times` : '';
  const known = questions - estimate.requests;
  return [
    `${formatCounted(rows, 'row')}${same}${times}; rubric ${judge.rubric.name}, version ${judge.rubric.version}`,
    ...(known > 0 ? [`${formatCount(known)} of ${formatCount(questions)} replies are already in the ledger`] : []),
    ...estimateLines(plan),
  ];
}
