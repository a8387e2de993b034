import { element, FONT_SIZE, MARGIN, TITLE_SIZE, text, titleElement, WIDTH } from './svg.js';
import { fitText } from './text-width.js';
import { colour } from './theme.js';

/** Height of a title without lines below it. */
export const TITLE_ROOM = 34;
/** Height of each line below a title. */
export const LINE_ROOM = 20;

/** A picture's title at its top, and lines in a quieter colour below it, each cut where it does not fit. */
export function heading(title: string, lines: readonly string[] = [], width = WIDTH): string {
  const room = width - 2 * MARGIN;
  return [
    text(MARGIN, 24, fitText(title, room, TITLE_SIZE, true), { 'font-size': TITLE_SIZE, 'font-weight': 600 }),
    ...lines.map((content, i) =>
      text(MARGIN, 24 + LINE_ROOM * (i + 1), fitText(content, room, FONT_SIZE), { fill: colour('muted') }),
    ),
  ].join('');
}

/** A text that fits into a width, or `shown` in its place, with the whole of it as `<title>` where that is not all. */
export function fittedText(
  x: number,
  y: number,
  content: string,
  {
    width,
    bold = false,
    shown = fitText(content, width, FONT_SIZE, bold),
    ...attributes
  }: {
    width: number;
    bold?: boolean;
    shown?: string | undefined;
    [name: string]: string | number | boolean | undefined;
  },
): string {
  const weight = bold ? { 'font-weight': 600 } : {};
  const drawn = text(x, y, shown, { ...(attributes as Record<string, string | number>), ...weight });
  return shown === content ? drawn : element('g', {}, titleElement(content), drawn);
}
