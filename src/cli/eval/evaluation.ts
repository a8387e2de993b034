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
  for (const line of plainLines(summaryBlocks(result))) print(line);
  print('');
  print(`written to ${report}, with result.json and ${formatCounted(written.length - 2, 'other file')} beside it`);
}

/** A result for `--json`: what `result.json` has, and the files. */
export const evaluationJson = ({ result, report, written }: ReportedEvaluation): Record<string, unknown> => ({
  ...result,
  report,
  written: [...written],
});
