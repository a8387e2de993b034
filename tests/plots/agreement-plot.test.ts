import { describe, expect, it } from 'vitest';
import { agreementPlot } from '../../src/plots/agreement-plot.js';
import { linearAxis, logAxis } from '../../src/plots/axis.js';
import { bandsOf } from '../../src/plots/bands.js';
import { escapeXml } from '../../src/plots/svg.js';
import { elements, pathPoints } from './picture.js';

const few = [1, 2, 2, 3, 3, 3, 4, 5, 5, 5];
const many = few.map((value, i) => value * 10 + i);

describe('two scores against each other', () => {
  const svg = agreementPlot({
    x: { name: 'GPT-4 <b>', values: few },
    y: { name: 'length & "more"', values: many },
    subtitle: 'Spearman 0.9',
  });
  const found = elements(svg);

  it('is well-formed, whatever the scores are called', () => {
    expect(svg).toContain('GPT-4 &lt;b&gt; against length &amp; &quot;more&quot;, 10 rows');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(found[0]!.name).toBe('svg');
  });

  it('has every row in a cell, and the distribution of each score along its side', () => {
    const heat = found.filter(
      ({ name, attributes }) => name === 'path' && attributes.fill?.startsWith('var(--plot-step-'),
    );
    const cells = new Set(few.map((x, i) => `${x} ${bandsOf(many, [0, 1]).bandOf(many[i]!)}`));
    expect(heat.flatMap(({ attributes }) => pathPoints(attributes.d!))).toHaveLength(cells.size);
    const sides = svg.slice(svg.indexOf('<g fill="var(--plot-bar)">'));
    const bars = elements(sides.slice(0, sides.indexOf('</g>') + 4)).filter(({ name }) => name === 'rect');
    expect(bars).toHaveLength(new Set(few).size + bandsOf(many, [0, 1]).count);
    const high = bars.map(({ attributes }) => Number(attributes.height)).slice(0, 5);
    expect(high.map((height) => Math.round((height / Math.max(...high)) * 3))).toEqual([1, 2, 3, 1, 3]);
  });

  it.each([
    ['one row', [3], [4]],
    ['the same score everywhere', [2, 2, 2], [1, 5, 9]],
    ['very long rows', Array.from({ length: 500 }, (_, i) => i % 7), Array.from({ length: 500 }, (_, i) => 1.02 ** i)],
    ['numbers below zero', Array.from({ length: 50 }, (_, i) => -i), Array.from({ length: 50 }, (_, i) => i - 25)],
    [
      'one value that nearly all rows have',
      Array.from({ length: 4000 }, (_, i) => (i < 20 ? i : 100)),
      Array.from({ length: 4000 }, (_, i) => i),
    ],
  ])('can show %s', (_, x, y) => {
    const picture = agreementPlot({ x: { name: 'a', values: x }, y: { name: 'b', values: y }, subtitle: '' });
    elements(picture);
    expect(picture).not.toMatch(/NaN|Infinity/);
  });
});

describe('axes', () => {
  it('mark round numbers within their ends', () => {
    expect(linearAxis([0.13, 4.8], [0, 100]).marks.map(({ label }) => label)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(logAxis([3, 400], [0, 100]).marks.map(({ value }) => value)).toEqual([5, 10, 20, 50, 100, 200]);
    expect(linearAxis([0, 10], [400, 0]).placeOf(2.5)).toBe(300);
  });

  it('give each of a few values its own band, in order', () => {
    const bands = bandsOf([5, 1, 3.5, 1], [0, 90]);
    expect([1, 3.5, 5].map((value) => [bands.bandOf(value), ...bands.ends(bands.bandOf(value))])).toEqual([
      [0, 0, 30],
      [1, 30, 60],
      [2, 60, 90],
    ]);
  });

  it('put what is far beyond the others into the last band, and count it', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i === 0 ? 1e9 : 100 + i));
    const bands = bandsOf(values, [0, 400]);
    expect(bands.bandOf(1e9)).toBe(bands.count - 1);
    expect(bands.beyond).toBeGreaterThan(0);
    expect(bands.beyond).toBeLessThanOrEqual(10);
  });
});

it('shows what XML cannot hold', () => {
  expect(escapeXml('a\u0000b\u001b<&>"\n')).toBe('a\\u{0}b\\u{1b}&lt;&amp;&gt;&quot;\n');
});
