import { areaData, axisBottom, axisLeft, axisRoom, linearAxis, scaleData } from './axis.js';
import { fittedText, heading, LINE_ROOM, TITLE_ROOM } from './heading.js';
import { withMinus } from './numbers.js';
import { element, FONT_SIZE, line, MARGIN, svgInline, text, titleElement, WIDTH } from './svg.js';
import { textWidth } from './text-width.js';
import { type ColourName, colour } from './theme.js';

/** Rows by score and stage, and the cuts between the stages. */
export interface HistogramData {
  /** Scores at the sides of the bars; one more than there are bars. */
  readonly edges: readonly number[];
  /** Of each bar the rows of each stage. */
  readonly counts: readonly (readonly number[])[];
  /** True where the first or the last bar holds the rows beyond it too. */
  readonly openBelow: boolean;
  readonly openAbove: boolean;
  /** The score of each cut, between stages 1 and 2 first. */
  readonly cuts: readonly number[];
  /** What the legend says of each stage. */
  readonly stages: readonly string[];
  /** What the bars are of, such as `length in tokens`. Default: score. */
  readonly measure?: string | undefined;
}

const HEIGHT = 250;
const RIGHT = WIDTH - 20;

/**
 * A histogram of scores, each bar stacked by stage, with a line where the stages meet and its score above it. Stages
 * are distinguished by their numbers between the lines too.
 *
 * @example
 * const svg = drawHistogram({
 *   edges: [1, 2, 3, 4],
 *   counts: [[10, 0], [5, 15], [0, 40]],
 *   openBelow: false,
 *   openAbove: false,
 *   cuts: [2.5],
 *   stages: ['stage 1: score 1 to 2.4', 'stage 2: score 2.5 to 4'],
 * });
 */
export function drawHistogram({
  edges,
  counts,
  openBelow,
  openAbove,
  cuts,
  stages,
  measure = 'score',
}: HistogramData): string {
  const title = `Rows by ${measure} and stage`;
  const colours = coloursOf(stages.length);
  const [lowest, last] = [edges[0]!, edges.at(-1)!];
  const highest = Math.max(...counts.map((bar) => bar.reduce((sum, n) => sum + n, 0)));
  const columns = stages.some((stage) => textWidth(stage, FONT_SIZE) > WIDTH / 2 - 40) ? 1 : 2;
  const top = TITLE_ROOM + Math.ceil(stages.length / columns) * LINE_ROOM + (cuts.length > 0 ? 80 : 36);
  const bottom = top + HEIGHT;
  const y = linearAxis([0, highest], [bottom, top]);
  const left = MARGIN + axisRoom(y);
  const x = linearAxis([lowest, last], [left, RIGHT], { rounded: false, count: 10 });
  const places = cuts.map((score) => x.placeOf(Math.min(last, Math.max(lowest, score))));
  return svgInline(
    {
      width: WIDTH,
      height: bottom + 52,
      title,
      description: `${cuts.length > 0 ? `Cut at ${cuts.join(', ')}. ` : ''}${stages.join('. ')}.`,
      kind: 'histogram',
      data: { 'data-x': scaleData(x), 'data-y': scaleData(y), 'data-area': areaData([left, top, RIGHT, bottom]) },
    },
    heading(title),
    legend(stages, colours, columns),
    axisLeft(y, { x: left, label: 'rows', right: RIGHT, above: cuts.length > 0 ? 48 : 0 }),
    bars({ edges, counts, stages }, colours, x.placeOf, y.placeOf),
    axisBottom(x, { y: bottom, label: measure + beyond(openBelow, openAbove) }),
    ...places.map((place, i) => cutLine(place, cuts[i]!, [top - 22 - 15 * (i % 2), bottom])),
    cuts.length > 0 ? stageNumbers([left, ...places, RIGHT], top - 6) : '',
  );
}

function beyond(openBelow: boolean, openAbove: boolean): string {
  if (openBelow && openAbove) return '; the outer bars hold lower and higher ones too';
  if (openBelow) return '; the first bar holds lower ones too';
  return openAbove ? '; the last bar holds higher ones too' : '';
}

/** A colour for each stage, the more apart from the paper the harder it is. */
const coloursOf = (stages: number): string[] =>
  Array.from({ length: stages }, (_, i) =>
    colour(`step-${1 + Math.round((i * 5) / Math.max(1, stages - 1))}` as ColourName),
  );

function bars(
  { edges, counts, stages }: Pick<HistogramData, 'edges' | 'counts' | 'stages'>,
  colours: readonly string[],
  placeX: (value: number) => number,
  placeY: (value: number) => number,
): string {
  const gap = Math.min(2, (placeX(edges[1]!) - placeX(edges[0]!)) / 5);
  const drawn = counts.flatMap((bar, i) => {
    let below = 0;
    return bar.map((rows, stage) => {
      const [from, to] = [placeY(below), placeY(below + rows)];
      below += rows;
      if (rows === 0) return '';
      const [left, right] = [placeX(edges[i]!), placeX(edges[i + 1]!)];
      const place = { x: left + gap / 2, y: to, width: right - left - gap, height: from - to };
      const words = `${plain(edges[i]!)} to ${plain(edges[i + 1]!)}, ${stages[stage]}: ${rows}`;
      return element('rect', { ...place, fill: colours[stage] }, titleElement(words));
    });
  });
  // A rim in the colour of the paper parts the stages of a bar.
  return element('g', { stroke: colour('paper'), 'stroke-width': 0.75 }, ...drawn);
}

const plain = (value: number) => withMinus(String(Number(value.toPrecision(5))));

/** A line with its score above it; every other one is higher, so that near ones can be read. */
const cutLine = (x: number, score: number, [top, bottom]: readonly [number, number]): string =>
  line(x, bottom, x, top, { stroke: colour('accent'), 'stroke-width': 1.5, 'stroke-dasharray': '5 3' }) +
  text(x, top - 4, plain(score), { 'text-anchor': 'middle', fill: colour('accent'), 'font-weight': 600 });

/** The number of each stage between its two ends, where there is room. */
function stageNumbers(ends: readonly number[], y: number): string {
  const drawn = ends.slice(1).map((to, i) => {
    const from = ends[i]!;
    return to - from < 14 ? '' : text((from + to) / 2, y, String(i + 1), { 'font-weight': 600 });
  });
  return element('g', { 'text-anchor': 'middle' }, ...drawn);
}

function legend(stages: readonly string[], colours: readonly string[], columns: number): string {
  const width = (WIDTH - 2 * MARGIN) / columns;
  return stages
    .map((stage, i) => {
      const [x, y] = [MARGIN + (i % columns) * width, TITLE_ROOM + 14 + Math.floor(i / columns) * LINE_ROOM];
      const sample = element('rect', { x, y: y - 11, width: 12, height: 12, fill: colours[i] });
      return sample + fittedText(x + 19, y, stage, { width: width - 26 });
    })
    .join('');
}
