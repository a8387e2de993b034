import * as z from 'zod';
import type { Diagnosis } from '../backend/doctor.js';
import { driverPresent } from '../backend/native/detect.js';
import type { SetUpResult } from '../backend/setup.js';
import { parseOptions } from '../config/given-options.js';
import { usageError } from '../core/errors.js';
import type { PrecisionChoice } from '../program/products/choose.js';
import { silentLogger } from '../telemetry/logger.js';
import { type Hooks, reportProgress } from './hooks.js';

const home = z.string().min(1).optional().describe('cache folder [PHASETUNE_HOME, or ~/.cache/phasetune]');

/**
 * What is set up.
 *
 * @example
 * const { device } = setUpOptionsSchema.parse({});
 */
export const setUpOptionsSchema = z.strictObject({
  device: z
    .enum(['auto', 'cpu', 'cuda'])
    .default('auto')
    .describe('device to compute on; auto means the NVIDIA card if there is one, otherwise the CPU'),
  home,
  pack: z.string().min(1).optional().describe('file to write the set-up into, for machines without a network'),
  from: z.string().min(1).optional().describe('file that `pack` wrote, to install instead of downloading'),
});

/** See {@link setUpOptionsSchema}. */
export type SetUpOptions = z.input<typeof setUpOptionsSchema>;

/** Where to look. */
export const diagnoseOptionsSchema = z.strictObject({ home });

/** See {@link diagnoseOptionsSchema}. */
export type DiagnoseOptions = z.input<typeof diagnoseOptionsSchema>;

/**
 * Fetches and builds the native TensorFlow library, unless it is there. With `auto`, where the one
 * for cards cannot be had, it sets up the one for the processor. Throws (code `backend`) with what
 * is missing and what to install; WASM computes then. With `pack` it writes the set-up into one file,
 * which `from` installs on a machine without a network; a file that is damaged or of another version
 * throws (code `data`).
 *
 * @example
 * const { device, home, made } = await setUp({ device: 'cpu' });
 * console.log(made ? 'set up' : 'already set up', device, home);
 */
export async function setUp(options: SetUpOptions = {}, hooks: Hooks = {}): Promise<MachineSetUp> {
  const { device, ...rest } = parseOptions(setUpOptionsSchema, options);
  if (rest.pack !== undefined && rest.from !== undefined)
    throw usageError('expected `pack` or `from`, got both: a file that is installed need not be written again');
  const { setUp: provide } = await import('../backend/setup.js');
  const { logger = silentLogger, signal, onProgress } = hooks;
  const result = await provide({
    wanted: device,
    ...rest,
    logger,
    signal,
    ...(onProgress && { progress: reportProgress(onProgress) }),
  });
  const precision = result.device === 'cpu' ? await precisionOf(result, hooks) : undefined;
  return { ...result, ...(precision && { precision }) };
}

/** What is set up, and what `precision: auto` takes with it. */
export interface MachineSetUp extends SetUpResult {
  /** Absent on a card, and where it could not be measured. */
  readonly precision?: PrecisionChoice;
}

/** Times both types of product with the library that is set up, unless that was done before. */
async function precisionOf({ home }: SetUpResult, { logger, verbose }: Hooks): Promise<PrecisionChoice | undefined> {
  try {
    const [{ loadBackend }, { choosePrecision }] = await Promise.all([
      import('../backend/load.js'),
      import('../program/products/choose.js'),
    ]);
    const backend = await loadBackend({ device: 'cpu', home, verbose: verbose ?? false });
    return await choosePrecision({}, backend, { home, logger });
  } catch (error) {
    // Set-up is complete without it: the first run measures.
    logger?.debug(`products are not timed: ${String(error)}`);
    return undefined;
  }
}

/**
 * Finds out what computes on this machine, how fast, and what stands in the way of something better. Loads TensorFlow.
 *
 * @example
 * const { device, gflops, problems } = await diagnose();
 * for (const { what, remedy } of problems) console.error(what, remedy);
 */
export async function diagnose(options: DiagnoseOptions = {}, hooks: Hooks = {}): Promise<MachineDiagnosis> {
  const given = parseOptions(diagnoseOptionsSchema, options);
  const { diagnose: examine } = await import('../backend/doctor.js');
  const { logger = silentLogger, signal, verbose = false } = hooks;
  const diagnosis = await examine({ ...given, logger, verbose, ...(signal && { signal }) });
  const { choosePrecision } = await import('../program/products/choose.js');
  const backend = { name: diagnosis.backend, device: diagnosis.device, version: diagnosis.tensorflow ?? '' };
  return { ...diagnosis, precision: await choosePrecision({}, backend, { home: diagnosis.home, logger }) };
}

/** The state of the backend, and what `precision: auto` takes with it. */
export interface MachineDiagnosis extends Diagnosis {
  readonly precision: PrecisionChoice;
}

/**
 * Whether there is a driver for NVIDIA's cards, so that runs compute on a card unless an option says
 * otherwise. Loads nothing.
 */
export const hasCard = (): boolean => driverPresent();
