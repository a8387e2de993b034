import { printable } from './svg.js';

/**
 * Widths of glyphs in thousandths of the font's size: those of DejaVu Sans, the widest of the usual fonts, so that a
 * text is rarely wider than it is taken to be.
 */
const GLYPHS: readonly (readonly [width: number, glyphs: string])[] = [
  [295, "'ijlIJ"],
  [318, ' ,.·'],
  [337, '/:;\\|'],
  [361, 'f-'],
  [411, '()[]t!r'],
  [460, '"'],
  [500, '*_`°–'],
  [550, 'szc?ç'],
  [579, 'LFk'],
  [615, 'vxyPTYoöøaåeéë'],
  [636, 'ßEhnuüñSbdgpq$0123456789{}'],
  [656, 'K'],
  [698, 'AVÄXZBRC'],
  [752, 'UÜNH'],
  [787, 'DG&OQÖ'],
  [838, 'w#+<=>^~×−±←→≤≥'],
  [863, 'M'],
  [1000, '%mW@—…'],
];

const WIDTHS = new Map(GLYPHS.flatMap(([width, glyphs]) => [...glyphs].map((glyph) => [glyph, width] as const)));
/** Of a glyph that is not listed: letters with marks are as wide as most, scripts of full width are wide. */
const OTHER = 700;
const WIDE = 1050;

/** About how wide a text is, in the unit of the font's size; bold is about a seventh wider. */
export function textWidth(content: string, size: number, bold = false): number {
  let sum = 0;
  for (const glyph of content) sum += WIDTHS.get(glyph) ?? (glyph.codePointAt(0)! >= 0x1100 ? WIDE : OTHER);
  return ((sum * size) / 1000) * (bold ? 1.15 : 1);
}

/** Longest text that is measured: one of a million characters costs no more than a short one. */
const LONGEST = 400;

/** The text as it is {@link printable}, or as much of its beginning as fits into the width, with an ellipsis. */
export function fitText(content: string, width: number, size: number, bold = false): string {
  const whole = printable(content.slice(0, LONGEST));
  if (content.length <= LONGEST && textWidth(whole, size, bold) <= width) return whole;
  const glyphs = [...whole];
  while (glyphs.length > 0 && textWidth(`${glyphs.join('')}…`, size, bold) > width) glyphs.pop();
  return `${glyphs.join('').trimEnd()}…`;
}

/** Places in a name after each mark between words of the beginning that it shares with others, and after none. */
function wordStarts(name: string, others: readonly string[]): number[] {
  let shared = 0;
  while (shared < name.length && others.every((other) => other[shared] === name[shared])) shared += 1;
  return [...name.slice(0, shared).matchAll(/[\s/_.:-]/g)].map(({ index }) => index + 1);
}

/**
 * Names that stand beside each other, each cut at its end where it does not fit. Those that would look the same then,
 * such as names of models from one house, are without words of the beginning that they share.
 */
export function fitNames(names: readonly string[], width: number, size: number, bold = false): string[] {
  const fitted = names.map((name) => fitText(name, width, size, bold));
  return fitted.map((shown, i) => {
    const name = names[i]!.slice(0, LONGEST);
    const same = names.filter((other, k) => fitted[k] === shown && other !== names[i]);
    const starts = same.length > 0 ? wordStarts(name, same) : [];
    if (starts.length === 0) return shown;
    const whole = starts.find((start) => textWidth(`…${name.slice(start)}`, size, bold) <= width);
    return fitText(`…${name.slice(whole ?? starts.at(-1))}`, width, size, bold);
  });
}
