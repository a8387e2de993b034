import { formatCount } from '../telemetry/format.js';
import { axisBottom, axisLeft, axisRoom } from './axis.js';
import { type Bands, bandsOf } from './bands.js';
import { fittedText, heading } from './heading.js';
import { element, MARGIN, rounded, svgInline, text, WIDTH } from './svg.js';
import { type ColourName, colour } from './theme.js';

/** Two scores of the same rows, to be plotted against each other. */
export interface AgreementPlot {
  readonly x: { readonly name: string; readonly values: ArrayLike<number> };
  readonly y: { readonly name: string; readonly values: ArrayLike<number> };
  /** A line below the title: how well they agree. */
  readonly subtitle: string;
}

const HEIGHT = 600;
const RIGHT = 456;
const TOP = 174;
const BOTTOM = 528;
const MARGINAL = 64;
const GAP = 8;

/**
 * Two scores against each other as a heat map: how many rows have both values, darker for more,
 * with each score's distribution along its side and, for every column, the median of the other
 * score as a dot. Ties show as what they are. Rows: at least one.
 *
 * @example
 * const svg = agreementPlot({
 *   x: { name: 'judge', values: [1, 2, 2, 5] },
 *   y: { name: 'length', values: [10, 30, 25, 80] },
 *   subtitle: 'Spearman 0.95',
 * });
 */
export function agreementPlot({ x, y, subtitle }: AgreementPlot): string {
  const rows = bandsOf(y.values, [BOTTOM, TOP]);
  const left = MARGIN + axisRoom(rows.axis);
  const columns = bandsOf(x.values, [left, RIGHT]);
  const cells = countCells(x.values, y.values, columns, rows);
  const most = cells.reduce((largest, row) => Math.max(largest, ...row), 0);
  const beyond = [[columns, x.name] as const, [rows, y.name] as const].flatMap(([bands, name]) =>
    bands.beyond > 0 ? [`${formatCount(bands.beyond)} by ${name}`] : [],
  );
  const dots = medians(x.values, y.values, columns, rows);
  const note = beyond.length > 0 ? `Beyond the ends, drawn at them: ${beyond.join(', ')}.` : '';
  const title = `${x.name} against ${y.name}, ${formatCount(x.values.length)} rows`;
  return svgInline(
    { width: WIDTH, height: HEIGHT, title, description: `${subtitle} ${note}`.trim(), kind: 'agreement' },
    heading(title, [subtitle]),
    heat(cells, columns, rows, most),
    marginals(cells, columns, rows),
    dots,
    axisBottom(columns.axis, { y: BOTTOM, label: x.name }),
    axisLeft(rows.axis, { x: left, label: y.name, above: MARGINAL + GAP }),
    legend(most),
    dots === '' ? '' : dot(MARGIN + 6, 59) + text(MARGIN + 18, 64, 'median of the column', { fill: colour('muted') }),
    fittedText(MARGIN, HEIGHT - 12, note, { width: WIDTH - 2 * MARGIN, fill: colour('muted') }),
  );
}

function countCells(x: ArrayLike<number>, y: ArrayLike<number>, columns: Bands, rows: Bands): number[][] {
  const cells = Array.from({ length: columns.count }, () => new Array<number>(rows.count).fill(0));
  for (let i = 0; i < x.length; i++) cells[columns.bandOf(x[i]!)]![rows.bandOf(y[i]!)]! += 1;
  return cells;
}

/** Steps of the heat map. */
const STEPS = [1, 2, 3, 4, 5, 6] as const;

/** By the root of the count, so that single rows are still seen beside crowds. */
function stepOf(count: number, most: number): number {
  const share = most > 1 ? (Math.sqrt(count) - 1) / (Math.sqrt(most) - 1) : 1;
  return 1 + Math.min(STEPS.length - 1, Math.floor(share * STEPS.length));
}

const stepColour = (step: number) => colour(`step-${step}` as ColourName);

/** Ends of a stretch along one side. */
type Ends = readonly [from: number, to: number];

