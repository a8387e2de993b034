import { formatCount, formatCounted, formatDollars, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { JudgingPlan, MeasuringPlan, ScoringPlan } from '../../workflow/score-types.js';
import type { CommandContext } from '../command.js';

/** Logs what a scorer is going to do. */
export function logPlan(plan: ScoringPlan, { logger }: Pick<CommandContext, 'logger'>): void {
  if (plan.scorer === 'length') return;
  for (const line of plan.scorer === 'openai' ? judgingLines(plan) : measuringLines(plan)) logger.info(line);
}

/** Prints a plan for a dry run; returns it for `--json`. */
export function printPlan(plan: ScoringPlan, context: CommandContext): Record<string, unknown> {
  const { print, printText } = context;
  logPlan(plan, context);
  if (plan.scorer !== 'openai') {
    print(`${formatCounted(plan.rows, 'row')} would be scored by ${plan.scorer}`);
    return { dryRun: true, ...plan };
  }
  const { sample, counts, estimate } = plan;
  if (sample) {
    print(`the judge gets row ${sample.id} like this:`);
    for (const { role, content } of sample.prompt.messages) {
      for (const line of ['', `--- ${role}`]) print(line);
      printText(content);
    }
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

function estimateLines({ estimate, address, price }: JudgingPlan): string[] {
  const { requests, promptTokens, atLeastSeconds } = estimate;
  if (requests === 0) return [];
  const { host } = new URL(address.baseUrl);
  return [
    `${formatCounted(requests, 'request')} to ${address.model} at ${host}, about ${roughly(promptTokens)} tokens`,
    costLine({ estimate, address, price }, host),
    ...(atLeastSeconds > 0 ? [`at least ${formatDuration(atLeastSeconds)}, because of the limits per minute`] : []),
  ];
}

function costLine(
  { estimate, address, price }: Pick<JudgingPlan, 'estimate' | 'address' | 'price'>,
  host: string,
): string {
  const { cost, likelyCost } = estimate;
  if (address.local && cost === undefined)
    return `counted as free, since ${host} is on this machine or network; set \`prices\` if it is a gateway that charges`;
  if (cost === undefined || likelyCost === undefined)
    return `their cost is not known: there is no price of ${address.model} at ${host}; set \`prices\` to a file with one`;
  if (cost === 0) return 'they cost nothing, according to `prices`';
  const dated = price?.date ? ` (prices of ${price.date})` : '';
  return `about ${formatDollars(likelyCost)}; at most ${formatDollars(cost)}, if every reply is as long as \`maxTokens\` allows and none is asked for again${dated}`;
}

/** A number that is a guess: two or three of its digits. */
const roughly = (n: number) =>
  n < 1e6 ? formatNumber(Number(n.toPrecision(2))) : `${(n / 1e6).toPrecision(3)} million`;
