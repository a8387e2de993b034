import * as z from 'zod';

/** The option that picks what computes. */
export const deviceOption = z
  .enum(['auto', 'cuda', 'cpu', 'wasm'])
  .default('auto')
  .describe('backend to compute with; auto uses the native library if it is set up, otherwise WASM');

/** A value of {@link deviceOption}. */
export type DeviceChoice = z.infer<typeof deviceOption>;
