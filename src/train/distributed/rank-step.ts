import type { MicroBatch } from '../../data/micro-batch.js';
import type { StepParts } from '../step-parts.js';
import type { StepInputs, StepResult } from '../tuner.js';
import { type Exchange, gradientSum } from './exchange.js';

/** A step as one rank sees it: its micro-batches, and nothing where others have theirs. */
export interface RankShare {
  /** All places of the step, in order. */
  readonly batches: readonly (MicroBatch | undefined)[];
  /** Trained tokens of all micro-batches. */
  readonly trained: number;
  readonly inputs: StepInputs;
}

/** The micro-batches of a step that a rank computes: they are dealt in turn, a round of one each after the other. */
export const shareOf = (
  batches: readonly MicroBatch[],
  { rank, ranks }: Pick<Exchange, 'rank' | 'ranks'>,
): (MicroBatch | undefined)[] => batches.map((batch, i) => (i % ranks === rank ? batch : undefined));

/**
 * Makes steps of one rank: it computes its share, all ranks sum their gradients, and each applies the sum. All
 * ranks that began with the same adapter and moments end with the same. `applying` is called when nothing can
 * fail any more before this rank's adapter changes.
 */
export function rankStepper(
  parts: StepParts,
  exchange: Exchange,
  applying: () => void = () => {},
): (share: RankShare) => Promise<StepResult> {
  const { rank, ranks } = exchange;
  const sums = gradientSum(exchange, parts.size);
  const gradient = new Float32Array(parts.size);
  let clear = true;
  return async ({ batches, trained, inputs }) => {
    let loss = 0;
    for (let first = 0; first < batches.length; first += ranks) {
      const index = first + rank;
      const batch = batches[index];
      let share = 0;
      if (batch) {
        if (!clear) parts.clearSum();
        clear = false;
        share = await parts.accumulate(batch, { trained, seed: inputs.seed, index });
        await parts.readSum(gradient);
      }
      const count = Math.min(ranks, batches.length - first);
      const last = first + ranks >= batches.length;
      loss = await sums.round({ count, first: first === 0, last, gradient, loss: share });
    }
    parts.writeSum(gradient);
    applying();
    const result = await parts.apply(loss, inputs);
    clear = true;
    return result;
  };
}
