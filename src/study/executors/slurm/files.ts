import { join } from 'node:path';
import { exists, readText } from '../../../io/files.js';
import { slurmPaths } from './paths.js';

/** The exit status that a task has written when it ended for good; undefined before. */
export async function endedOf(folder: string, batch: number, task: number): Promise<number | undefined> {
  const path = join(slurmPaths(folder).ended, `${batch}-${task}`);
  if (!exists(path)) return undefined;
  const code = Number.parseInt(await readText(path), 10);
  return Number.isNaN(code) ? undefined : code;
}

/** Id of the array that runs a batch: the first one that began; undefined before. */
export async function ownerOf(folder: string, batch: number): Promise<string | undefined> {
  const path = slurmPaths(folder).owner(batch);
  const id = exists(path) ? (await readText(path)).trim() : '';
  return id === '' ? undefined : id;
}

/** Whether a task was asked to stop. */
export const isStopped = (folder: string, batch: number, task: number): boolean =>
  exists(slurmPaths(folder).stopOf(batch, task));
