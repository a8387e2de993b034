import { type FolderHolder, liveHolder } from '../../io/lock-file.js';
import { readRunEvents } from '../../train/read-run-events.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';
import { type RunHistory, startHistory } from '../../train/run-history.js';

/** What is known of a run: all that its page is made of. */
export interface RunReport {
  /** The run's folder as it was given. */
  readonly folder: string;
  readonly run: RunFile;
  readonly history: RunHistory;
  /** The process that trains it now; absent where none does. */
  readonly holder?: Pick<FolderHolder, 'pid' | 'host' | 'since'> | undefined;
}

/**
 * Reads a run's folder, also while it is trained. A data error where there is no run, and where a file is not what it
 * must be.
 *
 * @example
 * const { run, history } = await readRunReport('checkpoints/first');
 * console.log(run.status, history.steps.length);
 */
export async function readRunReport(folder: string): Promise<RunReport> {
  const run = await readRunFile(folder);
  const { history, add } = startHistory();
  for await (const event of readRunEvents(folder)) add(event);
  const holder = await liveHolder(folder);
  return { folder, run, history, ...(holder && { holder }) };
}
