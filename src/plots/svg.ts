/** Colours and type of every picture: dark text on white, a grid in the background, stages from light to dark. */
export const STYLE = {
  font: 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", sans-serif',
  ink: '#1f2328',
  muted: '#59636e',
  grid: '#e3e7ec',
  bar: '#6b9bd1',
  accent: '#c2410c',
  /** Easy to hard, for 2 to 6 stages; distinct in grey and for the colour-blind too. */
  stages: ['#bfdbf7', '#85b6e8', '#4f8fd0', '#2b6cb0', '#1b4d89', '#0c2f5e'],
} as const;

/** Attributes of an element; those that are undefined are left out, numbers are written with at most two decimals. */
export type SvgAttributes = Readonly<Record<string, string | number | undefined>>;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text fit for SVG: markup is escaped, control characters that XML forbids are left out. */
export const escapeXml = (text: string): string =>
  text.replace(/[^\t\n\r\P{Cc}]/gu, '').replace(/[&<>"]/g, (mark) => ESCAPES[mark]!);

const shown = (value: string | number) =>
  typeof value === 'number' ? String(Math.round(value * 100) / 100) : escapeXml(value);

/** One SVG element. Children are SVG already: text goes through {@link text} or {@link escapeXml}. */
export function element(name: string, attributes: SvgAttributes, ...children: readonly string[]): string {
  const pairs = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${shown(value)}"`],
  );
  return children.length > 0
    ? `<${name}${pairs.join('')}>${children.join('')}</${name}>`
    : `<${name}${pairs.join('')}/>`;
}

/** A line of text at a place, 12 pixels high and in ink unless the attributes say otherwise. */
export const text = (x: number, y: number, content: string, attributes: SvgAttributes = {}): string =>
  element('text', { x, y, 'font-size': 12, fill: STYLE.ink, ...attributes }, escapeXml(content));

/** A straight line, thin and grey unless the attributes say otherwise. */
export const line = (x1: number, y1: number, x2: number, y2: number, attributes: SvgAttributes = {}): string =>
  element('line', { x1, y1, x2, y2, stroke: STYLE.grid, 'stroke-width': 1, ...attributes });

/** A whole picture of some pixels on white; the title and the description are for those who hear it read. */
export function svgDocument(
  { width, height, title, description }: { width: number; height: number; title: string; description?: string },
  ...children: readonly string[]
): string {
  const about = [
    element('title', {}, escapeXml(title)),
    ...(description ? [element('desc', {}, escapeXml(description))] : []),
  ];
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'font-family': STYLE.font,
  };
  const paper = element('rect', { width, height, fill: '#ffffff' });
  return `${element('svg', attributes, ...about, paper, ...children)}\n`;
}
