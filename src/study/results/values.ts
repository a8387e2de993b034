import { groupOf } from '../cell.js';
import type { CellState } from '../state.js';
import type { Metric } from '../study-file.js';
import type { Study } from '../study-record.js';
import type { Measured, Measurements } from './measure.js';

/** The value of each cell that counts, and of every other the reason why it does not. */
export interface CellValues {
  /** By id. */
  readonly values: ReadonlyMap<string, number>;
  /** By id: a state, a failure, or why a done cell has no value. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** Win rates of cells, and why no verdict may be drawn from them. */
export interface WinRateValues {
  /** Points from 0 to 100 by cell's id: against the control's cell of the same block; 50 for the control itself. */
  readonly values: ReadonlyMap<string, number>;
  /** Empty where verdicts may be given. */
  readonly problems: readonly string[];
}

/** Reasons of done cells. */
const NOT_FINITE = 'loss not finite';
const NOT_MEASURED = 'not measured';

/** The metric of a done cell; undefined where it was not measured. */
function metricOf(
  metric: Metric,
  { cell, matrix }: Measured,
  bands: readonly number[],
  winRates: ReadonlyMap<string, number> | undefined,
): number | undefined {
  if ('win-rate' in metric) return winRates?.get(cell.id);
  const last = matrix.at(-1);
  const of = metric['held-out'];
  return of === 'all' ? last?.all : last?.losses[bands.indexOf(Number(of.slice('band-'.length)))];
}

/** The metric of every done cell; `winRates` by id, where win rates are the metric. */
export function valuesOf(
  study: Study,
  states: readonly CellState[],
  { cells, bands }: Measurements,
  winRates: ReadonlyMap<string, number> | undefined,
): CellValues {
  const [values, reasons] = [new Map<string, number>(), new Map<string, string>()];
  for (const [i, cell] of study.cells.entries()) {
    const state = states[i]!;
    const one = cells.get(cell.id);
    if (state.state !== 'done' || !one) {
      reasons.set(cell.id, state.state === 'failed' ? state.failure : state.state);
      continue;
    }
    const value = metricOf(study.record.study.metric, one, bands(groupOf(cell)), winRates);
    if (value === undefined) reasons.set(cell.id, NOT_MEASURED);
    else if (Number.isFinite(value)) values.set(cell.id, value);
    else reasons.set(cell.id, NOT_FINITE);
  }
  return { values, reasons };
}
