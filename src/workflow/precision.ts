import { env } from 'node:process';
import { driverPresent } from '../backend/native/detect.js';
import { cacheHome, TENSORFLOW_VERSION } from '../backend/native/home.js';
import { type PrecisionChoice, worthTaking } from '../program/products/choose.js';
import { keptSpeeds, placeHere } from '../program/products/kept.js';
import { type Forecaster, startForecaster } from './forecast.js';
import type { Hooks } from './hooks.js';

/**
 * The type of products that `precision: auto` is on this machine, for captured programs. TensorFlow is loaded only
 * where that cannot be known without, and in another process; `forecaster` is one that is there already.
 */
export async function precisionHere(hooks: Hooks, forecaster?: Forecaster): Promise<PrecisionChoice> {
  const home = cacheHome();
  const card = driverPresent();
  // Looks for the package of TensorFlow.js when it is imported.
  const { findRuntime } = await import('../backend/native/runtime.js');
  if (!card && !findRuntime(home, 'cpu') && !findRuntime(home, 'cuda')) return WASM;
  const kept = card ? undefined : await keptSpeeds(home, placeHere(TENSORFLOW_VERSION, env));
  if (kept) return { precision: worthTaking(kept), chosen: 'measured', gflops: kept };
  hooks.logger?.info('finding out which type of product is faster here');
  const asked = forecaster ?? startForecaster(hooks);
  try {
    const answer = await asked.precision();
    if (!('problem' in answer)) return answer;
    hooks.logger?.warn(`which type of product is faster is not known: ${answer.problem}; taking float32`);
    return WASM;
  } finally {
    if (!forecaster) await asked.end();
  }
}

/** What computes without TensorFlow takes, and every device can. */
const WASM: PrecisionChoice = { precision: 'float32', chosen: 'device' };
