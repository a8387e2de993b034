import { fittedText, heading, LINE_ROOM, TITLE_ROOM } from './heading.js';
import { element, MARGIN, svgInline, text, titleElement, WIDTH } from './svg.js';
import { textWidth } from './text-width.js';
import { colour } from './theme.js';

/** A row in a line: its name, and its tokens in order, in runs that are trained or not. */
export interface PackedRow {
  readonly name: string;
  readonly runs: readonly { readonly tokens: number; readonly trained: boolean }[];
}

/** Batches as the model computes them. */
export interface PackingPlot {
  readonly title: string;
  /** A line below the title. */
  readonly subtitle: string;
  readonly batches: readonly {
    readonly name: string;
    /** Tokens of each line, padding among them. */
    readonly length: number;
    /** The rows of each line, one after another; a line may have none. */
    readonly lines: readonly (readonly PackedRow[])[];
  }[];
}

const LINE = { height: 14, gap: 5 };
const BATCH_GAP = 12;
const NAMES = { least: 40, widest: 150 };
const TOP = TITLE_ROOM + LINE_ROOM + 8;

/**
 * Which rows share a line: a bar for each line, the rows in it one after another, thick where tokens are trained and
 * thin where they are only read; a dashed frame is padding.
 *
 * @example
 * const svg = packingPlot({
 *   title: 'Packed lines',
 *   subtitle: 'stage 1',
 *   batches: [{ name: 'step 1', length: 64, lines: [[{ name: 'a', runs: [{ tokens: 50, trained: true }] }]] }],
 * });
 */
export function packingPlot({ title, subtitle, batches }: PackingPlot): string {
  const longest = Math.max(1, ...batches.map(({ length }) => length));
  const widest = Math.max(0, ...batches.map(({ name }) => textWidth(name, 14)));
  const left = MARGIN + Math.max(NAMES.least, Math.min(NAMES.widest, widest)) + 10;
  const scale = (WIDTH - MARGIN - left) / longest;
  const drawn: string[] = [];
  let y = TOP;
  for (const { name, length, lines } of batches) {
    drawn.push(fittedText(MARGIN, y + LINE.height - 2, name, { width: left - MARGIN - 8 }));
    for (const rows of lines) {
      drawn.push(...drawLine(rows, length, { left, y, scale }));
      y += LINE.height + LINE.gap;
    }
    y += BATCH_GAP - LINE.gap;
  }
  return svgInline(
    { width: WIDTH, height: y + 38, title, description: describe(batches), kind: 'packing' },
    heading(title, [subtitle]),
    ...drawn,
    legend(y + 16),
  );
}

/** Trained tokens are thick and blue, others thin and grey. */
const part = (x: number, y: number, width: number, trained: boolean): string =>
  element('rect', {
    x,
    y: trained ? y : y + LINE.height / 2 - 2,
    width: Math.max(0.5, width),
    height: trained ? LINE.height : 4,
    fill: colour(trained ? 's-1' : 'muted'),
  });

const padding = (x: number, y: number, width: number): string =>
  element('rect', {
    x: x + 0.5,
    y: y + 1,
    width: Math.max(0.5, width - 1),
    height: LINE.height - 2,
    fill: 'none',
    stroke: colour('muted'),
    'stroke-dasharray': '3 3',
  });

const tokensOf = ({ runs }: PackedRow): number => runs.reduce((sum, { tokens }) => sum + tokens, 0);
const trainedOf = ({ runs }: PackedRow): number =>
  runs.reduce((n, { tokens, trained }) => n + (trained ? tokens : 0), 0);

function drawLine(
  rows: readonly PackedRow[],
  length: number,
  { left, y, scale }: { left: number; y: number; scale: number },
): string[] {
  let at = 0;
  const drawn = rows.map((row) => {
    const words = `row ${row.name}: ${tokensOf(row)} tokens, ${trainedOf(row)} trained`;
    const start = at;
    const parts = row.runs.map(({ tokens, trained }) => {
      const x = left + at * scale;
      at += tokens;
      // A gap between rows, so that each is seen to begin.
      return part(x, y, tokens * scale - (at === start + tokensOf(row) ? 1.5 : 0), trained);
    });
    return element('g', { 'data-value': words }, titleElement(words), ...parts);
  });
  const rest = length - at;
  return rest > 0 ? [...drawn, padding(left + at * scale, y, rest * scale)] : drawn;
}

function legend(y: number): string {
  const entries = [
    ['trained', (x: number) => part(x, y, 22, true)],
    ['only read', (x: number) => part(x, y, 22, false)],
    ['padding', (x: number) => padding(x, y, 22)],
  ] as const;
  let x = MARGIN;
  return entries
    .map(([name, mark]) => {
      const drawn = mark(x) + text(x + 30, y + 12, name, { fill: colour('muted') });
      x += 30 + textWidth(name, 14) + 24;
      return drawn;
    })
    .join('');
}

const describe = (batches: PackingPlot['batches']): string =>
  batches
    .map(({ name, length, lines }) => {
      const rows = lines.map((line) => `${line.length} ${line.length === 1 ? 'row' : 'rows'}`);
      return `${name}, lines of ${length} tokens: ${rows.join(', ')}.`;
    })
    .join(' ');
