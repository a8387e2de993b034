import { join } from 'node:path';
import type { Task } from '../core/task.js';
import { checkBoardFolder, liveFiles } from '../tensorboard/event-files.js';
import { boardWriter } from '../tensorboard/event-writer.js';
import type { RunEvent } from '../train/events.js';
import { BOARD_FOLDER, type RunFile } from '../train/run-file.js';
import type { WarningEvent } from './train-events.js';
import type { TrainingOptions } from './train-options.js';

/**
 * The folder for a run's event files; undefined where none are written. Unless an option says otherwise, a
 * run that is resumed continues those in its own folder. Throws a usage error for a folder with files of
 * something else.
 */
export async function boardFolder(
  { tensorboard, out }: Pick<TrainingOptions, 'tensorboard' | 'out'>,
  run: RunFile | undefined,
): Promise<string | undefined> {
  const own = join(out, BOARD_FOLDER);
  if (tensorboard === undefined) return run && (await liveFiles(own, run.started)).length > 0 ? own : undefined;
  if (tensorboard === false) return undefined;
  const folder = tensorboard === true ? own : tensorboard;
  await checkBoardFolder(folder, run?.started);
  return folder;
}

/**
 * Passes on the events of a run's task, each once it is written for TensorBoard too, and returns
 * its result. That a file cannot be written is a warning.
 */
export async function* withBoard<Result>(
  task: Task<RunEvent, Result>,
  folder: string | undefined,
  run: string,
): AsyncGenerator<RunEvent | WarningEvent, Result> {
  const board = folder === undefined ? undefined : boardWriter(folder, run);
  try {
    for await (const event of task.events) {
      const problem = await board?.add(event);
      if (problem !== undefined) yield { type: 'warning', message: problem };
      yield event;
    }
    return await task.result;
  } finally {
    await board?.close();
  }
}
