import { peopleBlocks } from '../../eval/people/report.js';
import { summaryBlocks } from '../../eval/result/summary.js';
import { plainLines } from '../../telemetry/document.js';
import { formatCounted } from '../../telemetry/format.js';
import type { ReportedEvaluation } from '../../workflow/eval-report.js';
import type { CommandContext } from '../command.js';

/** Prints the warnings, then the table and the answer, then where the files are. */
export function printEvaluation(
  { result, report, written }: ReportedEvaluation,
  { print, logger }: Pick<CommandContext, 'print' | 'logger'>,
): void {
  for (const warning of result.warnings) logger.warn(warning);
  for (const problem of result.people?.unreadable ?? []) logger.warn(problem);
  for (const line of plainLines(summaryBlocks(result))) print(line);
  if (result.people) for (const line of ['', ...plainLines(peopleBlocks(result.people, result.baseline))]) print(line);
  print('');
  print(`written to ${report}, with result.json and ${formatCounted(written.length - 2, 'other file')} beside it`);
}

/** A result for `--json`: what `result.json` has, and the files. */
export const evaluationJson = ({ result, report, written }: ReportedEvaluation): Record<string, unknown> => ({
  ...result,
  report,
  written: [...written],
});
