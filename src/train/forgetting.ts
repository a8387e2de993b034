/** One band of difficulty among the held-out rows. */
export interface Band {
  /** Stage of the staged set that its rows belong to, from 1, the easiest. */
  readonly stage: number;
  readonly rows: number;
  /** Trained tokens, over which the mean is taken. */
  readonly tokens: number;
}

/** Held-out loss at one moment, in nats a trained token. */
export interface LossRow {
  /** Training stages done: 0 is the base model. */
  readonly after: number;
  /** Mean loss of each band, in the order of the matrix's bands. */
  readonly losses: readonly number[];
  /** Mean over the tokens of all bands. */
  readonly all: number;
}

/** The forgetting matrix: held-out loss of every band before training and after every stage. */
export interface LossMatrix {
  readonly bands: readonly Band[];
  readonly rows: readonly LossRow[];
}

/** A loss against that of the base model; nothing where there is none, or either is no finite number. */
const changeOf = (loss: number, from: number | undefined): string =>
  from === undefined || !Number.isFinite(loss - from)
    ? ''
    : `${loss < from ? '-' : '+'}${Math.abs(loss - from).toFixed(3)}`;

/**
 * The matrix as lines of plain text: a row a moment, a column a band, behind each loss its difference against the base model.
 *
 * @example
 * const bands = [{ stage: 1, rows: 20, tokens: 900 }];
 * const rows = [
 *   { after: 0, losses: [2.5], all: 2.5 },
 *   { after: 1, losses: [1.9], all: 1.9 },
 * ];
 * console.log(formatLossMatrix({ bands, rows }).join('\n'));
 */
export function formatLossMatrix({ bands, rows }: LossMatrix): string[] {
  const base = rows.find(({ after }) => after === 0);
  const cell = (value: string, change = '') => `${value.padStart(9)} ${change.padEnd(6)}`;
  const lossCell = (loss: number, from: number | undefined) => cell(loss.toFixed(3), changeOf(loss, from));
  const counts = [...bands, { rows: bands.reduce((n, band) => n + band.rows, 0) }];
  const line = (name: string, cells: readonly string[]) => `${name.padEnd(14)}${cells.join(' ')}`.trimEnd();
  return [
    line(
      'held-out loss',
      [...bands.map(({ stage }) => `stage ${stage}`), 'all'].map((name) => cell(name)),
    ),
    line(
      'rows',
      counts.map((band) => cell(String(band.rows))),
    ),
    ...rows.map((row) => {
      const from = row === base ? undefined : base;
      const cells = row.losses.map((loss, i) => lossCell(loss, from?.losses[i]));
      return line(row.after === 0 ? 'base' : `after stage ${row.after}`, [...cells, lossCell(row.all, from?.all)]);
    }),
  ];
}
