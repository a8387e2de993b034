import { describe, expect, it } from 'vitest';
import { type DifferencePlot, type DrawnDifference, differencePlot } from '../../src/plots/difference-plot.js';
import { type MatrixPlot, matrixPlot } from '../../src/plots/matrix-plot.js';
import { type PanelPlot, panelPlot } from '../../src/plots/panel-plot.js';
import { type TimelinePlot, timelinePlot } from '../../src/plots/timeline-plot.js';
import { elements, pathPoints, valuesOf, withAttribute } from './picture.js';

const HOSTILE = '"><script>alert(1)</script>';

describe('a matrix', () => {
  const draw = (given: Partial<MatrixPlot> = {}) =>
    matrixPlot({
      title: 'Losses',
      label: 'nats',
      columnLabel: 'band',
      columns: ['1', '2', 'all'],
      rows: [
        { name: 'base', values: [2, 2.2, 2.1] },
        { name: 'stage 1', values: [1.6, 2.3, 2.1] },
        { name: 'stage 2', values: [1.8, null, NaN] },
      ],
      ...given,
    });
  /** Words and grounds of the cells. */
  const cells = (svg: string) =>
    [...svg.matchAll(/<title>([^<]*)<\/title><rect [^>]*?fill="([^"]*)"/g)].map(([, words, fill]) => [words, fill]);

  it('has the value and the difference from the first row in every cell, with a tone for the difference', () => {
    expect(cells(draw())).toEqual([
      ['base, 1: 2.000', 'none'],
      ['base, 2: 2.200', 'none'],
      ['base, all: 2.100', 'none'],
      ['stage 1, 1: 1.600 (−0.400)', 'var(--plot-low-4)'],
      ['stage 1, 2: 2.300 (+0.100)', 'var(--plot-high-1)'],
      ['stage 1, all: 2.100 (0.000)', 'var(--plot-even)'],
      ['stage 2, 1: 1.800 (−0.200)', 'var(--plot-low-2)'],
      ['stage 2, 2: no value', 'none'],
      ['stage 2, all: NaN', 'none'],
    ]);
    expect(draw()).toContain('>−0.400</text>');
  });

  it('has the same tones as another one where the strongest difference is given', () => {
    expect(cells(draw({ strongest: 1.6 }))[3]![1]).toBe('var(--plot-low-1)');
    // What is beyond it has the strongest tone.
    expect(cells(draw({ strongest: 0.01 }))[4]![1]).toBe('var(--plot-high-4)');
  });

  it('has fewer digits where many bands leave little room', () => {
    const columns = Array.from({ length: 12 }, (_, i) => String(i + 1));
    const rows = ['base', 'after'].map((name, i) => ({ name, values: columns.map(() => 12.3456 - i * 0.001) }));
    const svg = draw({ columns, rows });
    expect(svg).toContain('>12</text>');
    expect(draw({ rows })).toContain('>12.3456</text>');
  });

  it('holds without rows, with one row, and with hostile names', () => {
    for (const rows of [[], [{ name: HOSTILE, values: [1, 2, 3] }]]) {
      const svg = draw({ rows, title: HOSTILE, columns: [HOSTILE, 'b', 'c'] });
      elements(svg);
      expect(svg).not.toContain('<script');
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

describe('differences from a control', () => {
  const arm = (name: string, given: Partial<DrawnDifference> = {}): DrawnDifference => ({
    name,
    difference: -0.02,
    low: -0.03,
    high: -0.01,
    values: [
      { name: 'seed 1', value: -0.015 },
      { name: 'seed 2', value: -0.025 },
    ],
    verdict: 'better',
    ...given,
  });
  const draw = (given: Partial<DifferencePlot> = {}) =>
    differencePlot({
      title: 'Loss',
      label: 'nats',
      control: 'one-off',
      better: 'lower',
      margin: 0.01,
      arms: [arm('phased')],
      ...given,
    });

  it('have the mean, the interval, a dot for each seed, zero and the margin on one scale', () => {
    const svg = draw();
    const x = valuesOf(svg, 'x');
    const near = (place: number | string | undefined, value: number) => expect(x(Number(place))).toBeCloseTo(value, 3);
    const seeds = withAttribute(svg, 'circle', 'cx').map(({ attributes }) => attributes.cx);
    near(seeds[0], -0.015);
    near(seeds[1], -0.025);
    const [, from, to] = /d="M([\d.]+) [\d.]+v10m0-5H([\d.]+)m0-5v10"/.exec(svg)!;
    near(from, -0.03);
    near(to, -0.01);
    const [[mean]] = withAttribute(svg, 'path', 'fill')
      .filter(({ attributes }) => attributes.fill === 'var(--plot-s-1)')
      .map(({ attributes }) => pathPoints(attributes.d!)) as [[[number, number]]];
    near(mean[0], -0.02);
    const [zero] = withAttribute(svg, 'line', 'stroke-dasharray');
    near(zero!.attributes.x1, 0);
    const [shade] = withAttribute(svg, 'rect', 'fill-opacity');
    near(shade!.attributes.x, -0.01);
    near(Number(shade!.attributes.x) + Number(shade!.attributes.width), 0.01);
  });

  it('are written beside the picture and in its description', () => {
    const svg = draw();
    expect(svg).toContain('>−0.020</text>');
    expect(svg).toContain('>−0.030 to −0.010</text>');
    expect(svg).toContain('phased: −0.020, −0.030 to −0.010, better.');
    expect(svg).toContain('<title>seed 2: −0.025</title>');
  });

  it('say which way is better', () => {
    expect(draw()).toMatch(/← better.*worse →/s);
    expect(draw({ better: 'higher' })).toMatch(/← worse.*better →/s);
  });

  it('hold without a difference, without an interval, without arms, and with what is not finite', () => {
    const arms = [
      arm('none', { difference: null, low: null, high: null, values: [] }),
      arm('one seed', { low: null, high: null }),
      arm('broken', { difference: NaN, low: -Infinity, high: NaN, values: [{ name: 's', value: NaN }] }),
      arm(HOSTILE, { verdict: HOSTILE, values: [{ name: HOSTILE, value: 1 }] }),
    ];
    for (const given of [arms, [], [arms[0]!]]) {
      const svg = draw({ arms: given, control: HOSTILE, margin: undefined });
      elements(svg);
      expect(svg).not.toContain('<script');
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
    expect(draw({ arms })).toContain('none: no difference yet.');
    expect(draw({ arms })).toContain('broken: no difference yet.');
  });
});

describe('panels', () => {
  const point = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });
  const draw = (given: Partial<PanelPlot> = {}) =>
    panelPlot({
      title: 'By stages',
      label: 'nats',
      xLabel: 'stages',
      columns: ['2', '3', '4'],
      series: [
        { name: 'phased', points: [point(2), point(1.9), point(1.8)] },
        { name: 'random', points: [point(2.1), null, point(2.2)] },
      ],
      ...given,
    });

  it('have each figure over its column with its interval, arms side by side', () => {
    const svg = draw();
    const y = valuesOf(svg, 'y');
    const marks = [...svg.matchAll(/d="M([\d.]+) ([\d.]+)h8m-4 0V([\d.]+)m-4 0h8"/g)].map((match) =>
      match.slice(1).map(Number),
    ) as [number, number, number][];
    expect(marks).toHaveLength(5);
    for (const [i, [, low, high]] of marks.entries()) {
      const value = [2, 1.9, 1.8, 2.1, 2.2][i]!;
      expect(y(low)).toBeCloseTo(value - 0.1, 2);
      expect(y(high)).toBeCloseTo(value + 0.1, 2);
    }
    const [first, , , other] = marks as [number[], unknown, unknown, number[]];
    expect(other[0]! - first[0]!).toBe(14);
    expect(svg).toContain('<title>random, 4: 2.2, 2.1 to 2.3</title>');
  });

  it('have no line across a column without a figure', () => {
    const lines = [...draw().matchAll(/d="(M[\d. LM]+)" fill="none"/g)].map(([, d]) => d!.replace(/[\d. ]/g, ''));
    expect(lines).toEqual(['MLL', 'MM']);
  });

  it('have what all are compared with as a line with its name', () => {
    const svg = draw({ reference: { value: 2.05, label: 'one-off' } });
    const [across] = withAttribute(svg, 'line', 'stroke-dasharray');
    expect(valuesOf(svg, 'y')(Number(across!.attributes.y1))).toBeCloseTo(2.05, 2);
    expect(svg).toContain('>one-off</text>');
  });

  it('hold without figures, without columns, with more columns than fit, and with hostile names', () => {
    const columns = Array.from({ length: 40 }, (_, i) => `models/the-same-${i}`);
    for (const given of [
      { series: [] },
      { columns: [] },
      { series: [{ name: HOSTILE, points: [null, { value: NaN, low: null, high: null }] }] },
      { columns, series: [{ name: 'a', points: columns.map((_, i) => point(i)) }] },
      { series: [{ name: 'one', points: [{ value: 1, low: null, high: null }] }] },
    ]) {
      const svg = draw(given);
      elements(svg);
      expect(svg).not.toMatch(/<script|NaN|Infinity|undefined/);
    }
  });
});

describe('a timeline', () => {
  const start = Date.UTC(2026, 0, 31, 23, 50);
  const draw = (rows: TimelinePlot['rows']) => timelinePlot({ title: 'Attempts', rows });

  it('has what ran and what happened where it was, from the first moment on', () => {
    const svg = draw([
      {
        name: 'attempt 1',
        spans: [
          { from: start, to: start + 30 * 60e3, label: 'stage 1', tone: 'work' },
          { from: start + 45 * 60e3, to: start + 60 * 60e3, label: 'stage 2', tone: 'work' },
        ],
        marks: [{ at: start + 15 * 60e3, kind: 'spike', label: 'spike at step 9' }],
      },
    ]);
    expect(svg).toContain('from 2026-01-31 23:50 UTC');
    const [first, second] = withAttribute(svg, 'rect', 'rx').map(({ attributes: { x, width } }) => [
      Number(x),
      Number(width),
    ]);
    expect(second![1]! / first![1]!).toBeCloseTo(0.5, 3);
    expect((second![0]! - first![0]!) / first![1]!).toBeCloseTo(1.5, 3);
    const [, spike] = /<title>spike at step 9<\/title><path d="M([\d.]+) /.exec(svg)!;
    expect((Number(spike) - first![0]!) / first![1]!).toBeCloseTo(0.5, 3);
    expect(svg).toContain('attempt 1: stage 1, stage 2, spike at step 9.');
  });

  it('explains the signs that it has, and no others', () => {
    const svg = draw([{ name: 'a', spans: [], marks: [{ at: start, kind: 'resume', label: 'r' }] }]);
    expect(svg).toContain('>resume</text>');
    expect(svg).not.toContain('>spike</text>');
  });

  it('holds without rows, with times that are none, and with hostile names', () => {
    for (const rows of [
      [],
      [{ name: HOSTILE, spans: [] }],
      [{ name: 'a', spans: [{ from: NaN, to: start, label: HOSTILE, tone: 'bad' as const }] }],
      [{ name: 'a', spans: [{ from: 1e300, to: 1e300, label: 'far', tone: 'other' as const }] }],
    ]) {
      const svg = draw(rows);
      elements(svg);
      expect(svg).not.toMatch(/<script|NaN|Infinity|undefined/);
    }
  });
});
