import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PhasetuneError } from '../../core/errors.js';
import { type FolderLock, waitForFile } from '../../io/lock.js';
import type { Logger } from '../../telemetry/logger.js';
import type { ProgressBar, ProgressTask } from '../../telemetry/progress.js';
import { nativeHome } from './home.js';

/** The cache folder to work in, how to report, and how to stop. */
export interface WorkspaceOptions {
  /** Cache folder. */
  readonly home: string;
  readonly logger: Logger;
  /** Shows how far a download is; default nothing does. */
  readonly progress?: (task: ProgressTask) => ProgressBar;
  readonly signal?: AbortSignal | undefined;
}

const STAGING = 'staging-';

/** Folder of wheels that were fetched whole; each goes when what it is for is done. */
export const downloads = (home: string): string => join(nativeHome(home), 'downloads');

/** True when a killed set-up left files that nothing needs any more. */
export const hasLeftovers = async (home: string): Promise<boolean> =>
  existsSync(nativeHome(home)) &&
  (await readdir(nativeHome(home))).some((name) => name.startsWith(STAGING) || name === 'downloads');

/**
 * Runs `work` with a fresh folder to work in, while no other process does the same in this cache; waits for one that
 * does. What a killed process left there is cleared away first. Results are to be renamed out of the folder: whatever
 * kills this process then leaves either nothing or the whole. Throws (code `backend`) when the cache cannot be written.
 */
export async function withWorkspace<T>(options: WorkspaceOptions, work: (folder: string) => Promise<T>): Promise<T> {
  const place = nativeHome(options.home);
  try {
    await mkdir(place, { recursive: true });
  } catch (error) {
    throw unwritable(place, error);
  }
  const held = await lock(place, options);
  try {
    for (const name of await readdir(place))
      if (name.startsWith(STAGING)) await rm(join(place, name), { recursive: true, force: true });
    const folder = await mkdtemp(join(place, STAGING));
    try {
      return await work(folder);
    } catch (error) {
      throw explained(error, options.home);
    } finally {
      // A program that was just killed may still be writing here.
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  } finally {
    await held.release();
  }
}

/**
 * A machine that slept may lose the lock to another host: that one clears our folder away, so that
 * we fail and do no harm.
 */
async function lock(place: string, { logger, signal }: WorkspaceOptions): Promise<FolderLock> {
  const onWait = ({ problem }: PhasetuneError) =>
    logger.info(`another set-up is under way, waiting for it: ${problem}`);
  try {
    return await waitForFile(place, { command: 'set-up', signal, onWait });
  } catch (error) {
    if (signal?.aborted) throw new PhasetuneError('interrupted', 'interrupted while waiting for another set-up');
    throw error instanceof PhasetuneError && error.fields.errno ? unwritable(place, error.cause) : error;
  }
}

function explained(error: unknown, home: string): unknown {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === 'AbortError')
    return new PhasetuneError('interrupted', 'interrupted while setting up: run it again to continue');
  const fix = 'free some space, or set PHASETUNE_HOME to a folder on a larger disk';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new PhasetuneError('backend', `the disk of ${home} is full: ${fix}`, {}, { cause: error });
  return error;
}

const unwritable = (place: string, cause: unknown) =>
  new PhasetuneError(
    'backend',
    `${place} cannot be written (${(cause as NodeJS.ErrnoException).code}): set PHASETUNE_HOME to a folder that can`,
    {},
    { cause },
  );
