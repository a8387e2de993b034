import { alignedLines } from '../../telemetry/document.js';
import { formatCount, formatCounted, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { AnswerSetsPlan, AnswerSetsResult } from '../../workflow/eval-answer-types.js';
import type { CommandContext } from '../command.js';

/** Says what is to be done, and what in it needs attention. */
export function logAnswerPlan(plan: AnswerSetsPlan, { logger }: Pick<CommandContext, 'logger'>): void {
  for (const change of plan.changes) logger.warn(change);
  for (const arm of plan.renewed) logger.info(`arm ${arm}: its files changed since, so it answers again`);
  for (const line of planLines(plan)) logger.info(line);
}

/** Prints the same on standard output. */
export function printAnswerPlan(plan: AnswerSetsPlan, { print, logger }: CommandContext): void {
  for (const change of plan.changes) logger.warn(change);
  for (const line of planLines(plan)) print(line);
  for (const arm of plan.renewed) print(`arm ${arm}: its files changed since, so it answers again`);
}

function planLines({ arms, baseline, sets, answers, losses }: AnswerSetsPlan): string[] {
  const names = Object.entries(arms).map(([name, { runs }]) =>
    runs.length > 1 ? `${name} (${runs.length} runs)` : name,
  );
  const rows = sets.map(({ name, rows: all, chosen }) =>
    chosen === all ? `${name} ${formatCount(all)}` : `${name} ${formatCount(chosen)} of ${formatCount(all)}`,
  );
  const known = (count: number) => (count > 0 ? ` (${formatCount(count)} are there)` : '');
  return [
    `${names.join(', ')}; baseline ${baseline}; rows: ${rows.join(', ')}`,
    `${formatCounted(answers.missing, 'answer')} to generate${known(answers.known)}` +
      (losses.total > 0 ? `, ${formatCount(losses.missing)} losses to measure${known(losses.known)}` : ''),
  ];
}

/** Prints what each arm answered. */
export function printAnswers(result: AnswerSetsResult, { print }: CommandContext): void {
  const { arms, out, generated, seconds, tokensPerSecond } = result;
  const share = (count: number, all: number) => (all > 0 ? `${formatNumber((100 * count) / all)} %` : '');
  const rows = Object.entries(arms).map(([name, { answers, empty, cut, loop, meanTokens, meanLoss }]) => [
    name,
    formatCount(answers),
    meanTokens === undefined ? '' : formatNumber(meanTokens),
    share(empty, answers),
    share(cut, answers),
    share(loop, answers),
    meanLoss === undefined ? '' : meanLoss.toFixed(3),
  ]);
  const head = ['arm', 'answers', 'mean tokens', 'empty', 'cut', 'loops', 'loss on references'];
  for (const line of alignedLines([head, ...rows])) print(line);
  const speed = tokensPerSecond === undefined ? '' : ` at ${formatNumber(tokensPerSecond)} tokens/s`;
  const work =
    generated > 0 ? `, ${formatCounted(generated, 'answer')} generated in ${formatDuration(seconds)}${speed}` : '';
  print(`written to ${out}${work}`);
}

/** The result as `--json` prints it. */
export const answersJson = (result: AnswerSetsResult): Record<string, unknown> => ({ ...result });
