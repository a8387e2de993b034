import { comparisonReport } from '../../../scoring/compare/report.js';
import { plainLines } from '../../../telemetry/document.js';
import type { ProgressBar } from '../../../telemetry/progress.js';
import { compareScores } from '../../../workflow/compare-scores.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { print, progress }) => {
  const comparing = compareScores(options);
  let bar: ProgressBar | undefined;
  try {
    for await (const event of comparing.events) {
      if (event.type === 'resample') {
        bar ??= progress({ label: 'resamples', total: event.total });
        bar.update(event.done, event.note);
        continue;
      }
      bar?.finish();
      for (const line of plainLines(comparisonReport(event.comparison))) print(line);
    }
  } finally {
    bar?.finish();
  }
  const { comparison, written } = await comparing.result;
  if (written.length > 0) print('');
  for (const file of written) print(`written to ${file}`);
  return { ...comparison, written };
};
