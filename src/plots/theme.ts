/** A colour on white paper and on dark paper. */
export interface Shade {
  readonly light: string;
  readonly dark: string;
}

const both = (colour: string): Shade => ({ light: colour, dark: colour });

/**
 * Every colour of every picture, by the name of its variable after `plot-`. On both papers text in
 * `ink`, `muted` and `accent` has a contrast of at least 4.5, and lines, markers and bars have one
 * of at least 3; `grid` is decoration. No two names share a light colour unless they share the dark
 * one too, since a file finds the dark one by the light one.
 */
export const COLOURS = {
  paper: { light: '#ffffff', dark: '#0d1117' },
  ink: { light: '#1f2328', dark: '#e6edf3' },
  muted: { light: '#59636e', dark: '#9198a1' },
  grid: { light: '#e3e7ec', dark: '#262c36' },
  bar: both('#4f8fd1'),
  accent: { light: '#c2410c', dark: '#ff9a70' },
  // Four of Okabe and Ito's eight colours, those that hold on white and on dark: blue, vermillion, green, purple.
  's-1': both('#0072b2'),
  's-2': both('#d55e00'),
  's-3': both('#009e73'),
  's-4': both('#cc79a7'),
  // Easy to hard, few to many: more and more apart from the paper.
  'step-1': { light: '#5a8fd0', dark: '#3d73b8' },
  'step-2': { light: '#447bc0', dark: '#5388ca' },
  'step-3': { light: '#3266aa', dark: '#6f9fd9' },
  'step-4': { light: '#225192', dark: '#90b8e6' },
  'step-5': { light: '#153d78', dark: '#b4d2f1' },
  'step-6': { light: '#0b2a59', dark: '#dbeafa' },
  // Grounds of cells, from far below to far above; ink can be read on each.
  'low-4': { light: '#6aa5e8', dark: '#1f5fae' },
  'low-3': { light: '#8fbcf0', dark: '#164c8d' },
  'low-2': { light: '#b6d4f7', dark: '#123a6b' },
  'low-1': { light: '#dbeafe', dark: '#10294a' },
  even: { light: '#f3f5f7', dark: '#1b2129' },
  'high-1': { light: '#fde7d8', dark: '#3a1f10' },
  'high-2': { light: '#fbcba8', dark: '#5a2c12' },
  'high-3': { light: '#f5ab79', dark: '#7a3a14' },
  'high-4': { light: '#ec8a50', dark: '#974a1a' },
} as const satisfies Readonly<Record<string, Shade>>;

/** Name of a colour of the theme. */
export type ColourName = keyof typeof COLOURS;

/** What the names of variables begin with. */
const PREFIX = 'plot-';
/** An attribute with a variable; texts cannot look so, since their quotation marks are escaped. */
const VARIABLE = new RegExp(String.raw`\b(fill|stroke)="var\(--${PREFIX}([\w-]+)\)"`, 'g');

/** A colour as the pictures use it: a variable that {@link plotStyle} gives its value. */
export const colour = (name: ColourName): string => `var(--${PREFIX}${name})`;

/** The picture with the colours themselves in place of their variables, as `shown` gives them. */
export const withColours = (picture: string, shown: (name: ColourName) => string): string =>
  picture.replace(VARIABLE, (_, key: string, name: ColourName) => `${key}="${shown(name)}"`);

/** Shape that stands at points of a series. */
export type Marker = 'circle' | 'square' | 'triangle' | 'diamond';

/** How a series looks: distinguished by colour, and by dash and marker where colour cannot be seen. */
export interface SeriesLook {
  readonly colour: string;
  /** Lengths of dashes and gaps; absent: a line without gaps. */
  readonly dash?: string;
  readonly marker: Marker;
  /** Markers with the paper's colour inside. */
  readonly open: boolean;
}

const DASHES = [undefined, '9 4', '2 4', '10 4 2 4'] as const;
const MARKERS = ['circle', 'square', 'triangle', 'diamond'] as const;

/**
 * The look of a series, by number from 0: one of four colours, each with its dash and marker. Later ones repeat the
 * colours with the next dash and with open markers, so that sixteen differ in dash and marker alone.
 *
 * @example
 * const { colour, dash, marker } = seriesLook(1); // vermillion, dashed, squares
 */
export function seriesLook(index: number): SeriesLook {
  const [within, round] = [index % 4, Math.floor(index / 4)];
  const dash = DASHES[(within + round) % 4];
  return {
    colour: colour(`s-${within + 1}` as ColourName),
    ...(dash === undefined ? {} : { dash }),
    marker: MARKERS[within]!,
    open: round % 2 === 1,
  };
}

/** The looks of the first four series. */
export const SERIES: readonly SeriesLook[] = [0, 1, 2, 3].map(seriesLook);

/** Fonts of every picture. */
export const FONT =
  'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", sans-serif';

const variables = (theme: keyof Shade): string =>
  Object.entries(COLOURS)
    .map(([name, shade]) => `--${PREFIX}${name}:${shade[theme]}`)
    .join(';');

/**
 * CSS for a page that holds pictures: the colours on white, on dark where the reader prefers that,
 * on white again in print, and pictures never wider than their column. The ground that the colours
 * are made for is `var(--plot-paper)`.
 */
export const plotStyle = `:root{${variables('light')}}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}
svg.plot{max-width:100%;height:auto;font-family:${FONT}}
@media print{svg.plot{break-inside:avoid}}
`;
