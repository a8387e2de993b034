import { env as processEnv } from 'node:process';
import { PhasetuneError } from '../core/errors.js';
import { packSetUp } from './native/archive.js';
import { findCard } from './native/detect.js';
import { cacheHome } from './native/home.js';
import type { Variant } from './native/paths.js';
import { installSetUp, type SetupResult, setUpNative } from './native/setup.js';
import type { WorkspaceOptions } from './native/workspace.js';

/** What to set up, and where. */
export interface SetUpRequest extends Omit<WorkspaceOptions, 'home'> {
  /** `auto` means `cuda` where there is an NVIDIA card, otherwise `cpu`. */
  readonly wanted: 'auto' | Variant;
  /** Cache folder; default `PHASETUNE_HOME` or `~/.cache/phasetune`. */
  readonly home?: string | undefined;
  /** Archive to install instead of fetching; it decides the device. */
  readonly from?: string | undefined;
  /** Archive to write of what is set up then. */
  readonly pack?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** What was set up. */
export interface SetUpResult {
  readonly device: Variant;
  readonly home: string;
  /** False when everything was there from before. */
  readonly made: boolean;
  /** The archive that was written, and its size in bytes. */
  readonly packed?: { readonly file: string; readonly bytes: number };
}

/**
 * Provides the native library; where the one for cards cannot be had and none was asked for by name, the one for the
 * processor. Throws (code `backend`) with what is missing and what to install, and (code `data`) for an archive that is
 * damaged or of another version.
 */
export async function setUp(options: SetUpRequest): Promise<SetUpResult> {
  const { env = processEnv, home = cacheHome(env), pack } = options;
  const { variant, made, paths } = await provide({ ...options, env, home });
  const result = { device: variant, home, made };
  if (pack === undefined) return result;
  const bytes = await packSetUp({ variant, paths }, pack, { ...options, home });
  return { ...result, packed: { file: pack, bytes } };
}

async function provide(options: SetUpRequest & { env: NodeJS.ProcessEnv; home: string }): Promise<SetupResult> {
  const { wanted, from, env, logger } = options;
  if (from !== undefined) return installSetUp({ ...options, from });
  const attempt = (variant: Variant) => setUpNative({ ...options, variant });
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
