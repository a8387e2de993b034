import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { PhasetuneError } from '../../core/errors.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Progress, Task } from '../../telemetry/progress.js';
import { nativeHome } from './paths.js';

/** Where to work, and how to talk and be stopped. */
export interface WorkspaceOptions {
  /** Cache folder. */
  readonly home: string;
  readonly logger: Logger;
  /** Shows how far a download is; default nothing does. */
  readonly progress?: (task: Task) => Progress;
  readonly signal?: AbortSignal | undefined;
}

const STAGING = 'staging-';
const STALE_MS = 10_000;
const POLL_MS = 300;

/** Folder of wheels that were fetched whole; each goes when what it is for is done. */
export const downloads = (home: string): string => join(nativeHome(home), 'downloads');

/** True when a killed set-up left files behind that nothing needs any more. */
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
  const release = await lock(place, options);
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
    // A lock that was lost (the machine slept) is not ours to release.
    await release().catch(() => {});
  }
}

async function lock(place: string, { logger, signal }: WorkspaceOptions): Promise<() => Promise<void>> {
  // Happens when the machine slept. Whoever took the lock over cleared our folder away, so that we fail and do no harm.
  const onCompromised = () => logger.warn(`lost the lock of ${place} to another process`);
  for (let waited = 0; ; waited += POLL_MS) {
    try {
      return await lockfile.lock(place, { stale: STALE_MS, update: STALE_MS / 4, onCompromised });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw unwritable(place, error);
    }
    if (waited === 0) logger.info(`another process is setting up in ${place} (or was just killed): waiting for it`);
    if (signal?.aborted) throw new PhasetuneError('interrupted', 'interrupted while waiting for another set-up');
    await sleep(POLL_MS);
  }
}

function explained(error: unknown, home: string): unknown {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === 'AbortError')
    return new PhasetuneError('interrupted', 'interrupted while setting up: run it again to go on');
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
