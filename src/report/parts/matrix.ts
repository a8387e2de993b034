import { matrixPlot } from '../../plots/matrix-plot.js';
import type { LossMatrix } from '../../train/forgetting.js';
import type { Figure, PageCell } from '../page.js';
import { lossCell, shownChange, shownLoss } from './shown.js';

/** A forgetting matrix whose losses may be missing. */
export interface ShownMatrix {
  /** Unique on the page. */
  readonly id: string;
  /** What it is of. */
  readonly title: string;
  readonly bands: readonly string[];
  /** Losses after each stage, 0 for the base: nats per token. */
  readonly rows: readonly {
    readonly after: number;
    readonly losses: readonly (number | null)[];
    readonly all: number | null;
  }[];
}

const nameOfRow = (after: number): string => (after === 0 ? 'base' : `after stage ${after}`);

/** The matrix as a table: the loss, and its difference from the base where there is one. */
function matrixTable({ bands, rows }: ShownMatrix): PageCell[][] {
  const base = rows.find(({ after }) => after === 0);
  const head = ['measured', ...bands.flatMap((band) => [band, 'less base']), 'all', 'less base'];
  const lines = rows.map((row) => {
    const from = row === base ? undefined : base;
    const losses = [...row.losses, row.all];
    const before = from && [...from.losses, from.all];
    return [
      nameOfRow(row.after),
      ...losses.flatMap((loss, i): PageCell[] => {
        const was = before?.[i];
        return [lossCell(loss), loss == null || was == null ? '' : shownChange(loss - was)];
      }),
    ];
  });
  return [head, ...lines];
}

/** A forgetting matrix as a picture; `strongest` has the strongest tone, the same for all that are side by side. */
export function matrixFigure(matrix: ShownMatrix, strongest?: number): Figure {
  const { id, title, bands, rows } = matrix;
  const svg = matrixPlot({
    title,
    label: 'held-out loss, nats per token',
    columnLabel: 'after',
    columns: [...bands, 'all'],
    rows: rows.map(({ after, losses, all }) => ({
      name: after === 0 ? 'base' : `stage ${after}`,
      values: [...losses, all],
    })),
    ...(strongest !== undefined && { strongest }),
  });
  return {
    id,
    caption: `${title}: held-out loss of each band after each stage, and its difference from the base; lower is better.`,
    svg,
    table: matrixTable(matrix),
  };
}

/** The largest difference from the base in a matrix; 0 where there is none. */
export function largestChange({ rows }: Pick<ShownMatrix, 'rows'>): number {
  const base = rows.find(({ after }) => after === 0);
  if (!base) return 0;
  const before = [...base.losses, base.all];
  const changes = rows.flatMap((row) =>
    [...row.losses, row.all].map((loss, i) => Math.abs((loss ?? Number.NaN) - (before[i] ?? Number.NaN))),
  );
  return Math.max(0, ...changes.filter(Number.isFinite));
}

/** The matrix of a run. */
export const matrixOfRun = ({ bands, rows }: LossMatrix): ShownMatrix => ({
  id: 'matrix-run',
  title: 'Forgetting matrix',
  bands: bands.map(({ stage }) => `band ${stage}`),
  rows,
});

/** What became of each band, a sentence each: what got better, and what was forgotten again. */
export function bandSentences({ bands, rows }: LossMatrix): string[] {
  const base = rows.find(({ after }) => after === 0);
  const last = rows.at(-1);
  if (!base || !last || last === base) return [];
  const all = {
    name: 'All bands together',
    from: base.all,
    values: rows.map(({ after, all }) => ({ after, loss: all })),
  };
  const each = bands.map(({ stage, rows: count }, i) => ({
    name: `Band ${stage} (${count} rows)`,
    from: base.losses[i]!,
    values: rows.map(({ after, losses }) => ({ after, loss: losses[i]! })),
  }));
  return [...each, all].map(({ name, from, values }) => {
    const end = values.at(-1)!;
    if (!Number.isFinite(end.loss) || !Number.isFinite(from))
      return `${name}: the held-out loss is ${end.loss} after stage ${end.after}, so training has diverged.`;
    const best = values.slice(1).reduce((one, other) => (other.loss < one.loss ? other : one));
    const change = end.loss - from;
    const what = change < 0 ? 'got better' : change > 0 ? 'got worse' : 'stayed the same';
    const lost = end.loss - best.loss;
    const forgotten =
      best !== end && lost >= 0.00005
        ? ` It was lowest after stage ${best.after} (${shownLoss(best.loss)}); ${shownLoss(lost)} of that was forgotten again.`
        : '';
    return `${name} ${what}: ${shownLoss(from)} nats per token before, ${shownLoss(end.loss)} after stage ${end.after} (${shownChange(change)}).${forgotten}`;
  });
}
