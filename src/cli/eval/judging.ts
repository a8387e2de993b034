import type { EndpointOptions } from '../../endpoint/options.js';
import { formatCount, formatCounted, formatDollars } from '../../telemetry/format.js';
import type { ProgressBar, ProgressTask } from '../../telemetry/progress.js';
import type {
  JudgeAnswersEvent,
  JudgeAnswersResult,
  JudgedPairs,
  PairJudgingPlan,
} from '../../workflow/eval-judge-types.js';
import { createDelayLines, estimateLines, logAsked, noteOf, printPrompt } from '../asking.js';
import type { CommandContext } from '../command.js';
import { entranceLines } from './entrance.js';

/** Shows the events of judging pairs: one bar at a time, and lines beside it. `end` finishes the bar. */
export function showJudging(context: CommandContext, options: Pick<EndpointOptions, 'maxCost'>) {
  const { logger } = context;
  const delayLines = createDelayLines();
  let bar: ProgressBar | undefined;
  const end = () => {
    bar?.finish();
    bar = undefined;
  };
  const begin = (task: ProgressTask) => {
    bar ??= context.progress(task);
    return bar;
  };
  const show = (event: JudgeAnswersEvent) => {
    if (event.type === 'plan') for (const line of planLines(event.plan)) logger.info(line);
    if (event.type === 'start' && event.kind !== 'length') begin(taskOf(event.kind, event.total));
    if (event.type === 'answer') {
      const { totals, total, unreadable } = event;
      begin(taskOf('llm', total)).update(Math.min(total, totals.answered + totals.failed), noteOf(totals, unreadable));
    }
    if (event.type === 'settled') begin(taskOf(event.judge, event.total)).update(event.done);
    if (event.type === 'retry' || event.type === 'wait') for (const line of delayLines(event)) logger.warn(line);
    if (event.type === 'asked') {
      end();
      logAsked(event, options, context);
    }
    if (event.type === 'judged') end();
  };
  return { show, end };
}

const taskOf = (kind: string, total: number): ProgressTask => ({
  label: kind === 'llm' ? 'judge' : kind,
  total,
  unit: 'questions',
});

/** What a judge is going to do, for people. */
function planLines(plan: PairJudgingPlan): string[] {
  const { pairs, equal, bothEmpty, noAnswer, questions, entrance, asking, judge, controls } = plan;
  const unasked = [
    equal > 0 ? `${formatCount(equal)} of them equal answers, which are ties unasked` : '',
    bothEmpty > 0 ? `${formatCount(bothEmpty)} pairs of empty answers, ties as well` : '',
    noAnswer > 0 ? `${formatCount(noAnswer)} without one of the answers` : '',
  ].filter(Boolean);
  const beside = controls.length > 0 ? `; beside it, for free: ${controls.join(', ')}` : '';
  const known = asking ? asking.different - asking.estimate.requests : 0;
  const judging = [
    [`${formatCounted(pairs, 'pair')} of answers`, ...unasked].join(', '),
    `${formatCounted(questions, 'question')} to ${judge}${beside}`,
    ...(entrance > 0 ? [`before them ${formatCounted(entrance, 'question')} of its entrance test`] : []),
  ];
  return [
    ...(pairs > 0 ? judging : [`${formatCounted(entrance, 'question')} to ${judge}, to test it`]),
    ...(known > 0 ? [`${formatCount(known)} replies are already in the ledger`] : []),
    ...(asking ? estimateLines(asking) : []),
  ];
}

/** Prints a plan for a dry run; returns it for `--json`. */
export function printJudgingPlan(plan: PairJudgingPlan, context: CommandContext): Record<string, unknown> {
  for (const line of planLines(plan)) context.print(line);
  const { asking, ...counts } = plan;
  if (!asking) return { dryRun: true, ...counts };
  if (asking.sample) {
    context.print('the judge gets the first pair like this:');
    printPrompt(asking.sample.messages, context);
  }
  const { estimate, different, cut } = asking;
  return { dryRun: true, ...counts, different, cut, ...estimate };
}

/** Prints what was judged and what is missing, and what to do next. */
export function printJudging(result: JudgeAnswersResult, context: Pick<CommandContext, 'print' | 'logger'>): void {
  printJudges(result, context);
  context.print(`verdicts: ${result.verdicts}`);
  if (!result.problem) context.print(`next: phasetune eval report ${result.folder}`);
}

/** Prints what each judge did, and what is missing. */
export function printJudges(
  { judges }: Pick<JudgeAnswersResult, 'judges'>,
  { print, logger }: Pick<CommandContext, 'print' | 'logger'>,
): void {
  for (const judged of judges) {
    print(judgedLine(judged));
    if (judged.control) continue;
    if (judged.entrance) for (const line of entranceLines(judged.judge, judged.entrance)) print(line);
    for (const [arm, reasons] of Object.entries(judged.missingBy))
      for (const [reason, pairs] of Object.entries(reasons))
        logger.warn(`${arm}: ${formatCounted(pairs, 'verdict')} ${pairs === 1 ? 'is' : 'are'} missing (${reason})`);
    if (judged.bothEmpty > 0)
      logger.warn(`${formatCount(judged.bothEmpty)} pairs are of two empty answers, which count as ties`);
    printNoise(judged, print);
    if ((judged.replies?.fromText ?? 0) > 0)
      logger.warn(
        `${formatCount(judged.replies!.fromText)} replies came without usable log-probabilities; there the verdict counts as it is`,
      );
  }
}

function judgedLine({ judge, pairs, judged, equal, bothEmpty, missing, spent, control }: JudgedPairs): string {
  const unasked = equal + bothEmpty;
  const parts = [
    `${formatCount(judged)} of ${formatCounted(pairs, 'pair')} judged`,
    unasked > 0 ? `${formatCount(unasked)} tied unasked` : '',
    missing > 0 ? `${formatCount(missing)} missing` : '',
    spent && spent.dollars > 0 ? `${formatDollars(spent.dollars)} over all runs` : '',
  ];
  return `${judge}${control ? ' (control)' : ''}: ${parts.filter(Boolean).join(', ')}`;
}

function printNoise({ repeatability }: JudgedPairs, print: CommandContext['print']): void {
  if (!repeatability) return;
  const { agreement, questions } = repeatability;
  print(
    `asked again, the judge says the same in ${(agreement * 100).toFixed(1)} % of cases (${formatCounted(questions, 'question')})`,
  );
}

/** A result for `--json`. */
export const judgingJson = ({ folder, judges, verdicts }: JudgeAnswersResult): Record<string, unknown> => ({
  folder,
  verdicts,
  judges: Object.fromEntries(judges.map(({ judge, ...rest }) => [judge, rest])),
});
