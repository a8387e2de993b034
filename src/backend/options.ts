import * as z from 'zod';

/** The option that picks what computes. */
export const deviceOption = z
  .enum(['auto', 'cuda', 'cpu', 'wasm'])
  .default('auto')
  .describe('what computes; auto takes the native library if it is set up, else WASM');

/** A value of {@link deviceOption}. */
export type DeviceChoice = z.infer<typeof deviceOption>;
