import { describe, expect } from 'vitest';
import { agreementPlot } from '../../src/plots/agreement-plot.js';
import { differencePlot } from '../../src/plots/difference-plot.js';
import { drawHistogram } from '../../src/plots/histogram.js';
import { intervalPlot } from '../../src/plots/interval-plot.js';
import { lengthPlot } from '../../src/plots/length-plot.js';
import { linePlot } from '../../src/plots/line-plot.js';
import { matrixPlot } from '../../src/plots/matrix-plot.js';
import { panelPlot } from '../../src/plots/panel-plot.js';
import { svgFile } from '../../src/plots/svg.js';
import { fitNames, textWidth } from '../../src/plots/text-width.js';
import { plotStyle } from '../../src/plots/theme.js';
import { timelinePlot } from '../../src/plots/timeline-plot.js';
import { axeProblems, openPage, withBrowser } from '../helpers/browser.js';

const LONG = 'a name of an arm that is much longer than any room, with wwwwwwwwwwww';
const ARMS = ['one-off', 'phased', 'random', LONG, `${LONG} 2`, 'reversed', 'phased-2', 'phased-5', 'phased-6'];
const noise = (i: number) => Math.sin(i * 12.9898) * 0.3;
const interval = (value: number) => ({ value, low: value - 4, high: value + 4 });
const start = Date.UTC(2026, 0, 1);

/** Every kind of picture, with texts that are longer than their room. */
const PICTURES: Readonly<Record<string, string>> = {
  lines: linePlot({
    title: LONG,
    label: LONG,
    xLabel: LONG,
    series: ARMS.map((name, k) => ({
      name,
      points: Array.from(
        { length: 300 },
        (_, i) => [i * 9000, i === 40 ? NaN : 2 + noise(i + k) / (1 + i / 50)] as const,
      ),
    })),
    marks: [0, 3, 4, 5, 200, 295].map((x, i) => ({ x: x * 9000, label: `stage ${i + 1}: ${LONG}` })),
  }),
  line: linePlot({
    title: 'Gradient norm',
    label: 'norm',
    xLabel: 'step',
    logY: true,
    series: [{ name: 'gradient norm', points: Array.from({ length: 90 }, (_, i) => [i, 300 / (1 + i)] as const) }],
  }),
  matrix: matrixPlot({
    title: 'Losses',
    label: LONG,
    columnLabel: LONG,
    columns: ['band 1', LONG, '3', '4', '5', '6', 'all'],
    rows: ['base', LONG, 'stage 2'].map((name, r) => ({
      name,
      values: Array.from({ length: 7 }, (_, i) => (r === 1 && i === 3 ? null : 2 - r * 0.1234 + i * 0.1)),
    })),
  }),
  differences: differencePlot({
    title: 'Held-out loss',
    subtitle: LONG,
    label: 'nats per token',
    control: LONG,
    margin: 0.01,
    better: 'lower',
    arms: ARMS.map((name, i) => ({
      name,
      difference: 0.004 * i - 0.02,
      low: 0.004 * i - 0.025,
      high: 0.004 * i - 0.013,
      verdict: i % 2 ? 'not distinguishable' : 'worse',
      values: [1, 2, 3].map((seed) => ({ name: `seed ${seed}`, value: 0.004 * i - 0.02 + noise(seed + i) / 100 })),
    })),
  }),
  panel: panelPlot({
    title: 'By model',
    label: 'win rate, %',
    xLabel: 'model',
    columns: ['a-house/model-of-135M-parameters', 'a-house/model-of-360M-parameters', 'another'],
    reference: { value: 50, label: LONG },
    series: ARMS.map((name, i) => ({ name, points: [interval(50 + i), null, interval(52 + i)] })),
  }),
  timeline: timelinePlot({
    title: 'Attempts',
    rows: ['attempt 1', LONG].map((name, i) => ({
      name,
      spans: [0, 1, 2].map((k) => ({
        from: start + (i * 3 + k) * 36e5,
        to: start + (i * 3 + k + 0.9) * 36e5,
        label: k === 1 ? LONG : `stage ${k}`,
        tone: k === 2 ? 'bad' : 'work',
      })),
      marks: (['start', 'resume', 'checkpoint', 'spike', 'failure', 'end'] as const).map((kind, k) => ({
        at: start + (i * 3 + k / 2) * 36e5,
        kind,
        label: kind,
      })),
    })),
  }),
  histogram: drawHistogram({
    edges: [1, 2, 3, 4],
    counts: [
      [10000, 0],
      [500, 15000],
      [0, 4000],
    ],
    openBelow: true,
    openAbove: true,
    cuts: [2.5],
    stages: [LONG, 'stage 2: score 2.5 to 4'],
  }),
  intervals: intervalPlot({
    title: 'Win rates',
    subtitle: LONG,
    label: 'win rate, %',
    groups: [
      {
        heading: LONG,
        intervals: ARMS.map((name, i) => ({ name, ...interval(20 + 8 * i), look: i % 2 ? 'sure' : 'faint' })),
      },
    ],
  }),
  length: lengthPlot({
    title: LONG,
    subtitle: LONG,
    label: 'characters more',
    pairs: Array.from({ length: 200 }, (_, i) => ({ longerBy: 300 * noise(i), score: i % 3 ? 100 : 0 })),
    fitted: (longerBy) => 50 + longerBy / 10,
  }),
  agreement: agreementPlot({
    x: { name: LONG, values: Array.from({ length: 900 }, (_, i) => noise(i)) },
    y: { name: 'length', values: Array.from({ length: 900 }, (_, i) => (i === 7 ? 1e7 : 1000 + 900 * noise(i * 3))) },
    subtitle: LONG,
  }),
};

