import { describe, expect, it } from 'vitest';
import { drawHistogram } from '../../src/plots/histogram.js';

const data = {
  edges: [1, 2, 3, 4],
  counts: [
    [10, 0],
    [5, 15],
    [0, 40],
  ],
  openBelow: false,
  openAbove: true,
  cuts: [2.5],
  stages: ['stage 1: score 1 to 2.4', 'stage 2: <score> & 2.5 to 4'],
};

/** Attributes of all elements of a kind. */
const all = (svg: string, name: string) =>
  [...svg.matchAll(new RegExp(`<${name} ([^>]*?)/?>`, 'g'))].map(([, attributes]) =>
    Object.fromEntries([...attributes!.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
  );

describe('drawHistogram', () => {
  const svg = drawHistogram(data);
  // The legend, then the bars.
  const rects = all(svg, 'rect');
  const bars = rects
    .slice(2)
    .map(({ x, y, width, height, fill }) => ({ x: +x!, y: +y!, w: +width!, h: +height!, fill }));

  it('draws a bar for each stage that a score has rows of, as high as there are rows', () => {
    expect(rects).toHaveLength(4 + 2);
    const unit = bars[0]!.h / 10;
    for (const [i, rows] of [10, 5, 15, 40].entries()) expect(bars[i]!.h).toBeCloseTo(rows * unit, 1);
  });

  it('stacks the stages of a score, easy below, each in one colour', () => {
    expect(bars[1]!.x).toBe(bars[2]!.x);
    expect(bars[2]!.y + bars[2]!.h).toBeCloseTo(bars[1]!.y, 1);
    expect(bars.map(({ fill }) => fill)).toEqual([bars[0]!.fill, bars[0]!.fill, bars[3]!.fill, bars[3]!.fill]);
    expect(bars[0]!.fill).not.toBe(bars[3]!.fill);
  });

  it('draws the cut where its score is, and writes it above', () => {
    const [cut] = all(svg, 'line').filter((line) => line['stroke-dasharray']);
    const middle = bars[1]!.x + bars[1]!.w / 2;
    expect(Number(cut!.x1)).toBeCloseTo(middle, 0);
    expect(svg).toContain('>2.5</text>');
  });

  it('tells that the last bar holds what lies beyond it, and escapes what it is given', () => {
    expect(svg).toContain('score; the last bar holds higher ones too');
    expect(svg).toContain('stage 2: &lt;score&gt; &amp; 2.5 to 4');
  });

  it('has room for six stages and a cut at each end', () => {
    const six = drawHistogram({
      ...data,
      counts: data.counts.map(([a, b]) => [a!, b!, 1, 1, 1, 1]),
      cuts: [-5, 1, 2, 3, 9],
      stages: Array.from({ length: 6 }, (_, i) => `stage ${i + 1}`),
    });
    const xs = all(six, 'line')
      .filter((line) => line['stroke-dasharray'])
      .map((line) => Number(line.x1));
    expect(xs).toEqual([...xs].sort((x, y) => x - y));
    const [left, , right] = all(six, 'svg')[0]!['data-area']!.split(' ').map(Number) as [number, number, number];
    expect(Math.min(...xs)).toBe(left);
    expect(Math.max(...xs)).toBe(right);
    expect(new Set(all(six, 'rect').map(({ fill }) => fill)).size).toBe(6);
  });
});
