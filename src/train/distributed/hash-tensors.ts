import { createHash } from 'node:crypto';
import type { NamedTensors } from '../tuner.js';

/** SHA-256 over names and bytes of tensors, in their order: equal to the bit, or not. */
export function hashTensors(tensors: NamedTensors): string {
  const hash = createHash('sha256');
  for (const [name, { data }] of tensors)
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}
