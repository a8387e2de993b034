import { lineWork, SHAPE_WORK } from './batch-shapes.js';

/** A kind of batch that rows are packed into: so many lines of so many tokens. */
export interface LineForm {
  readonly lines: number;
  readonly length: number;
}

/** Indices of the rows in a line, in the order in which they were put there: the first is the longest. */
export type PackedLine = readonly number[];

/**
 * Packs rows of these lengths into lines of these forms, shortest form first, by best fit: the longest row first, each into
 * the fullest line that has room; where none has, a line of the shortest form that takes it is opened. Forms but the first are
 * opened a whole batch at a time, so that their lines come in multiples of it, perhaps empty ones. Returns the lines of each
 * form. Throws a RangeError for a row that is longer than the longest form.
 */
export function packLines(lengths: readonly number[], forms: readonly LineForm[]): PackedLine[][] {
  const packed = forms.map((): number[][] => []);
  const open = openLines(forms.at(-1)!.length);
  // A stable sort: rows of one length keep their order.
  for (const row of [...lengths.keys()].sort((x, y) => lengths[y]! - lengths[x]!)) {
    const length = lengths[row]!;
    let found = open.take(length);
    if (!found) {
      const kind = forms.findIndex((form) => form.length >= length);
      const form = forms[kind];
      if (!form) throw new RangeError(`a row of ${length} tokens is longer than every line`);
      for (let n = kind > 0 ? form.lines : 1; n > 0; n--) {
        const line: number[] = [];
        packed[kind]!.push(line);
        if (n > 1) open.put(form.length, line);
        else found = { room: form.length, line };
      }
    }
    const { room, line } = found!;
    line.push(row);
    open.put(room - length, line);
  }
  return packed;
}

/** Lines with room left, by how much. A bit set of the rooms that occur finds the smallest that suffices in room / 32 looks. */
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

/** Options of {@link chooseForms}. */
export interface FormOptions {
  /** Rows of a batch on average. */
  readonly batchRows: number;
  /** Lines have a multiple of this many tokens. */
  readonly padTo: number;
  /** Tokens of a line, where that is decided; longer rows get lines of their own form. */
  readonly packLength?: number | undefined;
  /** Passes over the rows that are to come. */
  readonly passes: number;
}

/** Share of a packed batch that is not padding, about. */
const FILL = 0.97;

/** How far batches may be from the rows that are wanted, so that they are better filled and lines come out even. */
const GIVE = 0.15;

/** Forms at most, lengths tried for each, and rows that they are tried on. */
const MOST_FORMS = 4;
const TRIED = 24;
const SAMPLE = 1024;

/**
 * The forms that suit stages of rows of these lengths, shortest first: one that takes the longest row, and shorter ones for the
 * many where a trial shows that they save more work (attention grows with the length of a line) than one more graph costs. A
 * batch has room for `batchRows` rows of average length, as near as whole lines come to it. The rows' order does not matter.
 */
export function chooseForms(stages: readonly (readonly number[])[], options: FormOptions): LineForm[] {
  const { padTo, packLength } = options;
  const up = (length: number) => Math.ceil(length / padTo) * padTo;
  const sorted = stages.flat().sort((x, y) => y - x);
  const longest = up(sorted[0]!);
  const room = (options.batchRows * sum(sorted)) / sorted.length / FILL;
  const trial = newTrial(stages, room, options);
  if (packLength !== undefined) {
    const own = up(packLength);
    return trial(longest > own ? [own, longest] : [own]).forms;
  }
  const best = (more: readonly number[], besides: readonly number[]) =>
    more.map((length) => trial([length, ...besides])).reduce((x, y) => (y.cost < x.cost ? y : x));
  // The longest form may be longer than the longest row, where several rows then fill it better.
  let chosen = best(steps(longest, Math.max(longest, Math.min(up(room), 4 * longest)), padTo), []);
  const shorter = steps(padTo, longest - padTo, padTo);
  for (let n = 1; n < MOST_FORMS; n++) {
    const lengths = chosen.forms.map(({ length }) => length);
    const left = shorter.filter((length) => !lengths.includes(length));
    if (left.length === 0) break;
    const more = best(left, lengths);
    if (more.cost >= chosen.cost) break;
    chosen = more;
  }
  return chosen.forms;
}

/**
 * Packs a sample of each stage's rows into lines of given lengths: the forms that this makes, and their cost. That is the work of
 * the whole, more where a batch has other than `batchRows` rows on average, and of the graphs.
 */
function newTrial(stages: readonly (readonly number[])[], room: number, options: FormOptions) {
  const rows = sum(stages.map((stage) => stage.length));
  const every = Math.ceil(rows / SAMPLE);
  const samples = stages.map((stage) => stage.toSorted((x, y) => y - x).filter((_, i) => i % every === 0));
  return (lengths: readonly number[]) => {
    const forms = lengths
      .toSorted((x, y) => x - y)
      .map((length) => ({ lines: Math.max(1, Math.round(room / length)), length }));
    const sampleForms = forms.map(({ lines, length }) => ({ lines: Math.ceil(lines / every), length }));
    const packed = samples.map((sample) => packLines(sample, sampleForms).map((lines) => lines.length * every));
    const even = leastOver(
      packed.map((counts) => counts[0]!),
      room / forms[0]!.length,
    );
    forms[0] = { ...forms[0]!, lines: even.lines };
    const computed = forms.map((_, i) => (i === 0 ? even.computed : sum(packed.map((counts) => counts[i]!))));
    const work = sum(forms.map(({ length }, i) => lineWork(computed[i]!, length)));
    const batches = sum(forms.map(({ lines }, i) => computed[i]! / lines));
    const off = Math.abs(rows / batches / options.batchRows - 1);
    return { forms, cost: options.passes * work * (1 + Math.max(0, off - GIVE)) + SHAPE_WORK * forms.length };
  };
}

/** Lines of a batch, about `wanted` of them, so that of stages of so many lines the least are computed. */
function leastOver(counts: readonly number[], wanted: number): { lines: number; computed: number } {
  const cost = (lines: number) => sum(counts.map((count) => Math.ceil(count / lines) * lines));
  const nearest = Math.max(1, Math.round(wanted));
  let best = { lines: nearest, computed: cost(nearest) };
  for (let lines = Math.ceil(wanted * (1 - GIVE)); lines <= wanted * (1 + GIVE); lines++)
    if (lines > 0 && cost(lines) < best.computed) best = { lines, computed: cost(lines) };
  return best;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((x, y) => x + y, 0);

/** Multiples of `step` from one to another, about `TRIED` of them. */
function steps(from: number, to: number, step: number): number[] {
  const by = step * Math.max(1, Math.ceil((to - from) / step / TRIED));
  return Array.from({ length: Math.max(0, Math.floor((to - from) / by) + 1) }, (_, i) => from + i * by);
}
