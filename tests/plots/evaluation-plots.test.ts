import { describe, expect, it } from 'vitest';
import { type DrawnInterval, intervalPlot } from '../../src/plots/interval-plot.js';
import { lengthPlot } from '../../src/plots/length-plot.js';
import { elements, pathPoints, withAttribute } from './picture.js';

/** Numbers of an attribute of all elements of a kind. */
const numbersOf = (svg: string, element: string, attribute: string): number[] =>
  [...svg.matchAll(new RegExp(`<${element}[^>]* ${attribute}="([^"]+)"`, 'g'))].map(([, value]) => Number(value));

const interval = (name: string, value: number | null, half = 5): DrawnInterval => ({
  name,
  value,
  low: value === null ? null : value - half,
  high: value === null ? null : value + half,
  look: 'open',
});

const rates = (...intervals: DrawnInterval[]) =>
  intervalPlot({ title: 'Win rates', subtitle: 'a & b', label: 'win rate, %', groups: [{ intervals }] });

describe('rates with intervals', () => {
  it('have their dots on one scale, below each other, and 50 in its place', () => {
    const svg = rates(interval('half', 50), interval('more', 60), interval('most', 70));
    const [first, second, third] = numbersOf(svg, 'circle', 'cx') as [number, number, number];
    expect(second - first).toBeCloseTo(third - second, 1);
    expect(second).toBeGreaterThan(first);
    const heights = numbersOf(svg, 'circle', 'cy');
    expect(heights).toEqual(heights.toSorted((a, b) => a - b));
    // The line at 50 is drawn through the dot that is there.
    expect(svg).toContain(`x1="${first}"`);
    expect(svg).toContain('>60.0</text>');
    expect(svg).toContain('>55.0–65.0</text>');
  });

  it('stay within the picture, whatever they are', () => {
    const svg = rates(interval('none', 0, 0), interval('all', 100, 0), interval('wide', 50, 50));
    const width = Number(/viewBox="0 0 (\d+)/.exec(svg)![1]);
    for (const x of [
      ...numbersOf(svg, 'circle', 'cx'),
      ...numbersOf(svg, 'line', 'x1'),
      ...numbersOf(svg, 'line', 'x2'),
    ]) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(width);
    }
  });

  it('say so where there is no verdict, in the picture and to those who hear it', () => {
    const svg = rates(interval('missing', null), interval('one', 50));
    expect(numbersOf(svg, 'circle', 'cx')).toHaveLength(1);
    expect(svg).toContain('>no verdict</text>');
    expect(svg).toContain('missing: no verdict. one: 50.0, 45.0 to 55.0.');
  });

  it('escape names and cut long ones', () => {
    const svg = rates(interval('<b>&"', 50), interval('a name that does not fit beside the plot', 50));
    elements(svg);
    expect(svg).toContain('&lt;b&gt;&amp;&quot;');
    expect(svg).toMatch(
      /<title>a name that does not fit beside the plot<\/title><text[^>]*>a name that…?[^<]*…<\/text>/,
    );
  });

  it('are filled only where they are sure, and dotted where they answer nothing', () => {
    const svg = rates({ ...interval('sure', 70), look: 'sure' }, { ...interval('faint', 50), look: 'faint' });
    const fills = [...svg.matchAll(/<circle[^>]* fill="([^"]+)"/g)].map(([, fill]) => fill);
    expect(fills[0]).not.toBe('var(--plot-paper)');
    expect(fills[1]).toBe('var(--plot-paper)');
    expect(svg.match(/stroke-dasharray="1 6"/g)).toHaveLength(1);
  });
});

describe('length against verdict', () => {
  const pairs = Array.from({ length: 96 }, (_, i) => ({ longerBy: i - 48, score: i < 48 ? 25 : 75 }));
  const draw = (given: Partial<Parameters<typeof lengthPlot>[0]> = {}) =>
    lengthPlot({ title: 'Length', subtitle: 's', label: 'characters', pairs, ...given });

  it('has a dot for each twelfth of the pairs at its mean, and a tick for each pair', () => {
    const svg = draw();
    const [xs, ys] = [numbersOf(svg, 'circle', 'cx'), numbersOf(svg, 'circle', 'cy')];
    expect(xs).toHaveLength(12);
    expect(xs).toEqual(xs.toSorted((a, b) => a - b));
    expect(new Set(ys)).toHaveLength(2);
    expect(ys[0]!).toBeGreaterThan(ys[11]!);
    // Each pair is at a whole place.
    expect(
      withAttribute(svg, 'path', 'stroke-opacity').flatMap(({ attributes }) => pathPoints(attributes.d!)),
    ).toHaveLength(96);
    expect(svg).toContain('dots: mean of 8 pairs<');
    expect(svg).not.toContain('<polyline');
  });

  it('has the fitted curve through the point that the fit says', () => {
    const svg = draw({ fitted: () => 50 });
    const points = /points="([^"]+)"/
      .exec(svg)![1]!
      .split(' ')
      .map((point) => point.split(',').map(Number));
    const at50 = [...svg.matchAll(/<line[^>]* y1="([\d.]+)"[^>]* stroke="var\(--plot-ink\)"/g)].map(([, y]) =>
      Number(y),
    )[0]!;
    for (const [, y] of points) expect(y).toBeCloseTo(at50, 0);
  });

  it.each([
    ['one pair', [{ longerBy: 7, score: 100 }]],
    ['equal lengths', Array.from({ length: 20 }, () => ({ longerBy: 0, score: 50 }))],
    ['one far away', [...pairs, { longerBy: 1e6, score: 100 }]],
  ])('holds with %s', (_, given) => {
    const svg = draw({ pairs: given });
    expect(svg).not.toMatch(/NaN|Infinity/);
    for (const x of numbersOf(svg, 'circle', 'cx')) {
      expect(x).toBeGreaterThanOrEqual(72);
      expect(x).toBeLessThanOrEqual(540);
    }
  });
});
