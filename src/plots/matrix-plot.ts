import { fittedText, heading, LINE_ROOM, TITLE_ROOM } from './heading.js';
import { digitsFor, signed } from './numbers.js';
import { element, FONT_SIZE, MARGIN, svgInline, text, titleElement, WIDTH } from './svg.js';
import { fitNames, textWidth } from './text-width.js';
import { type ColourName, colour } from './theme.js';

/** Values in rows and columns, each compared with the first of its column. */
export interface MatrixPlot {
  readonly title: string;
  /** What the values are, with their unit. */
  readonly label: string;
  /** What the columns are, such as `band`. */
  readonly columnLabel: string;
  readonly columns: readonly string[];
  /** The first row is what the others are compared with, such as the model before training. */
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  /**
   * Digits after the point. Default: as many as show the largest difference with three figures and
   * fit; over 4 only where it would not be seen otherwise.
   */
  readonly digits?: number | undefined;
  /** Difference that has the strongest tone. Default: the largest one. Set it where pictures are to be compared. */
  readonly strongest?: number | undefined;
}

const CELL = { height: 46, widest: 120, gap: 2 };
const NAMES = { least: 60, widest: 150 };
/** Digits that are enough for most differences. */
const USUAL = 4;
/** Tones to each side of no difference. */
const TONES = 4;

/**
 * A matrix, such as losses after each stage by band: the value in every cell, its difference from the first row below
 * it, and a tone for the difference: blue for lower, orange for higher, in four steps each.
 *
 * @example
 * const svg = matrixPlot({
 *   title: 'Held-out loss after each stage',
 *   label: 'nats a token',
 *   columnLabel: 'band',
 *   columns: ['1', '2', '3'],
 *   rows: [
 *     { name: 'base', values: [1.94, 2.17, 2.16] },
 *     { name: 'stage 1', values: [1.89, 2.14, 2.13] },
 *   ],
 * });
 */
export function matrixPlot(plot: MatrixPlot): string {
  const { title, label, columns, rows, columnLabel } = plot;
  const base = rows[0]?.values ?? [];
  const differences = rows.map(({ values }, i) =>
    columns.map((_, k) => (i === 0 ? null : between(values[k], base[k]))),
  );
  const largest = Math.max(0, ...differences.flat().map((difference) => Math.abs(difference ?? 0)));
  const strongest = plot.strongest ?? largest;
  const names = Math.max(NAMES.least, Math.min(NAMES.widest, widest(rows.map(({ name }) => name)) + 12));
  const left = MARGIN + names;
  const width = Math.min(CELL.widest, (WIDTH - MARGIN - left) / Math.max(1, columns.length));
  const digits = plot.digits ?? fittingDigits(largest, rows, width);
  const top = TITLE_ROOM + 2 * LINE_ROOM + 24;
  const bottom = top + rows.length * CELL.height;
  const rowNames = fitNames(
    rows.map(({ name }) => name),
    names - 8,
    FONT_SIZE,
  );
  const cells = rows.flatMap(({ name, values }, i) =>
    columns.map((column, k) => {
      const [value, difference] = [values[k] ?? null, differences[i]![k]!];
      const where = { x: left + k * width, y: top + i * CELL.height, width: width - CELL.gap };
      return cell(
        { value, difference, digits, tone: toneOf(difference, strongest), what: `${name}, ${column}` },
        where,
      );
    }),
  );
  return svgInline(
    {
      width: WIDTH,
      height: bottom + (rows.length > 1 ? 44 : 12),
      title,
      description: describe(plot, digits),
      kind: 'matrix',
    },
    heading(title, [label, rows.length > 1 ? `below: difference from ${rows[0]!.name}` : '']),
    fittedText(MARGIN, top - 9, columnLabel, { width: names - 8, fill: colour('muted') }),
    ...columns.map((column, k) =>
      fittedText(left + (k + 0.5) * width, top - 9, column, { width: width - 4, 'text-anchor': 'middle' }),
    ),
    ...rows.map(({ name }, i) =>
      fittedText(MARGIN, top + (i + 0.5) * CELL.height + 4, name, { width: names - 8, shown: rowNames[i] }),
    ),
    ...cells,
    rows.length > 1 ? legend(bottom + 14, left, strongest, digits) : '',
  );
}

