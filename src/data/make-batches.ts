import { chunk } from '../core/lists.js';
import type { Random } from '../core/random.js';
import { type BatchSize, fitShapes } from './batch-shapes.js';
import type { EncodedRow } from './encoded.js';
import type { MicroBatch } from './micro-batch.js';
import type { BatchOptions } from './options.js';
import { packLines } from './pack.js';

/** A batch, or a part of one, whose shape is chosen once all batches are known. */
export interface UnshapedBatch {
  readonly lines: readonly (readonly EncodedRow[])[];
  /** What it is made for; the last batch may have fewer lines. */
  readonly size: BatchSize;
}

/** How rows are laid out: one a line, in the given order or sorted by length, or packed into batches of these sizes. */
export type BatchLayout =
  | { readonly kind: 'padded' | 'bucketed'; readonly batchRows: number; readonly padTo: number }
  | { readonly kind: 'packed'; readonly sizes: readonly BatchSize[] };

/**
 * Batches of one epoch. Rows change places only within windows of `window` rows of the given order,
 * and the batches keep the order of the windows: no row comes before one of an earlier window,
 * except in a batch that holds rows of both. With `rng` the full batches of `bucketed` and `packed`
 * are shuffled over the epoch, and smaller ones stay last.
 */
export function makeBatches(
  rows: readonly EncodedRow[],
  layout: BatchLayout,
  window: number,
  rng?: Random,
): UnshapedBatch[] {
  const batches =
    layout.kind === 'packed' ? packBatches(rows, layout.sizes, window) : oneRowALine(rows, layout, window);
  if (!rng || layout.kind === 'padded') return batches;
  const isFull = ({ lines, size }: UnshapedBatch) => lines.length === size.lines;
  return [...rng.shuffle(batches.filter(isFull)), ...batches.filter((batch) => !isFull(batch))];
}

/** Chooses the shapes, for all batches together: at most `maxShapes`. */
export function shapeBatches(
  batches: readonly UnshapedBatch[],
  { padTo, maxShapes }: Pick<BatchOptions, 'padTo' | 'maxShapes'>,
): MicroBatch[] {
  const exact = batches.map(({ lines, size }) => ({
    ...size,
    targets: lines.flat().reduce((n, { trained }) => n + trained, 0),
  }));
  const shapes = fitShapes(exact, padTo, maxShapes);
  return batches.map(({ lines }, i) => ({ lines, shape: shapes[i]! }));
}

/** Windows are whole batches, so that only the very last batch is smaller. */
function oneRowALine(
  rows: readonly EncodedRow[],
  { kind, batchRows, padTo }: Extract<BatchLayout, { padTo: number }>,
  window: number,
): UnshapedBatch[] {
  const inFullBatches = rows.slice(0, rows.length - (rows.length % batchRows));
  const sort = (windowRows: readonly EncodedRow[]) =>
    kind === 'padded' ? windowRows : windowRows.toSorted((x, y) => x.ids.length - y.ids.length);
  const windows = chunk(inFullBatches, batchRows * Math.max(1, Math.round(window / batchRows)));
  const full = windows.flatMap((windowRows) => chunk(sort(windowRows), batchRows));
  return [...full, ...chunk(rows.slice(inFullBatches.length), batchRows)].map((batch) => {
    const longest = Math.max(...batch.map((row) => row.ids.length));
    return { lines: batch.map((row) => [row]), size: { lines: batchRows, length: Math.ceil(longest / padTo) * padTo } };
  });
}

/**
 * What packed batches are sorted by: the sum of the windows of their first and last line, then the
 * first row of their first line.
 */
type Position = readonly [windows: number, row: number];

/** Lines of the first size continue from window to window; batches of the other sizes are made within one. */
function packBatches(rows: readonly EncodedRow[], sizes: readonly BatchSize[], window: number): UnshapedBatch[] {
  const windowRows = Math.ceil(rows.length / Math.max(1, Math.round(rows.length / window)));
  const batches: { readonly batch: UnshapedBatch; readonly position: Position }[] = [];
  const shortest: { readonly line: EncodedRow[]; readonly window: number; readonly row: number }[] = [];
  for (const [w, inWindow] of chunk(rows, windowRows).entries()) {
    const [first, ...others] = packLines(
      inWindow.map((row) => row.ids.length),
      sizes,
    );
    const rowsIn = (line: readonly number[]) => line.map((i) => inWindow[i]!);
    // Sorted by the index of their longest row: as random as the order of the rows, or as ordered.
    const inOrder = first!.toSorted((x, y) => x[0]! - y[0]!);
    shortest.push(...inOrder.map((line) => ({ line: rowsIn(line), window: w, row: line[0]! })));
    for (const [i, lines] of others.entries()) {
      const size = sizes[i + 1]!;
      for (const group of chunk(lines, size.lines)) {
        const row = Math.min(...group.map((line) => line[0] ?? Number.POSITIVE_INFINITY));
        batches.push({ batch: { lines: group.map(rowsIn), size }, position: [2 * w, row] });
      }
    }
  }
  for (const group of chunk(shortest, sizes[0]!.lines)) {
    const [first, last] = [group[0]!, group.at(-1)!];
    const lines = group.map(({ line }) => line);
    batches.push({ batch: { lines, size: sizes[0]! }, position: [first.window + last.window, first.row] });
  }
  return batches.sort(({ position: x }, { position: y }) => x[0] - y[0] || x[1] - y[1]).map(({ batch }) => batch);
}
