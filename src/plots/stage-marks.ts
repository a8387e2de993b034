import { element, FONT_SIZE, text, titleElement, WIDTH } from './svg.js';
import { fitText, textWidth } from './text-width.js';
import { colour } from './theme.js';

/** A place along an axis with a name. */
interface PlacedMark {
  readonly place: number;
  readonly label: string;
}

/** Least width of a label that is worth showing. */
const LEAST = 24;

/**
 * Thin vertical lines with labels above them, each to the right of its line as far as the next one allows; a label that
 * has no room is only its line's `<title>`.
 */
export function stageMarks(
  marks: readonly PlacedMark[],
  { right, top, bottom }: { right: number; top: number; bottom: number },
): string {
  const sorted = marks.filter(({ place }) => Number.isFinite(place)).sort((a, b) => a.place - b.place);
  let taken = -Infinity;
  const drawn = sorted.map(({ place, label }, i) => {
    const end = sorted[i + 1]?.place ?? Math.max(right, Math.min(WIDTH - 8, place + textWidth(label, FONT_SIZE) + 12));
    const room = end - place - 10;
    // `stage 1: all rows` is `stage 1` where there is no room for more.
    const brief = label.split(':')[0]!;
    const best = textWidth(label, FONT_SIZE) > room && textWidth(brief, FONT_SIZE) <= room ? brief : label;
    const shown = place < taken ? '' : fitText(best, room, FONT_SIZE);
    const readable = shown === best || (room >= LEAST && shown.length > 2);
    if (readable) taken = place + 3 + textWidth(shown, FONT_SIZE) + 4;
    return element(
      'g',
      { 'data-value': label },
      titleElement(label),
      element('path', {
        d: `M${r(place)} ${r(top - 16)}V${r(bottom)}`,
        stroke: colour('muted'),
        'stroke-dasharray': '3 3',
      }),
      readable ? text(place + 4, top - 6, shown, { fill: colour('muted') }) : '',
    );
  });
  return drawn.join('');
}

const r = (value: number) => Math.round(value * 10) / 10;