const widest = (names: readonly string[]) => Math.max(0, ...names.map((name) => textWidth(name, FONT_SIZE)));

function between(value: number | null | undefined, base: number | null | undefined): number | null {
  if (value === null || value === undefined || base === null || base === undefined) return null;
  const difference = value - base;
  return Number.isFinite(difference) ? difference : null;
}

function fittingDigits(largest: number, rows: MatrixPlot['rows'], width: number): number {
  const values = rows.flatMap((row) => row.values.filter((value) => value !== null && Number.isFinite(value)));
  const room = width - CELL.gap - 2;
  const fits = (digits: number) =>
    textWidth(signed(-largest, digits), FONT_SIZE) <= room &&
    values.every((value) => textWidth(value!.toFixed(digits), FONT_SIZE, true) <= room);
  let digits = Math.min(digitsFor(largest, 3), Math.max(USUAL, digitsFor(largest, 1)));
  while (digits > 0 && !fits(digits)) digits -= 1;
  return digits;
}

/** Step from -4 to 4; any difference that has a sign has a tone. */
function toneOf(difference: number | null, strongest: number): ColourName | undefined {
  if (difference === null) return undefined;
  const step = strongest === 0 ? 0 : Math.min(TONES, Math.ceil((Math.abs(difference) / strongest) * TONES - 1e-9));
  return step === 0 ? 'even' : (`${difference < 0 ? 'low' : 'high'}-${step}` as ColourName);
}

interface Cell {
  readonly value: number | null;
  readonly difference: number | null;
  readonly digits: number;
  readonly tone: ColourName | undefined;
  readonly what: string;
}

function cell({ value, difference, digits, tone, what }: Cell, at: { x: number; y: number; width: number }): string {
  const [middle, height] = [at.x + at.width / 2, CELL.height - CELL.gap];
  const shown = value === null ? '–' : Number.isFinite(value) ? value.toFixed(digits) : String(value);
  const more = difference === null ? '' : signed(difference, digits);
  const words = `${what}: ${value === null ? 'no value' : shown}${more === '' ? '' : ` (${more})`}`;
  const frame = tone === undefined ? { fill: 'none', stroke: colour('grid') } : { fill: colour(tone) };
  return element(
    'g',
    { 'data-value': words, 'text-anchor': 'middle' },
    titleElement(words),
    element('rect', { x: at.x, y: at.y, width: at.width, height, rx: 2, ...frame }),
    text(middle, at.y + (more === '' ? height / 2 + 5 : 19), shown, { 'font-weight': 600 }),
    more === '' ? '' : text(middle, at.y + 37, more),
  );
}

function legend(y: number, left: number, strongest: number, digits: number): string {
  const names: ColourName[] = ['low-4', 'low-3', 'low-2', 'low-1', 'even', 'high-1', 'high-2', 'high-3', 'high-4'];
  const [size, height] = [20, 14];
  const [low, high] = [`lower ${signed(-strongest, digits)}`, `${signed(strongest, digits)} higher`];
  const from = Math.max(left, MARGIN + textWidth(low, FONT_SIZE) + 8);
  return [
    text(from - 8, y + 12, low, { 'text-anchor': 'end', fill: colour('muted') }),
    ...names.map((name, i) =>
      element('rect', { x: from + i * size, y, width: size - 1, height, fill: colour(name), stroke: colour('grid') }),
    ),
    text(from + names.length * size + 8, y + 12, high, { fill: colour('muted') }),
  ].join('');
}

function describe({ columns, rows, columnLabel }: MatrixPlot, digits: number): string {
  return rows
    .map(({ name, values }) => {
      const parts = columns.map((column, k) => `${columnLabel} ${column} ${values[k]?.toFixed(digits) ?? 'no value'}`);
      return `${name}: ${parts.join(', ')}.`;
    })
    .join(' ');
}
