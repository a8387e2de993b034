import { chunk } from '../core/lists.js';
import type { Random } from '../core/random.js';
import type { EncodedRow } from './encoded.js';
import { type LineForm, packLines } from './pack.js';

/** Rows that meet in a batch, line by line. */
export interface Arranged {
  readonly lines: readonly (readonly EncodedRow[])[];
  /** What it is made for; it may have fewer lines than the form. */
  readonly form: LineForm;
}

/** How rows become batches: in the order they come, in batches of like length, or packed into lines of these forms. */
export type Arrangement =
  | { readonly kind: 'padded' | 'bucketed'; readonly batchRows: number; readonly padTo: number }
  | { readonly kind: 'packed'; readonly forms: readonly LineForm[] };

/** A batch on its way: the windows and the place in the first of them that it is sorted by. */
interface Placed extends Arranged {
  readonly windows: number;
  readonly place: number;
}

/**
 * One epoch's batches. Rows meet within windows of `window` rows of the given order, and the batches keep the order of the
 * windows: no row comes before one of an earlier window, but for those of a batch that holds rows of both. With `rng`
 * whole batches that were made up to fit are shuffled over the epoch; smaller ones stay last.
 */
export function arrange(
  rows: readonly EncodedRow[],
  how: Arrangement,
  window: number,
  rng: Random | undefined,
): Arranged[] {
  const batches = how.kind === 'packed' ? packed(rows, how.forms, window) : single(rows, how, window);
  if (!rng || how.kind === 'padded') return batches;
  const whole = batches.filter(({ lines, form }) => lines.length === form.lines);
  return [...rng.shuffle(whole), ...batches.filter(({ lines, form }) => lines.length < form.lines)];
}

/** One row a line. Windows are whole batches, so that only the last batch of all is smaller. */
function single(
  rows: readonly EncodedRow[],
  { kind, batchRows, padTo }: Extract<Arrangement, { padTo: number }>,
  window: number,
): Arranged[] {
  const whole = rows.slice(0, rows.length - (rows.length % batchRows));
  const sorted = (own: readonly EncodedRow[]) =>
    kind === 'padded' ? own : own.toSorted((x, y) => x.ids.length - y.ids.length);
  const groups = chunk(whole, batchRows * Math.max(1, Math.round(window / batchRows))).flatMap((own) =>
    chunk(sorted(own), batchRows),
  );
  return [...groups, ...chunk(rows.slice(whole.length), batchRows)].map((group) => {
    const longest = Math.max(...group.map((row) => row.ids.length));
    return { lines: group.map((row) => [row]), form: { lines: batchRows, length: Math.ceil(longest / padTo) * padTo } };
  });
}

/** Packed lines of the first form go on from window to window; batches of the others are made within one. */
function packed(rows: readonly EncodedRow[], forms: readonly LineForm[], window: number): Arranged[] {
  const size = Math.ceil(rows.length / Math.max(1, Math.round(rows.length / window)));
  const batches: Placed[] = [];
  const going: { line: EncodedRow[]; window: number; place: number }[] = [];
  for (const [w, own] of chunk(rows, size).entries()) {
    const [first, ...others] = packLines(
      own.map((row) => row.ids.length),
      forms,
    );
    const rowsOf = (line: readonly number[]) => line.map((i) => own[i]!);
    // By the place of its longest row: as random as the order of the rows, and as ordered.
    const inOrder = first!.toSorted((x, y) => x[0]! - y[0]!);
    going.push(...inOrder.map((line) => ({ line: rowsOf(line), window: w, place: line[0]! })));
    for (const [i, lines] of others.entries()) {
      const form = forms[i + 1]!;
      for (const group of chunk(lines, form.lines)) {
        const place = Math.min(...group.map((line) => line[0] ?? Number.POSITIVE_INFINITY));
        batches.push({ lines: group.map(rowsOf), form, windows: 2 * w, place });
      }
    }
  }
  for (const group of chunk(going, forms[0]!.lines)) {
    const [from, to] = [group[0]!, group.at(-1)!];
    const lines = group.map(({ line }) => line);
    batches.push({ lines, form: forms[0]!, windows: from.window + to.window, place: from.place });
  }
  return batches.sort((x, y) => x.windows - y.windows || x.place - y.place).map(({ lines, form }) => ({ lines, form }));
}
