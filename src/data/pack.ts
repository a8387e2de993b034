import { type BatchSize, lineWork, SHAPE_WORK } from './batch-shapes.js';

/** Indices of the rows in a line, in the order in which they were put there: the first is the longest. */
export type PackedLine = readonly number[];

/**
 * Packs rows of these lengths into batches of these sizes, the one with the shortest lines first,
 * by best fit decreasing: the longest row first, each into the fullest line that has room; where
 * none has, a line of the shortest size that takes the row is opened. Of every size but the first a
 * whole batch of lines is opened together, so that their number is a multiple of it; some may stay
 * empty. Returns the lines of each size. Throws a RangeError for a row that is longer than every
 * line.
 */
export function packLines(lengths: readonly number[], sizes: readonly BatchSize[]): PackedLine[][] {
  const packed = sizes.map((): number[][] => []);
  const open = openLines(sizes.at(-1)!.length);
  // A stable sort: rows of one length keep their order.
  for (const row of [...lengths.keys()].sort((x, y) => lengths[y]! - lengths[x]!)) {
    const length = lengths[row]!;
    let target = open.take(length);
    if (!target) {
      const k = sizes.findIndex((size) => size.length >= length);
      const size = sizes[k];
      if (!size) throw new RangeError(`a row of ${length} tokens is longer than every line`);
      for (let n = k > 0 ? size.lines : 1; n > 0; n--) {
        const line: number[] = [];
        packed[k]!.push(line);
        if (n > 1) open.put(size.length, line);
        else target = { room: size.length, line };
      }
    }
    const { room, line } = target!;
    line.push(row);
    open.put(room - length, line);
  }
  return packed;
}

/**
 * Lines with room left, by how much. A bit set of the rooms that occur finds the smallest
 * sufficient one in room / 32 steps.
 */
function openLines(longest: number) {
  const byRoom = Array.from({ length: longest + 1 }, (): number[][] => []);
  const occurs = new Uint32Array((longest >> 5) + 1);
  return {
    put(room: number, line: number[]): void {
      byRoom[room]!.push(line);
      occurs[room >> 5]! |= 1 << (room & 31);
    },
    take(atLeast: number): { room: number; line: number[] } | undefined {
      if (atLeast > longest) return undefined;
      let word = atLeast >> 5;
      let bits = occurs[word]! & (-1 << (atLeast & 31));
      while (bits === 0 && ++word < occurs.length) bits = occurs[word]!;
      if (bits === 0) return undefined;
      const room = (word << 5) + 31 - Math.clz32(bits & -bits);
      const line = byRoom[room]!.pop()!;
      if (byRoom[room]!.length === 0) occurs[word]! &= ~(1 << (room & 31));
      return { room, line };
    },
  };
}

/** Options of {@link chooseSizes}. */
export interface SizeOptions {
  /** Rows of a batch on average. */
  readonly batchRows: number;
  /** Lines have a multiple of this many tokens. */
  readonly padTo: number;
  /** Tokens of a line, where that is decided; longer rows get lines of another size. */
  readonly packLength?: number | undefined;
  /** Most sizes; default {@link MOST_SIZES}. */
  readonly maxShapes?: number | undefined;
  /** How often the rows will be visited. */
  readonly passes: number;
}

/** Share of a packed batch that is not padding, about. */
const FILL = 0.97;

/**
 * Share by which the rows of a batch may differ from `batchRows`, so that batches are better filled
 * and none is nearly empty.
 */
const TOLERANCE = 0.15;

/** Most sizes, candidate lengths for each, and rows that each candidate is tried on. */
const MOST_SIZES = 4;
const CANDIDATES = 24;
const SAMPLE_ROWS = 1024;

/**
 * The batch sizes that suit stages of rows of these lengths, shortest lines first: one that takes
 * the longest row, and shorter ones for the majority where a trial shows that they save more work
 * (attention grows with the length of a line) than one more graph costs. A batch has room for
 * `batchRows` rows of average length, as nearly as whole lines allow. The order of the rows makes
 * no difference.
 */
