import { visibleCards } from '../backend/native/cards.js';
import { usageError } from '../core/errors.js';
import type { TrainingOptions } from './train-options.js';

/** The options that decide what a run computes on. */
type DeviceOptions = Pick<TrainingOptions, 'device' | 'devices'>;

/** What a run computes on. */
export interface ChosenDevice {
  readonly device: TrainingOptions['device'];
  /** The card of each of the `devices`, as CUDA_VISIBLE_DEVICES names it; none where none was asked for. */
  readonly cards: readonly string[];
}

/**
 * Finds the cards that were asked for: `auto` is then a card. Throws a usage error for one that does not exist,
 * before anything is loaded.
 */
export async function chooseCards({ device, devices }: DeviceOptions): Promise<ChosenDevice> {
  if (!devices || device === 'cpu') return { device, cards: [] };
  if (device !== 'wasm') return { device: 'cuda', cards: await visibleCards(devices) };
  if (devices.length === 1) return { device, cards: [] };
  throw usageError('`devices`: WebAssembly computes in one process', {
    option: 'devices',
    remedies: [{ option: 'devices', change: 'omit' }],
  });
}
