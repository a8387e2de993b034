import { join } from 'node:path';
import { PhasetuneError } from '../core/errors.js';
import { isOutOfMemory } from '../core/out-of-memory.js';
import { listFolder, remove, statPath } from '../io/files.js';
import type { Linears } from '../lora/adapter.js';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';
import type { Saved } from './outcome.js';

/** Folder of a checkpoint, relative to the run's folder. */
export const checkpointPath = (stage: number, step: number): string =>
  `stage-${stage}/step-${String(step).padStart(6, '0')}`;

/** Paths of all checkpoints of a run's folder, the newest first, whole or not. */
async function checkpointPaths(folder: string): Promise<string[]> {
  const numbered = async (path: string, pattern: RegExp) => {
    if ((await statPath(path)).kind !== 'folder') return [];
    const found = (await listFolder(path)).flatMap((name) => {
      const number = pattern.exec(name)?.[1];
      return number === undefined ? [] : [{ name, number: Number(number) }];
    });
    return found.sort((x, y) => y.number - x.number).map(({ name }) => name);
  };
  const paths: string[] = [];
  for (const stage of await numbered(folder, /^stage-([1-9]\d*)$/))
    for (const step of await numbered(join(folder, stage), /^step-(\d{6,})$/)) paths.push(`${stage}/${step}`);
  return paths;
}

/** A checkpoint that was read, and where it is. */
export interface FoundCheckpoint {
  readonly saved: Saved;
  readonly checkpoint: Checkpoint;
}

/** The newest whole checkpoint of a run, if there is one, and what was wrong with those that are newer. */
export interface NewestCheckpoint {
  readonly found?: FoundCheckpoint;
  readonly broken: readonly string[];
}

/** Finds a run's newest checkpoint in which every file has the hash that the manifest records. */
export async function newestCheckpoint(folder: string, linears: Linears): Promise<NewestCheckpoint> {
  const broken: string[] = [];
  for (const path of await checkpointPaths(folder)) {
    try {
      const checkpoint = await readCheckpoint(join(folder, path), linears);
      return { found: { saved: { path, sha256: checkpoint.sha256 }, checkpoint }, broken };
    } catch (error) {
      // A checkpoint that there is no memory for is not broken.
      if (!(error instanceof PhasetuneError) || isOutOfMemory(error)) throw error;
      broken.push(error.message);
    }
  }
  return { broken };
}

/** Removes all checkpoints but the newest `newest` and those of `kept`. */
export async function tidyCheckpoints(folder: string, newest: number, kept: ReadonlySet<string>): Promise<void> {
  const paths = await checkpointPaths(folder);
  for (const path of paths.slice(newest)) if (!kept.has(path)) await remove(join(folder, path));
}
