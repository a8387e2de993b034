/** What the processes of a run exchange numbers through. Each has a rank, from 0. */
export interface Exchange {
  readonly rank: number;
  /** How many there are. */
  readonly ranks: number;
  /** Writes numbers to memory that all of them see. */
  write(at: number, values: Float32Array): void;
  /** Fills `into` from there. */
  read(at: number, into: Float32Array): void;
  /**
   * Waits until every rank has called it as often as this one: what was written before can be read after it.
   * Rejects when another rank failed.
   */
  meet(): Promise<void>;
}

/** Numbers of shared memory that {@link gradientSum} needs for gradients of `size` numbers. */
export const sharedNumbers = (size: number, ranks: number): number => (size + 1) * ranks;

/** A step's gradient, summed over its micro-batches by all ranks together. */
export interface GradientSum {
  /**
   * Gives the gradient of this rank's micro-batch of a round, and its loss; undefined where the round has none
   * for it. A round is of the ranks 0 to `count` - 1. In the `last` one the sum of all rounds goes into
   * `gradient`, also of a rank without a micro-batch.
   */
  round(given: RoundPart): Promise<number>;
}

/** See {@link GradientSum}. */
export interface RoundPart {
  /** Ranks with a micro-batch in this round. */
  readonly count: number;
  readonly first: boolean;
  readonly last: boolean;
  /** Gradient of this rank; overwritten in the last round. */
  readonly gradient: Float32Array;
  readonly loss: number;
}

/**
 * Sums gradients of `size` numbers in the order of the micro-batches, ((g0 + g1) + g2) + ..., each sum rounded
 * to float32: the very sums of one process that computes all of them. So each round of micro-batches, one a
 * rank, is added to the sum before the next. Each rank adds up its share of the numbers, and reads the others'
 * sums after the last round. `round` resolves to the sum of the round's losses added to that of those before.
 */
export function gradientSum(exchange: Exchange, size: number): GradientSum {
  const { rank, ranks } = exchange;
  // A rank's gradient, then its loss.
  const place = (other: number) => other * (size + 1);
  const edge = (other: number) => Math.floor((size * other) / ranks);
  const from = edge(rank);
  const sum = new Float32Array(edge(rank + 1) - from);
  const added = new Float32Array(sum.length);
  const number = new Float32Array(1);
  let losses = 0;
  return {
    async round({ count, first, last, gradient, loss }) {
      if (rank < count) {
        exchange.write(place(rank), gradient);
        exchange.write(place(rank) + size, Float32Array.of(loss));
      }
      await exchange.meet();
      if (first) [losses] = [0, sum.fill(0)];
      for (let other = 0; other < count; other++) {
        exchange.read(place(other) + from, added);
        for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + added[i]!;
        exchange.read(place(other) + size, number);
        losses += number[0]!;
      }
      // Nobody else reads these numbers of rank 0's gradient.
      if (last) exchange.write(place(0) + from, sum);
      await exchange.meet();
      if (last) exchange.read(place(0), gradient);
      return losses;
    },
  };
}
