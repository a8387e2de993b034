import { fittedText } from './heading.js';
import { markers } from './marker.js';
import { FONT_SIZE, line } from './svg.js';
import { fitNames, textWidth } from './text-width.js';
import { colour, type SeriesLook } from './theme.js';

/** Least distance of labels below each other. */
const LINE = FONT_SIZE + 4;
/** Length of the sample of a line before its name. */
const SAMPLE = 26;
/** From a line's end to its label. */
const LEADER = 14;
/** Widest name; longer ones are cut. */
const WIDEST = 132;

/** Room that labels with these names need to the right of a plot. */
export const labelRoom = (names: readonly string[]): number =>
  LEADER + SAMPLE + 6 + Math.min(WIDEST, Math.max(0, ...names.map((name) => textWidth(name, FONT_SIZE)))) + 6;

/** Room that so many labels need below each other. */
export const labelHeight = (count: number): number => count * LINE;

/**
 * Places as near as can be to those wished, in the same order, at least {@link LINE} apart, and between `top` and
 * `bottom` where there is room.
 */
export function spreadApart(wished: readonly number[], [top, bottom]: readonly [number, number]): number[] {
  const order = wished.map((_, i) => i).sort((a, b) => wished[a]! - wished[b]! || a - b);
  // Groups of labels that touch each other, each centred on the mean of what its members wish.
  const groups: { members: number[]; sum: number }[] = [];
  const span = ({ members, sum }: { members: number[]; sum: number }) => {
    const height = (members.length - 1) * LINE;
    const from = sum / members.length - height / 2;
    return Math.max(top, Math.min(bottom - height, from));
  };
  for (const i of order) {
    let group = { members: [i], sum: wished[i]! };
    for (let above = groups.at(-1); above; above = groups.at(-1)) {
      if (span(above) + above.members.length * LINE <= span(group)) break;
      groups.pop();
      group = { members: [...above.members, ...group.members], sum: above.sum + group.sum };
    }
    groups.push(group);
  }
  const places = new Array<number>(wished.length);
  for (const group of groups) {
    const from = span(group);
    for (const [k, i] of group.members.entries()) places[i] = from + k * LINE;
  }
  return places;
}

/** A label to be written at the end of a line. */
export interface EndLabel {
  readonly name: string;
  readonly look: SeriesLook;
  /** Where the line ends; absent where nothing is drawn of it. */
  readonly end?: readonly [x: number, y: number] | undefined;
  /** Whether the line has markers. Default: true. */
  readonly marked?: boolean | undefined;
}

/**
 * Labels of lines to the right of a plot, in the order of the lines' ends and apart from each other: a sample of the
 * line with its marker, then the name in ink, since colours of lines are too light for text.
 */
export function endLabels(labels: readonly EndLabel[], area: { right: number; top: number; bottom: number }): string[] {
  const wished = labels.map(({ end }) => end?.[1] ?? area.bottom);
  const places = spreadApart(wished, [area.top + 4, Math.max(area.bottom - 4, area.top + labelHeight(labels.length))]);
  const names = fitNames(
    labels.map(({ name }) => name),
    WIDEST,
    FONT_SIZE,
  );
  return labels.map(({ name, look, end, marked = true }, i) => {
    const [y, x] = [places[i]!, area.right + LEADER];
    const sample = { stroke: look.colour, 'stroke-width': 2, 'stroke-dasharray': look.dash };
    return [
      end ? line(end[0] + 5, end[1], x - 2, y, { stroke: look.colour, 'stroke-opacity': 0.5 }) : '',
      line(x, y, x + SAMPLE, y, sample),
      marked ? markers(look, [[x + SAMPLE / 2, y]]) : '',
      fittedText(x + SAMPLE + 6, y + 5, name, {
        width: WIDEST,
        shown: names[i],
        fill: end ? undefined : colour('muted'),
      }),
    ].join('');
  });
}
