import { checkJudge } from '../../../workflow/check-judge.js';
import type { Run } from '../../command.js';
import { entranceLines } from '../../eval/entrance.js';
import { showJudging } from '../../eval/judging.js';
import { taskHooks } from '../../task-hooks.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, context) => {
  const checking = checkJudge(options, taskHooks(context));
  const showing = showJudging(context, options);
  try {
    for await (const event of checking.events) showing.show(event);
  } finally {
    showing.end();
  }
  const { judge, kind, about, entrance, written } = await checking.result;
  for (const line of entranceLines(judge, entrance)) context.print(line);
  if (written !== undefined) context.print(`written to ${written}`);
  return { judge, kind, about, ...entrance, ...(written !== undefined && { written }) };
};
