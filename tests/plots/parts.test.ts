import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axisBottom, linearAxis } from '../../src/plots/axis.js';
import { durationAxis } from '../../src/plots/duration-axis.js';
import { spreadApart } from '../../src/plots/end-labels.js';
import { FONT_SIZE } from '../../src/plots/svg.js';
import { fitNames, fitText, textWidth } from '../../src/plots/text-width.js';
import { type Point, thinOut } from '../../src/plots/thin-out.js';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('thinning a curve out', () => {
  it('keeps the ends, the highest and the lowest, and the order, at any number of points', () => {
    void fc.assert(
      fc.property(fc.array(finite, { minLength: 2, maxLength: 900 }), fc.integer({ min: 4, max: 400 }), (ys, most) => {
        const points = ys.map((y, x): Point => [x, y]);
        const kept = thinOut(points, most);
        expect(kept.length).toBeLessThanOrEqual(Math.max(most, 2));
        expect([kept[0], kept.at(-1)]).toEqual([points[0], points.at(-1)]);
        const values = kept.map(([, y]) => y);
        expect(Math.max(...values)).toBe(Math.max(...ys));
        expect(Math.min(...values)).toBe(Math.min(...ys));
        for (const [i, [x]] of kept.entries()) expect(x).toBeGreaterThan(kept[i - 1]?.[0] ?? -1);
      }),
      { seed: 18, numRuns: 200 },
    );
  });

  it('leaves few points as they are', () => {
    const points: Point[] = [
      [0, 1],
      [1, 2],
    ];
    expect(thinOut(points)).toBe(points);
  });

  it('keeps both of two spikes side by side', () => {
    const points = Array.from({ length: 5000 }, (_, i): Point => [i, i === 2000 ? 50 : i === 2040 ? 40 : i % 3]);
    expect(thinOut(points).filter(([, y]) => y >= 40)).toEqual([
      [2000, 50],
      [2040, 40],
    ]);
  });
});

describe('labels at ends of lines', () => {
  it('are a line apart, in order, and within the plot where there is room', () => {
    void fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 1, maxLength: 14 }), (wished) => {
        const places = spreadApart(wished, [0, 300]);
        const order = wished.map((_, i) => i).sort((a, b) => wished[a]! - wished[b]! || a - b);
        const sorted = order.map((i) => places[i]!);
        for (const [i, place] of sorted.entries()) {
          expect(place).toBeGreaterThanOrEqual(-1e-9);
          expect(place).toBeLessThanOrEqual(300 + 1e-9);
          if (i > 0) expect(place - sorted[i - 1]!).toBeGreaterThan(FONT_SIZE);
        }
      }),
      { seed: 18, numRuns: 300 },
    );
  });

  it('stay where they are wished as long as none touches another', () => {
    expect(spreadApart([200, 10, 100], [0, 300])).toEqual([200, 10, 100]);
  });

  it('move apart by the same distance where two lines end at one place', () => {
    const [first, second] = spreadApart([100, 100], [0, 300]) as [number, number];
    expect((first + second) / 2).toBe(100);
  });
});

describe('text that must fit', () => {
  it('is cut with an ellipsis by its width, not by its letters', () => {
    expect(fitText('iiiiiiiiiiiiiiiiiiii', 100, 14)).toBe('iiiiiiiiiiiiiiiiiiii');
    expect(fitText('mmmmmmmmmmmmmmmmmmmm', 100, 14)).toMatch(/^m{5,6}…$/);
    expect(textWidth('bold', 14, true)).toBeGreaterThan(textWidth('bold', 14));
  });

  it('never is wider than its room, and a million letters take no time', () => {
    const long = 'x'.repeat(1e6);
    expect(textWidth(fitText(long, 120, 14), 14)).toBeLessThanOrEqual(120);
    expect(textWidth(fitNames([long, `${long}y`], 120, 14)[0]!, 14)).toBeLessThanOrEqual(120);
  });

  it('shows what cannot be seen, and hides secrets before it cuts them', () => {
    expect(fitText('a\u202eb', 200, 14)).toBe('a\\u{202e}b');
    expect(fitText('hf_abcdefghijklmnopqrstuvwxyz', 120, 14)).toBe('[hidden]');
  });

  it('leaves out the beginning that names share where they would look the same', () => {
    const models = ['meta-llama/Llama-3.2-1B-Instruct', 'meta-llama/Llama-3.2-3B-Instruct', 'mistral'];
    expect(fitNames(models, 105, 14)).toEqual(['…1B-Instruct', '…3B-Instruct', 'mistral']);
    expect(fitNames(['phased', 'random'], 110, 14)).toEqual(['phased', 'random']);
  });
});

describe('axes', () => {
  const written = (svg: string) =>
    [...svg.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)/g)].map(([, x, label]) => [Number(x), label!] as const);

  it('leave labels out, at equal distances, where they would overlap', () => {
    const axis = linearAxis([0, 20_000_000], [40, 240], { count: 20, label: (value) => String(value) });
    const labels = written(axisBottom(axis, { y: 100, label: '' })).slice(0, -1);
    expect(labels.length).toBeGreaterThanOrEqual(2);
    const gaps = labels.slice(1).map(([x], i) => Math.round(x - labels[i]![0]));
    expect(new Set(gaps).size).toBe(1);
    expect(gaps[0]).toBeGreaterThan(textWidth('20000000', FONT_SIZE));
  });

  it('write numbers below zero with a minus', () => {
    expect(linearAxis([-2, 2], [0, 100]).marks.map(({ label }) => label)).toContain('−2');
  });

  it('turn places back into values', () => {
    const axis = linearAxis([3, 17], [20, 400], { rounded: false });
    for (const value of [3, 8.25, 17]) expect(axis.valueAt(axis.placeOf(value))).toBeCloseTo(value, 10);
  });

  it.each([
    [0, ['0', '1 s']],
    [45e3, ['0', '10 s', '20 s', '30 s', '40 s']],
    [90e3, ['0', '15 s', '30 s', '45 s', '1 min', '1 min 15', '1 min 30']],
    [75 * 6e4, ['0', '15 min', '30 min', '45 min', '1 h', '1 h 15']],
    [20 * 36e5, ['0', '6 h', '12 h', '18 h']],
    [3 * 864e5, ['0', '12 h', '24 h', '36 h', '48 h', '60 h', '72 h']],
    [2000 * 864e5, ['0', '336 d', '672 d', '1008 d', '1344 d', '1680 d']],
  ])('mark durations at whole units: %s ms', (length, labels) => {
    expect(durationAxis(length, [0, 100]).marks.map(({ label }) => label)).toEqual(labels);
  });
});
