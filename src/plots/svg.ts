/**
 * Parts of pictures, and the two ways out: {@link svgInline} for a page, {@link svgFile} for a file.
 *
 * Pictures have no ids, no script and no style attribute, so that many fit on one page under a strict content security
 * policy. What a page's script may use:
 *
 * - `<svg class="plot" data-plot="line">`: the kind of picture.
 * - `data-x="v0 p0 v1 p1 linear"` on it: along the x axis, value `v0` is at place `p0` and `v1` at `p1`, in units of
 *   the viewBox, on a `linear` or `log` scale; `data-y` the same for y; `data-area="left top right bottom"` is where
 *   values are drawn.
 * - `<g data-series="name">`: all of a series, its label at the end included; hide it to switch the series off.
 * - `<path data-curve>` in it: the line, as absolute `M` and relative `l` commands; each vertex is a point of the data.
 * - `<g data-value="…">`: a mark, with its values in words, which are its `<title>` too.
 */
import { hide } from '../telemetry/redact.js';
import { COLOURS, type ColourName, colour, FONT, withColours } from './theme.js';

/** Attributes of an element; those that are undefined are left out, numbers are written with at most two decimals. */
export type SvgAttributes = Readonly<Record<string, string | number | undefined>>;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Text as it may be shown: without secrets, and with what cannot be seen written out, such as control characters and
 * marks that turn the direction of text.
 */
export const printable = (text: string): string =>
  hide(text).replace(/[^\t\n\r\P{C}]|[\u2028\u2029]/gu, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`);

/** Text fit for SVG: {@link printable}, with markup escaped. */
export const escapeXml = (text: string): string => printable(text).replace(/[&<>"]/g, (mark) => ESCAPES[mark]!);

/** A number with at most two decimals. */
export const rounded = (value: number): number => Math.round(value * 100) / 100 + 0;

/** Longest name or description in a picture that is not written in it; a row of a million characters is no name. */
const LONGEST = { name: 400, description: 4000 };

/** Secrets are hidden before they could be cut in two. */
const cut = (content: string, most: number): string =>
  content.length > most ? `${printable(content).slice(0, most)}…` : content;

const shown = (key: string, value: string | number): string => {
  if (typeof value === 'number') return String(rounded(value));
  return escapeXml(key.startsWith('data-') ? cut(value, LONGEST.name) : value);
};

/** The words that a part of a picture is explained with, where a pointer is on it. */
export const titleElement = (words: string): string => element('title', {}, escapeXml(cut(words, LONGEST.name)));

/** One SVG element. Children are SVG already: text goes through {@link text} or {@link escapeXml}. */
export function element(name: string, attributes: SvgAttributes, ...children: readonly string[]): string {
  const pairs = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${shown(key, value)}"`],
  );
  return children.length > 0
    ? `<${name}${pairs.join('')}>${children.join('')}</${name}>`
    : `<${name}${pairs.join('')}/>`;
}

/** Height of text in units of the picture: at least 9 pixels where a picture 560 wide is shown on 368. */
export const FONT_SIZE = 14;
/** Height of titles. */
export const TITLE_SIZE = 16;
/** Width of pictures. */
export const WIDTH = 560;
/** Least space between a picture's edge and what is in it. */
export const MARGIN = 12;

/** A line of text at a place, {@link FONT_SIZE} high and in ink unless the attributes say otherwise. */
export const text = (x: number, y: number, content: string, attributes: SvgAttributes = {}): string =>
  element('text', { x, y, ...attributes }, escapeXml(content));

/** A straight line, thin and grey unless the attributes say otherwise. */
export const line = (x1: number, y1: number, x2: number, y2: number, attributes: SvgAttributes = {}): string =>
  element('line', { x1, y1, x2, y2, stroke: colour('grid'), ...attributes });

/** What a picture is. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** What it is called, and what there is to see, for those who hear it read. */
  readonly title: string;
  readonly description?: string | undefined;
  /** The kind of picture, for a page's script. */
  readonly kind: string;
  /** More attributes for a page's script. */
  readonly data?: SvgAttributes | undefined;
}

/** A picture for a page that has the colours of `plotStyle`; on its own it has none, see {@link svgFile}. */
export function svgInline(
  { width, height, title, description, kind, data }: Picture,
  ...children: readonly string[]
): string {
  const about = [
    titleElement(title),
    ...(description ? [element('desc', {}, escapeXml(cut(description, LONGEST.description)))] : []),
  ];
  const attributes = {
    class: 'plot',
    viewBox: `0 0 ${rounded(width)} ${rounded(height)}`,
    width,
    height,
    role: 'img',
    fill: colour('ink'),
    'font-size': FONT_SIZE,
    'data-plot': kind,
    ...data,
  };
  return element('svg', attributes, ...about, ...children);
}

/**
 * A picture of {@link svgInline} as a file: on paper, light or dark as the reader prefers, also as an `<img>`. Its
 * attributes hold the light colours, for programs that know no style sheets; a `<style>` turns each into the dark one.
 *
 * @example
 * await writeFile('loss.svg', svgFile(linePlot({ title: 'Loss', label: 'nats', xLabel: 'step', series })));
 */
export function svgFile(inline: string): string {
  const used = new Set<ColourName>(['paper']);
  const light = withColours(inline, (name) => {
    used.add(name);
    return COLOURS[name].light;
  });
  const rules = [...used].flatMap((name) => {
    const shade: { light: string; dark: string } = COLOURS[name];
    const rule = (key: string) => `[${key}="${shade.light}"]{${key}:${shade.dark}}`;
    return shade.light === shade.dark ? [] : [rule('fill'), rule('stroke')];
  });
  const style = element('style', {}, `@media screen and (prefers-color-scheme:dark){${rules.join('')}}`);
  const paper = element('rect', { width: '100%', height: '100%', fill: COLOURS.paper.light });
  const root = `<svg xmlns="http://www.w3.org/2000/svg" font-family="${escapeXml(FONT)}" `;
  return `${light.replace('<svg ', root).replace(/(<\/title>(?:<desc>[^<]*<\/desc>)?)/, `$1${style}${paper}`)}\n`;
}
