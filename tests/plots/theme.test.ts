import { describe, expect, it } from 'vitest';
import { svgFile, svgInline, text } from '../../src/plots/svg.js';
import { COLOURS, type ColourName, colour, plotStyle, SERIES, type Shade, seriesLook } from '../../src/plots/theme.js';

/** Relative luminance of WCAG 2.2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast ratio of WCAG 2.2. */
function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const shades: Readonly<Record<ColourName, Shade>> = COLOURS;
const names = Object.keys(COLOURS) as ColourName[];
const named = (pattern: RegExp) => names.filter((name) => pattern.test(name));

describe.each([
  ['light', '#ffffff'],
  ['dark', '#0d1117'],
] as const)('colours on %s paper', (theme, paper) => {
  it('are made for that paper', () => {
    expect(COLOURS.paper[theme]).toBe(paper);
    expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 10);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  });

  it.each(named(/^(ink|muted|accent)$/))('can be read: %s', (name) => {
    expect(contrast(shades[name][theme], paper)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(named(/^(s-\d|step-\d|bar)$/))('can be seen: %s', (name) => {
    expect(contrast(shades[name][theme], paper)).toBeGreaterThanOrEqual(3);
  });

  it.each(named(/^(low-\d|high-\d|even)$/))('let ink be read on them: %s', (name) => {
    expect(contrast(shades.ink[theme], shades[name][theme])).toBeGreaterThanOrEqual(4.5);
  });

  it('go from few to many in steps that are seen, away from the paper', () => {
    const steps = named(/^step-/).map((name) => contrast(shades[name][theme], paper));
    expect(steps).toHaveLength(6);
    for (const [i, step] of steps.slice(1).entries()) expect(step / steps[i]!).toBeGreaterThan(1.2);
  });
});

describe('looks of series', () => {
  it('can be distinguished without colour, sixteen of them', () => {
    const looks = Array.from({ length: 16 }, (_, i) => seriesLook(i));
    expect(new Set(looks.map(({ dash, marker, open }) => `${dash} ${marker} ${open}`))).toHaveLength(16);
    expect(new Set(looks.map(({ colour: name }) => name))).toHaveLength(4);
    expect(SERIES).toEqual(looks.slice(0, 4));
  });
});

describe('a page and a file', () => {
  const inline = svgInline(
    { width: 100, height: 50, title: 'a & b', description: 'c', kind: 'line' },
    text(1, 2, '<hostile>', { fill: colour('muted') }),
  );

  it('have the same colours: variables there, light ones with a dark rule each here', () => {
    expect(inline).toContain(`fill="var(--plot-muted)"`);
    const file = svgFile(inline);
    expect(file).not.toContain('var(');
    expect(file).toContain('fill="#59636e"');
    expect(file).toContain('@media screen and (prefers-color-scheme:dark){[fill="#ffffff"]{fill:#0d1117}');
    expect(file).toContain('[fill="#59636e"]{fill:#9198a1}');
    expect(file.match(/xmlns="http:\/\/www.w3.org\/2000\/svg"/g)).toHaveLength(1);
    expect(file).toMatch(/^<svg [^>]*><title>a &amp; b<\/title><desc>c<\/desc><style>/);
  });

  it('are of one theme: every variable in light, in dark, and each light colour with one dark colour only', () => {
    for (const name of names) expect(plotStyle.split(`--plot-${name}:`)).toHaveLength(3);
    const dark = new Map<string, string>();
    for (const name of names) {
      expect(dark.get(shades[name].light) ?? shades[name].dark, name).toBe(shades[name].dark);
      dark.set(shades[name].light, shades[name].dark);
    }
  });

  it('leave texts that look like their colours alone', () => {
    const hostile = text(0, 0, '" fill="var(--plot-none)', { 'data-series': 'var(--plot-ink)' });
    const file = svgFile(svgInline({ width: 1, height: 1, title: 'var(--plot-none)', kind: 'line' }, hostile));
    expect(file).toContain(hostile);
    expect(file).toContain('<title>var(--plot-none)</title>');
  });

  it('hide secrets', () => {
    expect(text(0, 0, 'https://me:password@host/')).toContain('https://[hidden]@host/');
  });
});
