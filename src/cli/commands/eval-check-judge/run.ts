import type { ProgressBar } from '../../../telemetry/progress.js';
import { checkJudge } from '../../../workflow/check-judge.js';
import type { Run } from '../../command.js';
import { entranceLines } from '../../eval/entrance.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, context) => {
  const { logger, verbose, print, progress } = context;
  const checking = checkJudge(options, {
    logger,
    verbose,
    get signal() {
      return context.signal;
    },
  });
  let bar: ProgressBar | undefined;
  try {
    for await (const { done, total } of checking.events) {
      bar ??= progress({ label: 'questions', total });
      bar.update(done);
    }
  } finally {
    bar?.finish();
  }
  const { judge, kind, about, entrance, written } = await checking.result;
  for (const line of entranceLines(judge, entrance)) print(line);
  if (written !== undefined) print(`written to ${written}`);
  return { judge, kind, about, ...entrance, ...(written !== undefined && { written }) };
};
