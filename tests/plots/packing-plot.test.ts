import { describe, expect, it } from 'vitest';
import { type PackingPlot, packingPlot } from '../../src/plots/packing-plot.js';
import { elements } from './picture.js';

const row = (name: string, ...runs: number[]) => ({
  name,
  runs: runs.map((tokens, i) => ({ tokens, trained: i % 2 === 1 })),
});

const batches: PackingPlot['batches'] = [
  { name: 'step 1', length: 100, lines: [[row('a', 20, 30), row('b', 10, 40)], [row('c', 50, 25)], []] },
  { name: 'step 2', length: 40, lines: [[row('d', 10, 10, 10, 10)]] },
];

const draw = (given: Partial<PackingPlot> = {}) =>
  packingPlot({ title: 'Lines', subtitle: 'stage 1', batches, ...given });

/** The bars of each row, and frames of padding: where they are and how wide. */
const rectangles = (svg: string) =>
  elements(svg)
    .filter(({ name }) => name === 'rect')
    .map(({ attributes }) => ({
      x: Number(attributes.x),
      y: Number(attributes.y),
      width: Number(attributes.width),
      height: Number(attributes.height),
      padding: attributes.fill === 'none',
    }))
    // The last three are the legend.
    .slice(0, -3);

describe('packingPlot', () => {
  it('draws runs as wide as they have tokens, rows one after another, and the rest of a line as padding', () => {
    const drawn = rectangles(draw());
    const scale = drawn[0]!.width / 20;
    // Rounded to two decimals; a row ends 1.5 earlier, so that the next is seen to begin, and a frame has half a line.
    const tokens = drawn.map(({ width, padding }) => (padding ? (width + 1) / scale : width / scale));
    const gap = 1.5 / scale;
    const expected = [20, 30 - gap, 10, 40 - gap, 50, 25 - gap, 25, 100, 10, 10, 10, 10 - gap];
    for (const [i, value] of expected.entries()) expect(tokens[i]!, `${i}`).toBeCloseTo(value, 1);
    expect(drawn.map(({ padding }) => padding).flatMap((is, i) => (is ? [i] : []))).toEqual([6, 7]);
    const ends = (i: number) => drawn[i]!.x + drawn[i]!.width;
    expect(drawn[2]!.x).toBeCloseTo(ends(1) + 1.5, 1);
    expect(new Set(drawn.slice(0, 4).map(({ y, height }) => y + height / 2)).size).toBe(1);
  });

  it('tells trained tokens from others without colour: they are thicker', () => {
    const [read, trained] = rectangles(draw());
    expect(trained!.height).toBeGreaterThan(2 * read!.height);
  });

  it('says of each row how many tokens it has, and in words which rows share a line', () => {
    const svg = draw();
    expect(svg).toContain('data-value="row b: 50 tokens, 40 trained"');
    expect(svg).toContain('step 1, lines of 100 tokens: 2 rows, 1 row, 0 rows. step 2, lines of 40 tokens: 1 row.');
    for (const name of ['trained', 'only read', 'padding']) expect(svg).toContain(`>${name}</text>`);
  });

  it('shows hostile and endless names as texts of bounded size', () => {
    const evil = '"><script>alert(1)</script>\u202e';
    const lines = [[row(evil, 5, 5), row('x'.repeat(1_000_000), 5, 5)]];
    const svg = draw({ title: evil, subtitle: evil, batches: [{ name: evil, length: 30, lines }] });
    elements(svg);
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('\u202e');
    expect(svg.length).toBeLessThan(6000);
  });

  it('is whole without any row', () => {
    elements(draw({ batches: [] }));
    elements(draw({ batches: [{ name: 'step 1', length: 32, lines: [] }] }));
  });
});
