import { env as processEnv } from 'node:process';
import { PhasetuneError } from '../core/errors.js';
import { findCard } from './native/detect.js';
import { cacheHome, type Variant } from './native/paths.js';
import { setUpNative } from './native/setup.js';
import type { WorkspaceOptions } from './native/workspace.js';

/** What to set up, and where. */
export interface SetUpRequest extends Omit<WorkspaceOptions, 'home'> {
  /** `auto` means `cuda` where there is an NVIDIA card, otherwise `cpu`. */
  readonly wanted: 'auto' | Variant;
  /** Cache folder; default `PHASETUNE_HOME` or `~/.cache/phasetune`. */
  readonly home?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** What was set up. */
export interface SetUpResult {
  readonly device: Variant;
  readonly home: string;
  /** False when everything was there from before. */
  readonly made: boolean;
}

/**
 * Provides the native library; where the one for cards cannot be had and none was asked for by name, the one for the
 * processor. Throws (code `backend`) with what is missing and what to install.
 */
export async function setUp(options: SetUpRequest): Promise<SetUpResult> {
  const { wanted, env = processEnv, home = cacheHome(env), logger } = options;
  const attempt = async (device: Variant) => ({
    device,
    home,
    made: (await setUpNative({ ...options, home, env, variant: device })).made,
  });
  if (wanted !== 'auto') return attempt(wanted);
  if (!(await findCard(env))) return attempt('cpu');
  try {
    return await attempt('cuda');
  } catch (error) {
    if (!(error instanceof PhasetuneError) || error.code !== 'backend') throw error;
    logger.warn(`no TensorFlow for the NVIDIA card (${error.message}), trying the one for the processor`);
    return attempt('cpu');
  }
}
