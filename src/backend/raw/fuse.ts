import { isRecording } from './binding.js';

let clusters = 0;
let current: number | undefined;

/**
 * Runs `work`, whose ops a compiler may turn into one loop: in a recorded graph they become one
 * compiled call, in float32 within, if the program fuses. It may hold what works element by
 * element, moves elements or adds up rows; no products, whose library calls are better. Has no
 * effect op by op.
 */
export function fuse<T>(work: () => T): T {
  if (!isRecording() || current !== undefined) return work();
  current = clusters++;
  try {
    return work();
  } finally {
    current = undefined;
  }
}

/** Number of the cluster that is being recorded: its own for each call of {@link fuse}. */
export const currentCluster = (): number | undefined => current;
