import * as tf from '../tf.js';
import { type CompositeAttributes, recordedComposite } from './binding.js';

/** Names of the composites that a device may have an op for: see `ops/flash-attention.ts`. */
export const FLASH_FORWARD = 'FlashForward';
/** See {@link FLASH_FORWARD}. */
export const FLASH_BACKWARD = 'FlashBackward';

/** Attention over a cache of keys and values: see `ops/cached-attention.ts`. */
export const CACHED_ATTENTION = 'CachedAttention';
/** Root-mean-square norm and what its gradient needs: see `ops/rms-norm.ts`. */
export const RMS_NORM = 'RmsNorm';
/** See `ops/swiglu.ts`. */
export const SWIGLU = 'Swiglu';

/**
 * Runs `work`, whose ops a device may have one op for. Op by op it is `work` and nothing else. A
 * recorded graph has one node of that name instead, with these attributes, which holds what `work`
 * did: it is replaced by the device's own op, or by that (as StableHLO's `composite`). `work` may use
 * no tensor that is not among its inputs, except constants. Has no gradient.
 */
export const composite = (
  name: string,
  attributes: CompositeAttributes,
  inputs: readonly tf.Tensor[],
  work: (inputs: readonly tf.Tensor[]) => tf.Tensor[],
): tf.Tensor[] => recordedComposite(name, attributes, inputs, work) ?? tf.tidy(() => work(inputs));
