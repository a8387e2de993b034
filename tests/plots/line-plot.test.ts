import { describe, expect, it } from 'vitest';
import { type LinePlot, linePlot } from '../../src/plots/line-plot.js';
import { curveOf, elements, pathPoints, valuesOf, withAttribute } from './picture.js';

const draw = (given: Partial<LinePlot>) =>
  linePlot({ title: 'Loss', label: 'nats', xLabel: 'trained tokens', series: [], ...given });

/** Curves of a picture in values. */
function curvesOf(svg: string): (readonly [number, number])[][][] {
  const [x, y] = [valuesOf(svg, 'x'), valuesOf(svg, 'y')];
  return withAttribute(svg, 'path', 'data-curve').map(({ attributes }) =>
    curveOf(attributes.d!).map((run) => run.map(([a, b]) => [x(a), y(b)] as const)),
  );
}

const many = Array.from({ length: 2000 }, (_, i) => [i * 500, i === 777 ? 9 : 2 + Math.sin(i)] as const);

describe('curves', () => {
  it('are drawn where their values are', () => {
    const points = [
      [0, 2.4],
      [1000, 1.2],
      [4000, 1.9],
    ] as const;
    const [[run]] = curvesOf(draw({ series: [{ name: 'phased', points }] })) as [[(readonly [number, number])[]]];
    expect(run).toHaveLength(3);
    for (const [i, [x, y]] of run.entries()) {
      // Places are written to a tenth of a pixel: half of it is 0.05 of about 400 for 4000, of 230 for 1.4.
      expect(Math.abs(x - points[i]![0])).toBeLessThan((4000 / 380) * 0.06);
      expect(Math.abs(y - points[i]![1])).toBeLessThan((1.4 / 230) * 0.06);
    }
  });

  it('of many points have 400 at most, the spike and the end among them, in few bytes', () => {
    const svg = draw({ series: [{ name: 'run', points: many }] });
    const [[run]] = curvesOf(svg) as [[(readonly [number, number])[]]];
    expect(run.length).toBeLessThanOrEqual(400);
    expect(Math.max(...run.map(([, y]) => y))).toBeCloseTo(9, 1);
    expect(run.at(-1)![0]).toBeCloseTo(1999 * 500, -3);
    // A relative step is up to 10 characters; the frame is up to 2,500.
    expect(svg.length).toBeLessThan(6500);
  });

  it('leave gaps where values are missing or not finite, and mark them', () => {
    const points = [1, 2, NaN, 3, null, 4, Infinity, 5, 6].map((y, x) => [x, y] as const);
    const svg = draw({ series: [{ name: 'run', points }] });
    const [runs] = curvesOf(svg) as [(readonly [number, number])[][]];
    expect(runs.map((run) => run.map(([, y]) => Math.round(y)))).toEqual([[1, 2], [3], [4], [5, 6]]);
    expect(svg).toContain('<title>3 without a finite value</title>');
    expect(svg).toContain('run: from 1 to 6; 3 without a finite value.');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('show a point between gaps as a dot', () => {
    const points = Array.from({ length: 100 }, (_, x) => [x, x === 49 || x === 51 ? NaN : x] as const);
    const svg = draw({ series: [{ name: 'run', points }] });
    const [dots] = withAttribute(svg, 'path', 'stroke-linecap');
    expect(pathPoints(dots!.attributes.d!).map(([place]) => Math.round(valuesOf(svg, 'x')(place)))).toEqual([50]);
  });

  it('stay small where every second value is missing', () => {
    const points = Array.from({ length: 20_000 }, (_, x) => [x, x % 2 ? NaN : x] as const);
    const svg = draw({ series: [{ name: 'run', points }] });
    expect(curvesOf(svg)[0]!.length).toBeLessThanOrEqual(400);
    expect(curvesOf(svg)[0]!.at(-1)![0]![1]).toBeGreaterThan(19_900);
    expect(svg.length).toBeLessThan(12_000);
  });

  it.each([
    ['no series', []],
    ['no points', [{ name: 'a', points: [] }]],
    ['one point', [{ name: 'a', points: [[3e6, 2] as const] }]],
    ['nothing finite', [{ name: 'a', points: [[0, NaN] as const, [1, Infinity] as const] }]],
    ['huge values', [{ name: 'a', points: [[0, -1e308] as const, [1e308, 1e308] as const] }]],
    ['tiny values', [{ name: 'a', points: [[0, 5e-324] as const, [1, 1e-320] as const] }]],
  ])('hold with %s', (_, series) => {
    for (const log of [false, true]) {
      const svg = draw({ series, logX: log, logY: log });
      elements(svg);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it('say of a curve without values that it has none', () => {
    expect(draw({ series: [{ name: 'later', points: [] }] })).toContain('>later: no values</text>');
  });

  it('are on a logarithmic scale where asked, without what is not positive', () => {
    const points = [1000, 0, -5, 10].map((y, x) => [x, y] as const);
    const svg = draw({ series: [{ name: 'norm', points }], logY: true });
    expect(curvesOf(svg)[0]!.map((run) => run.map(([, y]) => Number(y.toPrecision(2))))).toEqual([[1000], [10]]);
    expect(svg).toContain('2 without a finite value');
  });
});

describe('series', () => {
  const series = Array.from({ length: 9 }, (_, i) => ({
    name: `arm ${i + 1}`,
    points: [0, 1, 2].map((x) => [x, 1] as const),
  }));
  const svg = draw({ series });

  it('are named at their ends, apart from each other, within the picture', () => {
    const names = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>(arm \d)</g)];
    expect(names.map(([, , , name]) => name)).toEqual(series.map(({ name }) => name));
    const heights = names.map(([, , y]) => Number(y)).sort((a, b) => a - b);
    for (const [i, y] of heights.slice(1).entries()) expect(y - heights[i]!).toBeGreaterThanOrEqual(16);
    const height = Number(/viewBox="0 0 560 (\d+)"/.exec(svg)![1]);
    expect(heights.at(-1)).toBeLessThan(height);
  });

  it('alone are named by the title where they have its name', () => {
    const svg = draw({ title: 'Learning rate', series: [{ name: 'learning rate', points: [[0, 1]] }] });
    expect(svg).not.toContain('>learning rate</text>');
    expect(draw({ series: [{ name: 'phased', points: [[0, 1]] }] })).toContain('>phased</text>');
  });

  it('can be switched off by name, each with all that belongs to it', () => {
    const groups = [...svg.matchAll(/<g data-series="([^"]+)">/g)].map(([, name]) => name);
    expect(groups).toEqual(series.map(({ name }) => name));
  });

  it('keep the look of their arm in every picture', () => {
    const one = draw({ series: [{ ...series[0]!, look: 2 }] });
    expect(one).toContain('stroke="var(--plot-s-3)"');
    expect(one).not.toContain('var(--plot-s-1)');
  });

  it('have their band around them, shaded in their colour', () => {
    const band = [0, 1, 2].map((x) => [x, 0.5, 1.5] as const);
    const shaded = draw({ series: [{ ...series[1]!, band }] });
    const [area] = withAttribute(shaded, 'path', 'fill-opacity');
    const y = valuesOf(shaded, 'y');
    const values = curveOf(area!.attributes.d!)[0]!.map(([, place]) => y(place));
    expect(values).toHaveLength(6);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(i < 3 ? 1.5 : 0.5, 2);
    expect(area!.attributes.fill).toBe('var(--plot-s-1)');
  });

  it('are not squeezed by the band of two runs, which is cut at the edge, and says so', () => {
    const points = [0, 1, 2].map((x) => [x, 2 + x / 10] as const);
    const wide = [0, 1, 2].map((x) => [x, x === 1 ? -50 : 1.95, x === 1 ? 54 : 2.25] as const);
    const svg = draw({ series: [{ name: 'two', points, band: wide }] });
    expect(svg).toContain('>The shading continues beyond the edge.</text>');
    const y = valuesOf(svg, 'y');
    const [, top, , bottom] = /data-area="([^"]+)"/.exec(svg)![1]!.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
    ];
    // The curve goes from 2 to 2.2, so the band may go half of that beyond it.
    expect(y(bottom)).toBeCloseTo(1.9, 10);
    expect(y(top)).toBeCloseTo(2.3, 10);
    expect(draw({ series: [{ name: 'two', points, band: wide.map(([x]) => [x, 1.95, 2.25]) }] })).not.toContain(
      'Shading',
    );
  });

  it('have names of a million characters in a few bytes', () => {
    const name = 'x'.repeat(1e6);
    const svg = draw({
      title: name,
      label: name,
      series: [{ name, points: [[0, 1]] }],
      marks: [{ x: 0, label: name }],
    });
    elements(svg);
    expect(svg.length).toBeLessThan(12_000);
  });

  it('have names that markup cannot leave, cut where they are long', () => {
    const name = '</svg><script>alert(1)</script> and more than fits';
    const hostile = draw({ series: [{ name, points: [[0, 1]] }] });
    elements(hostile);
    expect(hostile).not.toContain('<script');
    expect(hostile).toMatch(/>&lt;\/svg&gt;&lt;s[^<]*…<\/text>/);
  });
});

