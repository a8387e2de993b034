import { formatCount } from '../telemetry/format.js';
import { axisBottom, axisLeft } from './axis.js';
import { type Bands, bandsOf } from './bands.js';
import { element, STYLE, svgDocument, text } from './svg.js';

/** Two scores of the same rows, to be plotted against each other. */
export interface AgreementPlot {
  readonly x: { readonly name: string; readonly values: ArrayLike<number> };
  readonly y: { readonly name: string; readonly values: ArrayLike<number> };
  /** A line below the title: how well they agree. */
  readonly subtitle: string;
}

const WIDTH = 760;
const HEIGHT = 690;
const LEFT = 92;
const RIGHT = 600;
const TOP = 164;
const BOTTOM = 600;
const MARGINAL = 70;
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
  const [columns, rows] = [bandsOf(x.values, [LEFT, RIGHT]), bandsOf(y.values, [BOTTOM, TOP])];
  const cells = countCells(x.values, y.values, columns, rows);
  const most = cells.reduce((largest, row) => Math.max(largest, ...row), 0);
  const n = x.values.length;
  const beyond = [[columns, x.name] as const, [rows, y.name] as const].flatMap(([bands, name]) =>
    bands.beyond > 0 ? [`${formatCount(bands.beyond)} by ${name}`] : [],
  );
  const dots = medians(x.values, y.values, columns, rows);
  const note = beyond.length > 0 ? `Beyond the ends, drawn at them: ${beyond.join(', ')}.` : '';
  const title = `${x.name} against ${y.name}, ${formatCount(n)} rows`;
  return svgDocument(
    { width: WIDTH, height: HEIGHT, title, description: `${subtitle} ${note}`.trim() },
    text(LEFT, 34, title, { 'font-size': 18, 'font-weight': 600 }),
    text(LEFT, 56, subtitle, { fill: STYLE.muted, 'font-size': 13 }),
    ...heat(cells, columns, rows, most),
    ...marginals(cells, columns, rows),
    ...dots,
    axisBottom(columns.axis, { y: BOTTOM, label: x.name }),
    axisLeft(rows.axis, { x: LEFT, label: y.name }),
    ...legend(most),
    ...(dots.length > 0 ? dotLegend() : []),
    text(LEFT, HEIGHT - 14, note, { fill: STYLE.muted, 'font-size': 11 }),
  );
}

function countCells(x: ArrayLike<number>, y: ArrayLike<number>, columns: Bands, rows: Bands): number[][] {
  const cells = Array.from({ length: columns.count }, () => new Array<number>(rows.count).fill(0));
  for (let i = 0; i < x.length; i++) cells[columns.bandOf(x[i]!)]![rows.bandOf(y[i]!)]! += 1;
  return cells;
}

const [LIGHT, DARK] = [[208, 225, 242] as const, [8, 48, 107] as const];

/** From light to dark blue by the root of the count, so that single rows are still seen beside crowds. */
function shade(count: number, most: number): string {
  const share = most > 1 ? (Math.sqrt(count) - 1) / (Math.sqrt(most) - 1) : 1;
  const mixed = LIGHT.map((from, i) => Math.round(from + (DARK[i]! - from) * share));
  return `rgb(${mixed.join(',')})`;
}

function heat(cells: readonly (readonly number[])[], columns: Bands, rows: Bands, most: number): string[] {
  const drawn = cells.flatMap((column, i) =>
    column.flatMap((count, j) => (count > 0 ? [rectangle(columns.ends(i), rows.ends(j), shade(count, most))] : [])),
  );
  const frame = element('rect', {
    x: LEFT,
    y: TOP,
    width: RIGHT - LEFT,
    height: BOTTOM - TOP,
    fill: 'none',
    stroke: STYLE.grid,
  });
  return [element('g', { 'shape-rendering': 'crispEdges' }, ...drawn), frame];
}

function rectangle(across: readonly [number, number], up: readonly [number, number], fill: string): string {
  const [left, right] = [Math.min(...across), Math.max(...across)];
  const [top, bottom] = [Math.min(...up), Math.max(...up)];
  return element('rect', { x: left, y: top, width: right - left, height: bottom - top, fill });
}

function marginals(cells: readonly (readonly number[])[], columns: Bands, rows: Bands): string[] {
  const across = cells.map((column) => column.reduce((sum, count) => sum + count, 0));
  const up = Array.from({ length: rows.count }, (_, j) => cells.reduce((sum, column) => sum + column[j]!, 0));
  const bar = (count: number, all: readonly number[]) => (MARGINAL * count) / Math.max(...all);
  const inset = (ends: readonly [number, number], few: boolean): readonly [number, number] => {
    const space = few ? (ends[1] - ends[0]) * 0.1 : 0;
    return [ends[0] + space, ends[1] - space];
  };
  return [
    ...across.map((count, i) => {
      const top = TOP - GAP - bar(count, across);
      return rectangle(inset(columns.ends(i), columns.count <= 16), [TOP - GAP, top], STYLE.bar);
    }),
    ...up.map((count, j) => {
      const right = RIGHT + GAP + bar(count, up);
      return rectangle([RIGHT + GAP, right], inset(rows.ends(j), rows.count <= 16), STYLE.bar);
    }),
  ];
}

/** Columns with fewer rows have no dot: their median says nothing. */
const ENOUGH = 5;

function medians(x: ArrayLike<number>, y: ArrayLike<number>, columns: Bands, rows: Bands): string[] {
  const inColumn = Array.from({ length: columns.count }, () => [] as number[]);
  for (let i = 0; i < x.length; i++) inColumn[columns.bandOf(x[i]!)]!.push(y[i]!);
  return inColumn.flatMap((values, i) => {
    if (values.length < ENOUGH) return [];
    const sorted = values.sort((a, b) => a - b);
    const [from, to] = columns.ends(i);
    const median = sorted[(sorted.length - 1) >> 1]!;
    const place = Math.max(TOP, Math.min(BOTTOM, rows.axis.placeOf(median)));
    return [
      element('circle', {
        cx: (from + to) / 2,
        cy: place,
        r: 4,
        fill: STYLE.accent,
        stroke: '#ffffff',
        'stroke-width': 1.5,
      }),
    ];
  });
}

function legend(most: number): string[] {
  const [left, top, size] = [RIGHT + GAP + MARGINAL - 44, TOP - GAP - MARGINAL, 14];
  const counts = [
    ...new Set([1, 0.1, 0.4, 1].map((share, i) => (i === 0 ? 1 : Math.max(1, Math.round(share * most))))),
  ];
  return [
    text(left - 30, top - 8, 'rows in a cell', { fill: STYLE.muted, 'font-size': 11 }),
    ...counts.flatMap((count, i) => [
      element('rect', { x: left - 30, y: top + i * (size + 4), width: size, height: size, fill: shade(count, most) }),
      text(left - 10, top + i * (size + 4) + 11, formatCount(count), { 'font-size': 11 }),
    ]),
  ];
}

const dotLegend = (): string[] => [
  element('circle', { cx: LEFT + 6, cy: 74, r: 4, fill: STYLE.accent, stroke: '#ffffff', 'stroke-width': 1.5 }),
  text(LEFT + 16, 78, 'median of the column', { fill: STYLE.muted, 'font-size': 11 }),
];
