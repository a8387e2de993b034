import { resolve, sep } from 'node:path';
import { shownName } from '../../core/shown.js';
import type { PageCell } from '../page.js';

/** A loss with four digits after the point; as a word where it is not finite. */
export const shownLoss = (loss: number | null | undefined): string =>
  loss == null ? '-' : Number.isFinite(loss) ? loss.toFixed(4) : String(loss);

/** A difference of losses with its sign; `-` where there is none. */
export function shownChange(change: number | null | undefined, digits = 4): string {
  if (change == null || !Number.isFinite(change)) return '-';
  const text = change.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : change > 0 ? `+${text}` : text;
}

/** A cell that is sorted by its value. */
export const cell = (text: string, value: number | null | undefined): PageCell => ({
  text,
  value: value === undefined || value === null || !Number.isFinite(value) ? null : value,
});

/** A loss as a cell. */
export const lossCell = (loss: number | null | undefined): PageCell => cell(shownLoss(loss), loss);

/** A number with at most so many significant digits [6], as a cell. */
export const numberCell = (value: number | null | undefined, digits = 6): PageCell =>
  cell(value == null ? '-' : Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : String(value), value);

/** A folder's own name, whatever it was reached by; that of a study's cell where the folder is its run. */
export function folderName(folder: string): string {
  const parts = resolve(folder).split(sep);
  const name = parts.at(-1) === 'run' && parts.at(-3) === 'cells' ? parts.at(-2)! : parts.at(-1)!;
  return shownName(name, 80);
}

/** Numbers as a page's data has them: seven significant digits are more than any picture or table shows. */
export const brief = (value: number): number => (Number.isFinite(value) ? Number(value.toPrecision(7)) : value);
