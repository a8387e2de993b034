import { random } from '../../../src/core/random.js';

/** Bytes of noise, the same for the same label. */
export function noise(length: number, label: string): Uint8Array {
  const { integer } = random(1, label);
  return Uint8Array.from({ length }, () => integer(256));
}

/** The bytes of so many normal float32 numbers, the same for the same label. */
export const floats = (length: number, label: string) => {
  const { normal } = random(1, label);
  return new Uint8Array(Float32Array.from({ length }, () => normal()).buffer);
};
