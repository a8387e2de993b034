/** Most places considered for a cut: with more different scores than this, those nearest to as many equal shares. */
const PLACES = 2000;

/** Natural logarithm of a row's tokens, in which lengths are compared; an empty row counts as one token. */
export const logLength = (tokens: number): number => Math.log(Math.max(1, tokens));

/**
 * Where to cut so that the stages explain least of the variance of log length: with m the mean and
 * N the number of all rows, m_g and N_g those of stage g, the sum over stages of N_g (m_g - m)^2 is
 * least (eta squared is that over the variance). `starts` are the first places of groups of equal
 * score, increasing from 0; every stage is made of whole groups and has at least `least` rows.
 * `logLengths` are in the order of the scores. Exact among the places considered. Undefined where
 * no cut satisfies this.
 */
export function leastConfounded(
  starts: Uint32Array,
  logLengths: Float64Array,
  stages: number,
  least: number,
): number[] | undefined {
  const rows = logLengths.length;
  const places = choosePlaces(starts, rows);
  const sums = centredSums(logLengths, places);
  const m = places.length - 1;
  let best = new Float64Array(m + 1).fill(Number.POSITIVE_INFINITY);
  best[0] = 0;
  const breaks: Int32Array[] = [];
  for (let k = 0; k < stages; k++) {
    const next = new Float64Array(m + 1).fill(Number.POSITIVE_INFINITY);
    const from = new Int32Array(m + 1).fill(-1);
    for (let to = 1; to <= m; to++)
      for (let at = 0; at < to && places[to]! - places[at]! >= least; at++) {
        const distance = sums[to]! - sums[at]!;
        const sum = best[at]! + (distance * distance) / (places[to]! - places[at]!);
        if (sum >= next[to]!) continue;
        next[to] = sum;
        from[to] = at;
      }
    best = next;
    breaks.push(from);
  }
  if (best[m] === Number.POSITIVE_INFINITY) return undefined;
  const borders: number[] = [];
  for (let k = stages - 1, to = m; k > 0; k--) {
    to = breaks[k]![to]!;
    borders.unshift(places[to]!);
  }
  return borders;
}

/** The starts, then the number of rows; where there are too many, the start nearest to each of equal shares. */
function choosePlaces(starts: Uint32Array, rows: number): number[] {
  if (starts.length <= PLACES) return [...starts, rows];
  const chosen = new Set<number>([0]);
  let i = 0;
  for (let share = 1; share < PLACES; share++) {
    const target = (rows * share) / PLACES;
    while (i + 1 < starts.length && Math.abs(starts[i + 1]! - target) <= Math.abs(starts[i]! - target)) i++;
    chosen.add(starts[i]!);
  }
  return [...chosen, rows];
}

/** Running sums, at the places, of the distances from the mean. */
function centredSums(values: Float64Array, places: readonly number[]): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const sums = new Float64Array(places.length);
  let [sum, i] = [0, 0];
  for (const [p, place] of places.entries()) {
    while (i < place) sum += values[i++]! - mean;
    sums[p] = sum;
  }
  // All distances from the mean sum up to nothing; what is there is rounding.
  sums[places.length - 1] = 0;
  return sums;
}

/**
 * Eta squared of log length by stage: the share of its variance that lies between the stages; 0
 * where lengths do not vary.
 *
 * @example
 * const share = lengthExplained([10, 12, 60, 80], Uint8Array.from([0, 0, 1, 1]), 2);
 * console.log(`${Math.round(100 * share)} % of the variance of length lies between the stages`);
 */
export function lengthExplained(tokens: ArrayLike<number>, stageOf: Uint8Array, stages: number): number {
  const [count, sum] = [new Float64Array(stages), new Float64Array(stages)];
  let [all, total] = [0, 0];
  for (let row = 0; row < stageOf.length; row++) {
    const value = logLength(tokens[row]!);
    count[stageOf[row]!]!++;
    sum[stageOf[row]!]! += value;
    all += value;
  }
  const mean = all / stageOf.length;
  for (let row = 0; row < stageOf.length; row++) total += (logLength(tokens[row]!) - mean) ** 2;
  let between = 0;
  for (let s = 0; s < stages; s++) if (count[s]! > 0) between += count[s]! * (sum[s]! / count[s]! - mean) ** 2;
  return total > 0 ? Math.min(1, between / total) : 0;
}
