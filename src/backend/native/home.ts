import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { env as processEnv } from 'node:process';

/** The TensorFlow release whose C library is fetched. */
export const TENSORFLOW_VERSION = '2.21.0';

/** The cache folder: `PHASETUNE_HOME`, or `~/.cache/phasetune`. */
export const cacheHome = (env: NodeJS.ProcessEnv = processEnv): string =>
  env.PHASETUNE_HOME ? resolve(env.PHASETUNE_HOME) : join(homedir(), '.cache', 'phasetune');

/** Folder of every native runtime, of half-done work and of the lock. */
export const nativeHome = (home: string): string => join(home, 'native');
