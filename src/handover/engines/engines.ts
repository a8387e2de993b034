import { usageError } from '../../core/errors.js';
import type { EngineName } from '../options.js';
import type { Engine } from './engine.js';

const ENGINE_FILES: Readonly<Partial<Record<EngineName, () => Promise<Engine>>>> = {
  trl: async () => (await import('./trl.js')).trl,
  axolotl: async () => (await import('./axolotl.js')).axolotl,
};

/** The engine of this name. */
export function openEngine(name: EngineName): Promise<Engine> {
  const open = ENGINE_FILES[name];
  if (!open) throw usageError(`\`engine: ${name}\` is not there yet`, { option: 'engine' });
  return open();
}
