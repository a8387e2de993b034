import type { Backend } from '../backend/backend.js';
import { compileOptions, type DecidedProgram, type ProgramOptions, type WithPrecision } from './options.js';
import { type ChooseHooks, choosePrecision, type PrecisionChoice } from './products/choose.js';

/** The options with the type of products decided, which may have to be measured first, and how it was. */
export async function withPrecision<T extends Pick<ProgramOptions, 'precision' | 'mode'>>(
  options: T,
  backend: Pick<Backend, 'name' | 'device' | 'version'>,
  hooks: ChooseHooks = {},
): Promise<{ readonly options: WithPrecision<T>; readonly choice: PrecisionChoice }> {
  const choice = await choosePrecision(options, backend, hooks);
  return { options: { ...options, precision: choice.precision }, choice };
}

/**
 * Every option decided for a backend. Throws a usage error for what the backend or the mode cannot do. Where both types
 * of products have to be timed first, that takes a second.
 */
export const decideProgram = async (
  options: ProgramOptions,
  backend: Pick<Backend, 'name' | 'device' | 'version'>,
  hooks: ChooseHooks = {},
): Promise<DecidedProgram> => compileOptions((await withPrecision(options, backend, hooks)).options, backend);
