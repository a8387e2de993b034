import { axisBottom, axisLeft, linearAxis } from './axis.js';
import { element, line, STYLE, svgDocument, text } from './svg.js';

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
}

const SIZE = { width: 760, height: 430 };
const PLOT = { left: 78, right: 740, top: 98, bottom: 370 };

/** A histogram of scores, each bar stacked by stage, with a line where the stages meet and its score above it. */
export function drawHistogram({ edges, counts, openBelow, openAbove, cuts, stages }: HistogramData): string {
  const colours = coloursOf(stages.length);
  const highest = Math.max(...counts.map((bar) => bar.reduce((sum, n) => sum + n, 0)));
  const x = linearAxis([edges[0]!, edges.at(-1)!], [PLOT.left, PLOT.right], { rounded: false, count: 10 });
  const y = linearAxis([0, highest], [PLOT.bottom, PLOT.top]);
  const gap = Math.min(2, (x.placeOf(edges[1]!) - x.placeOf(edges[0]!)) / 5);
  const bars = counts.flatMap((bar, i) => {
    let below = 0;
    return bar.map((rows, stage) => {
      const [from, to] = [y.placeOf(below), y.placeOf(below + rows)];
      below += rows;
      const [left, right] = [x.placeOf(edges[i]!), x.placeOf(edges[i + 1]!)];
      return rows === 0
        ? ''
        : element('rect', {
            x: left + gap / 2,
            y: to,
            width: right - left - gap,
            height: from - to,
            fill: colours[stage],
          });
    });
  });
  const beyond = [
    openBelow && 'the first bar holds lower scores too',
    openAbove && 'the last bar holds higher scores too',
  ];
  const label = ['score', ...beyond.filter((note) => note !== false)].join('; ');
  return svgDocument(
    { ...SIZE, title: 'Rows by score and stage', description: `Cut at ${cuts.join(', ')}. ${stages.join('. ')}.` },
    axisLeft(y, { x: PLOT.left, label: 'rows', right: PLOT.right }),
    ...bars,
    axisBottom(x, { y: PLOT.bottom, label }),
    ...cuts.map((score, i) => cutLine(x.placeOf(Math.min(edges.at(-1)!, Math.max(edges[0]!, score))), score, i % 2)),
    ...legend(stages, colours),
  );
}

/** A colour for each stage, from light to dark, as distinct as possible. */
const coloursOf = (stages: number): string[] =>
  Array.from({ length: stages }, (_, i) => STYLE.stages[Math.round((i * (STYLE.stages.length - 1)) / (stages - 1))]!);

/** A line with its score above it; every other one is higher, so that near ones can be read. */
const cutLine = (x: number, score: number, higher: number): string =>
  line(x, PLOT.bottom, x, PLOT.top - 6 - 13 * higher, {
    stroke: STYLE.accent,
    'stroke-width': 1.5,
    'stroke-dasharray': '5 3',
  }) +
  text(x, PLOT.top - 11 - 13 * higher, String(Number(score.toPrecision(5))), {
    'text-anchor': 'middle',
    fill: STYLE.accent,
    'font-weight': 'bold',
  });

/** Entries above the plot, two a line. */
function legend(stages: readonly string[], colours: readonly string[]): string[] {
  const width = (PLOT.right - PLOT.left) / 2;
  return stages.map((label, i) => {
    const x = PLOT.left + (i % 2) * width;
    const y = 18 + Math.floor(i / 2) * 18;
    return element('rect', { x, y: y - 9, width: 11, height: 11, fill: colours[i] }) + text(x + 17, y + 1, label);
  });
}