const page = (pictures: readonly string[]) =>
  `<!doctype html><html lang="en"><title>Pictures</title><meta name="viewport" content="width=device-width">
<style>${plotStyle}body{margin:16px;background:var(--plot-paper);color:var(--plot-ink)}</style>
<main><h1>Pictures</h1>${pictures.map((picture) => `<figure style="margin:0">${picture}</figure>`).join('')}</main>`;

const all = page(Object.values(PICTURES));

/** Texts of each picture that leave it, that cover each other, and the least height in pixels of a text. */
const LAYOUT = `(() => {
  const problems = [];
  let least = Infinity;
  for (const svg of document.querySelectorAll('svg.plot')) {
    const [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number);
    const texts = [...svg.querySelectorAll('text')].map((text) => ({ words: text.textContent, box: text.getBBox(), text }));
    for (const { words, box, text } of texts) {
      const size = Number.parseFloat(getComputedStyle(text).fontSize) * (svg.getBoundingClientRect().width / width);
      least = Math.min(least, size);
      if (box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height)
        problems.push(svg.dataset.plot + ' leaves: ' + words);
    }
    for (const [i, one] of texts.entries())
      for (const other of texts.slice(i + 1)) {
        const [a, b] = [one.box, other.box];
        // Boxes have room above and below their letters.
        if (a.x < b.x + b.width && b.x < a.x + a.width && a.y + 4 < b.y + b.height && b.y + 4 < a.y + a.height)
          problems.push(svg.dataset.plot + ' covers: ' + one.words + ' | ' + other.words);
      }
  }
  return { problems, least };
})()`;

interface Layout {
  readonly problems: string[];
  readonly least: number;
}

describe('pictures in a browser', () => {
  withBrowser('keep their texts within them and apart from each other, 9 pixels high on a telephone', async () => {
    const { page: shown } = await openPage(all, { width: 400 });
    const { problems, least } = await shown.evaluate<Layout>(LAYOUT);
    expect(problems).toEqual([]);
    expect(least).toBeGreaterThanOrEqual(9);
    const wide = await openPage(all, { width: 1280 });
    expect((await wide.page.evaluate<Layout>(LAYOUT)).problems).toEqual([]);
  });

  withBrowser('never are wider than their column', async () => {
    const { page: shown } = await openPage(all, { width: 400 });
    expect(await shown.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
  });

  withBrowser('have texts no wider than they are taken to be', async () => {
    const names = ['phased-seed-12', 'Loss (nats), ±0.05 %', 'MWQ@mw', 'Größe', 'iIl1.,', ARMS.join(' ')];
    const [opened, fitted] = [await openPage(all), fitNames(names, 130, 14)];
    const widths = await opened.page.evaluate<number[]>(
      `${JSON.stringify(fitted)}.map((words) => {
        const text = document.querySelector('svg.plot').appendChild(
          document.createElementNS('http://www.w3.org/2000/svg', 'text'));
        text.textContent = words;
        return text.getComputedTextLength();
      })`,
    );
    for (const [i, width] of widths.entries())
      expect(width, fitted[i]!).toBeLessThanOrEqual(Math.min(130, textWidth(fitted[i]!, 14)) + 1);
  });

  withBrowser('are light in print, where the reader prefers dark', async () => {
    const paper = 'getComputedStyle(document.body).backgroundColor';
    const dark = await openPage(all, { dark: true });
    expect(await dark.page.evaluate(paper)).toBe('rgb(13, 17, 23)');
    expect(await (await openPage(all, { dark: true, print: true })).page.evaluate(paper)).toBe('rgb(255, 255, 255)');
    expect(await (await openPage(all)).page.evaluate(paper)).toBe('rgb(255, 255, 255)');
  });

  withBrowser('follow the theme as an image too', async () => {
    const corner = `(async () => {
      const image = document.querySelector('img');
      await image.decode();
      const canvas = document.createElement('canvas');
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      return [...context.getImageData(3, 3, 1, 1).data.slice(0, 3)];
    })()`;
    const source = `data:image/svg+xml,${encodeURIComponent(svgFile(PICTURES.matrix!))}`;
    const html = `<!doctype html><meta name="color-scheme" content="light dark"><img alt="" src="${source}">`;
    expect(await (await openPage(html)).page.evaluate(corner)).toEqual([255, 255, 255]);
    expect(await (await openPage(html, { dark: true })).page.evaluate(corner)).toEqual([13, 17, 23]);
  });

  withBrowser('have nothing that axe finds wrong, light and dark', async () => {
    for (const dark of [false, true]) {
      const { page: shown, problems } = await openPage(all, { dark });
      expect(await axeProblems(shown)).toEqual([]);
      expect(problems).toEqual([]);
    }
  });
});
