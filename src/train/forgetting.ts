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

/** The matrix as lines of plain text: a row a moment, a column a band, behind each loss its difference against the base model. */
export function formatLossMatrix(matrix: LossMatrix): string[] {
  const base = matrix.rows.find((row) => row.after === 0);
  const cell = (loss: number, from: number | undefined, isBase: boolean) => {
    const change = from === undefined || isBase ? '' : `${loss < from ? '-' : '+'}${Math.abs(loss - from).toFixed(3)}`;
    return `${loss.toFixed(3)} ${change.padStart(6)}`;
  };
  const header = ['held-out loss', ...matrix.bands.map((band) => `stage ${band.stage}`.padEnd(12)), 'all'.padEnd(12)];
  const counts = [
    'rows',
    ...[...matrix.bands.map((band) => band.rows), total(matrix.bands)].map((n) => `${n}`.padEnd(12)),
  ];
  const body = matrix.rows.map((row) => {
    const isBase = row.after === 0;
    const losses = row.losses.map((loss, i) => cell(loss, base?.losses[i], isBase));
    return [isBase ? 'base' : `after stage ${row.after}`, ...losses, cell(row.all, base?.all, isBase)];
  });
  return [header, counts, ...body].map(([name, ...cells]) => `${name!.padEnd(16)}${cells.join('  ')}`.trimEnd());
}

const total = (bands: readonly Band[]) => bands.reduce((sum, band) => sum + band.rows, 0);