export function chooseSizes(stages: readonly (readonly number[])[], options: SizeOptions): BatchSize[] {
  const { padTo, packLength, maxShapes = MOST_SIZES } = options;
  const up = (length: number) => Math.ceil(length / padTo) * padTo;
  const sorted = stages.flat().sort((x, y) => y - x);
  const longest = up(sorted[0]!);
  const room = (options.batchRows * sum(sorted)) / sorted.length / FILL;
  const trial = newTrial(stages, room, options);
  if (packLength !== undefined) {
    const given = up(packLength);
    if (longest <= given) return trial([given]).sizes;
    return trial(maxShapes > 1 ? [given, longest] : [longest]).sizes;
  }
  const best = (candidates: readonly number[], chosen: readonly number[]) =>
    candidates.map((length) => trial([length, ...chosen])).reduce((x, y) => (y.cost < x.cost ? y : x));
  // The longest lines may be longer than the longest row, where several rows then fill them better.
  let chosen = best(steps(longest, Math.max(longest, Math.min(up(room), 4 * longest)), padTo), []);
  const shorter = steps(padTo, longest - padTo, padTo);
  for (let n = 1; n < Math.min(MOST_SIZES, maxShapes); n++) {
    const lengths = chosen.sizes.map(({ length }) => length);
    const left = shorter.filter((length) => !lengths.includes(length));
    if (left.length === 0) break;
    const more = best(left, lengths);
    if (more.cost >= chosen.cost) break;
    chosen = more;
  }
  return chosen.sizes;
}

/**
 * Packs a sample of each stage's rows into lines of given lengths: the batch sizes that this gives,
 * and their cost. That is the work of all rows, made larger where a batch has other than
 * `batchRows` rows on average, and the work of making the graphs.
 */
function newTrial(stages: readonly (readonly number[])[], room: number, options: SizeOptions) {
  const rows = sum(stages.map((stage) => stage.length));
  const every = Math.ceil(rows / SAMPLE_ROWS);
  const samples = stages.map((stage) => stage.toSorted((x, y) => y - x).filter((_, i) => i % every === 0));
  return (lengths: readonly number[]) => {
    const sizes = lengths
      .toSorted((x, y) => x - y)
      .map((length) => ({ lines: Math.max(1, Math.round(room / length)), length }));
    const sampleSizes = sizes.map(({ lines, length }) => ({ lines: Math.ceil(lines / every), length }));
    const packed = samples.map((sample) => packLines(sample, sampleSizes).map((lines) => lines.length * every));
    const even = fewestEmpty(
      packed.map((counts) => counts[0]!),
      room / sizes[0]!.length,
    );
    sizes[0] = { ...sizes[0]!, lines: even.lines };
    const computed = sizes.map((_, i) => (i === 0 ? even.computed : sum(packed.map((counts) => counts[i]!))));
    const work = sum(sizes.map(({ length }, i) => lineWork(computed[i]!, length)));
    const batches = sum(sizes.map(({ lines }, i) => computed[i]! / lines));
    const off = Math.abs(rows / batches / options.batchRows - 1);
    return { sizes, cost: options.passes * work * (1 + Math.max(0, off - TOLERANCE)) + SHAPE_WORK * sizes.length };
  };
}

/** Lines of a batch, about `wanted` of them, so that for stages of so many lines the fewest are computed empty. */
function fewestEmpty(counts: readonly number[], wanted: number): { lines: number; computed: number } {
  const cost = (lines: number) => sum(counts.map((count) => Math.ceil(count / lines) * lines));
  const nearest = Math.max(1, Math.round(wanted));
  let best = { lines: nearest, computed: cost(nearest) };
  for (let lines = Math.ceil(wanted * (1 - TOLERANCE)); lines <= wanted * (1 + TOLERANCE); lines++)
    if (lines > 0 && cost(lines) < best.computed) best = { lines, computed: cost(lines) };
  return best;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((x, y) => x + y, 0);

/** Multiples of `step` from one to another, about {@link CANDIDATES} of them. */
function steps(from: number, to: number, step: number): number[] {
  const by = step * Math.max(1, Math.ceil((to - from) / step / CANDIDATES));
  return Array.from({ length: Math.max(0, Math.floor((to - from) / by) + 1) }, (_, i) => from + i * by);
}