/** Cells of each step as one path: there are up to 1,600. */
function heat(cells: readonly (readonly number[])[], columns: Bands, rows: Bands, most: number): string {
  const paths = STEPS.map((step) => {
    const d = cells.flatMap((column, i) =>
      column.map((count, k) =>
        count > 0 && stepOf(count, most) === step ? outline(columns.ends(i), rows.ends(k)) : '',
      ),
    );
    return d.some((part) => part !== '') ? element('path', { d: d.join(''), fill: stepColour(step) }) : '';
  });
  const [from, to] = columns.axis.range;
  const frame = { x: from, y: TOP, width: to - from, height: BOTTOM - TOP, fill: 'none', stroke: colour('grid') };
  return element('g', { 'shape-rendering': 'crispEdges' }, ...paths) + element('rect', frame);
}

const outline = (across: Ends, up: Ends): string => {
  const [left, top] = [Math.min(...across), Math.min(...up)];
  const [width, height] = [Math.abs(across[1] - across[0]), Math.abs(up[1] - up[0])];
  return `M${rounded(left)} ${rounded(top)}h${rounded(width)}v${rounded(height)}h${rounded(-width)}z`;
};

function marginals(cells: readonly (readonly number[])[], columns: Bands, rows: Bands): string {
  const across = cells.map((column) => column.reduce((sum, count) => sum + count, 0));
  const up = Array.from({ length: rows.count }, (_, k) => cells.reduce((sum, column) => sum + column[k]!, 0));
  const size = (count: number, all: readonly number[]) => (MARGINAL * count) / Math.max(...all);
  const inset = (ends: Ends, few: boolean): Ends => {
    const space = few ? (ends[1] - ends[0]) * 0.1 : 0;
    return [ends[0] + space, ends[1] - space];
  };
  const bar = (horizontal: Ends, vertical: Ends) => {
    const [left, top] = [Math.min(...horizontal), Math.min(...vertical)];
    const [width, height] = [Math.abs(horizontal[1] - horizontal[0]), Math.abs(vertical[1] - vertical[0])];
    return element('rect', { x: left, y: top, width, height });
  };
  return element(
    'g',
    { fill: colour('bar') },
    ...across.map((count, i) =>
      bar(inset(columns.ends(i), columns.count <= 16), [TOP - GAP, TOP - GAP - size(count, across)]),
    ),
    ...up.map((count, k) => bar([RIGHT + GAP, RIGHT + GAP + size(count, up)], inset(rows.ends(k), rows.count <= 16))),
  );
}

/** Columns with fewer rows have no dot: their median says nothing. */
const ENOUGH = 5;

function medians(x: ArrayLike<number>, y: ArrayLike<number>, columns: Bands, rows: Bands): string {
  const inColumn = Array.from({ length: columns.count }, () => [] as number[]);
  for (let i = 0; i < x.length; i++) inColumn[columns.bandOf(x[i]!)]!.push(y[i]!);
  return inColumn
    .map((values, i) => {
      if (values.length < ENOUGH) return '';
      const sorted = values.sort((a, b) => a - b);
      const [from, to] = columns.ends(i);
      const median = sorted[(sorted.length - 1) >> 1]!;
      return dot((from + to) / 2, Math.max(TOP, Math.min(BOTTOM, rows.axis.placeOf(median))));
    })
    .join('');
}

const dot = (cx: number, cy: number): string =>
  element('circle', { cx, cy, r: 4.5, fill: colour('accent'), stroke: colour('paper'), 'stroke-width': 1.5 });

function legend(most: number): string {
  const [left, top, size] = [RIGHT + GAP, TOP - GAP - MARGINAL, 12];
  const counts = [...new Set([1, ...[0.1, 0.4, 1].map((share) => Math.max(1, Math.round(share * most)))])];
  const samples = counts.map((count, i) => {
    const y = top + i * (size + 5);
    const fill = stepColour(stepOf(count, most));
    return (
      element('rect', { x: left, y, width: size, height: size, fill }) + text(left + 18, y + 11, formatCount(count))
    );
  });
  return (
    text(WIDTH - MARGIN, top - 14, 'rows in a cell', { 'text-anchor': 'end', fill: colour('muted') }) + samples.join('')
  );
}
