/** Values put in order once, so that every resample of them needs no sorting. */
export interface Ranked {
  readonly values: Float64Array;
  /** For each row the place of its value among the different values, from 0. */
  readonly group: Int32Array;
  /** How many different values there are. */
  readonly groups: number;
}

/** How often each row counts; absent, every row once. A bootstrap resample is such a list of counts. */
export type Counts = Int32Array | undefined;

/**
 * Puts values in order; -0 and 0 are the same value. Throws a RangeError for a value that is not a finite number.
 *
 * @example
 * console.log(rank([3, 1, 3]).group); // [1, 0, 1]
 */
export function rank(values: ArrayLike<number>): Ranked {
  const own = Float64Array.from(values);
  const wrong = own.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw new RangeError(`expected finite numbers, found ${own[wrong]} at ${wrong}`);
  const sorted = Float64Array.from(own, (value) => value + 0).sort();
  let groups = 0;
  for (let i = 0; i < sorted.length; i++)
    if (i === 0 || sorted[i] !== sorted[groups - 1]) sorted[groups++] = sorted[i]!;
  const distinct = sorted.subarray(0, groups);
  return { values: own, group: Int32Array.from(own, (value) => placeOf(value, distinct)), groups };
}

function placeOf(value: number, distinct: Float64Array): number {
  let [low, high] = [0, distinct.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (distinct[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many rows have each of the different values. */
export function groupSizes({ group, groups }: Ranked, counts: Counts): Float64Array {
  const sizes = new Float64Array(groups);
  for (let i = 0; i < group.length; i++) sizes[group[i]!]! += counts ? counts[i]! : 1;
  return sizes;
}

/** The rank of each of the different values, from 1; rows of equal value share the mean of their ranks. */
export function averageRanks(ranked: Ranked, counts?: Counts): Float64Array {
  let before = 0;
  return groupSizes(ranked, counts).map((size) => {
    const mean = before + (size + 1) / 2;
    before += size;
    return mean;
  });
}

/** Number of rows, those that count several times counted so. */
export const total = (ranked: Ranked, counts: Counts): number =>
  counts ? counts.reduce((sum, count) => sum + count, 0) : ranked.values.length;
