/** Losses that the limit is drawn from: the last of so many steps that were applied. */
const WINDOW = 64;

/** Fewer say too little about how much single steps scatter. */
const LEAST = 20;

/** Over the median by this many nats, and this many times the median, is a jump. */
const MARGIN = { nats: 2, times: 2 };

/** A watch over the losses of a stage. */
export interface SpikeWatch {
  /** The most, in nats, that the next step's loss may be; Infinity before there are 20. */
  limit(): number;
  /** Takes in the loss of a step that was applied. */
  add(loss: number): void;
  /** All that the watch knows, for {@link spikeWatch}. */
  state(): readonly number[];
}

/**
 * Distinguishes losses that spike from losses that scatter: the limit is the median m of the stage's last 64 losses plus the larger of 2 nats and
 * 2 m. Others go by the mean: Lightning's SpikeDetection fires above twice that of the last 10 losses, LLM Foundry's KillLossSpike
 * above twice that of the last 100 four times running; a single loss of a fine-tune's few rows comes too close to that, and a mean
 * runs away with what it is to catch. In recorded runs (SmolLM2-135M, 3 stages of 38 steps of 8 rows; a tiny model, 3 of 64 and one
 * of 51) the largest loss after the first 20 was 0.54 of the limit.
 */
export function spikeWatch(saved: readonly number[] = []): SpikeWatch {
  let losses = saved.slice(-WINDOW);
  return {
    limit() {
      if (losses.length < LEAST) return Number.POSITIVE_INFINITY;
      const middle = median(losses);
      return middle + Math.max(MARGIN.nats, MARGIN.times * middle);
    },
    add(loss) {
      losses = [...losses.slice(1 - WINDOW), loss];
    },
    state: () => losses,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