describe('marks', () => {
  const points = [0, 10, 20].map((x) => [x, x] as const);
  const labels = (marks: LinePlot['marks']) => {
    const svg = draw({ series: [{ name: 'run', points }], marks });
    return [...svg.matchAll(/<title>([^<]*)<\/title><path [^>]*stroke-dasharray="3 3"\/>(?:<text[^>]*>([^<]*))?/g)].map(
      ([, whole, shown]) => [whole, shown],
    );
  };

  it('stand where stages begin, with their labels', () => {
    const svg = draw({ series: [{ name: 'run', points }], marks: [{ x: 10, label: 'stage 2' }] });
    const place = Number(/M([\d.]+) [\d.]+V[\d.]+" stroke="var\(--plot-muted\)" stroke-dasharray/.exec(svg)![1]);
    expect(valuesOf(svg, 'x')(place)).toBeCloseTo(10, 1);
  });

  it('are brief where there is little room, and only lines where there is none', () => {
    expect(
      labels([
        { x: 0, label: 'stage 1: the easiest rows of all' },
        { x: 5, label: 'stage 2' },
        { x: 5.1, label: 'stage 3' },
        { x: 15, label: 'stage 4: the hardest' },
      ]),
    ).toEqual([
      ['stage 1: the easiest rows of all', 'stage 1'],
      ['stage 2', undefined],
      ['stage 3', 'stage 3'],
      ['stage 4: the hardest', expect.stringMatching(/^stage 4/)],
    ]);
  });
});
