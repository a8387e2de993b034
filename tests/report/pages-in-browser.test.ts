import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { writeMadeUpRun } from '../../scripts/report/made-up-run.js';
import { writeMadeUpStudy } from '../../scripts/report/made-up-study.js';
import { jsonText } from '../../src/core/json-text.js';
import { renderPage } from '../../src/report/html/render.js';
import { makeReport } from '../../src/report/make-report.js';
import type { PageBlock } from '../../src/report/page.js';
import { axeProblems, openPage, withBrowser } from '../helpers/browser.js';
import { temporaryFolder } from '../helpers/folder.js';

async function runPage(): Promise<string> {
  const folder = join(temporaryFolder('page'), 'first');
  mkdirSync(folder);
  writeMadeUpRun(folder, { seed: 1, order: 'phased', stages: 3, steps: 20, loss: 2 });
  return (await makeReport({ folder })).out;
}

async function studyPage(unfinished = false): Promise<string> {
  const folder = join(temporaryFolder('page'), 'orders');
  await writeMadeUpStudy(folder, {
    arms: {
      'one-off': { order: 'one-off', stages: 1, effect: 0 },
      phased: { order: 'phased', stages: 3, effect: -0.006 },
      random: { order: 'random', stages: 3, effect: 0 },
    },
    seeds: 3,
    steps: 12,
    ...(!unfinished && { axis: ['model', ['small', 'large']] as const }),
    run: (cell, run) => (unfinished && cell.seed === 3 ? undefined : run),
  });
  return (await makeReport({ folder })).out;
}

/** Parts of the page that are wider than it is, and do not scroll on their own. */
const TOO_WIDE = `[...document.querySelectorAll('body *')]
  .filter((part) => part.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .filter((part) => !part.closest('.scroll, .picture, .skip')).map((part) => part.outerHTML.slice(0, 80))`;

/** Pages are made once, in the first test that looks at them. */
const once = (make: () => Promise<string>) => {
  let made: Promise<string> | undefined;
  return () => (made ??= make());
};
const theStudy = once(() => studyPage());
const PAGES = [
  ['of a run', once(runPage)],
  ['of a study', theStudy],
  ['of an unfinished study', once(() => studyPage(true))],
] as const;

describe.each(PAGES)('the page %s', (name, make) => {
  withBrowser(
    `has no faults in light and dark, wide and narrow (${name})`,
    async () => {
      const file = await make();
      for (const view of [{ dark: false }, { dark: true, width: 400 }]) {
        const { page, requests, problems, close } = await openPage(file, view);
        await page.evaluate(`for (const part of document.querySelectorAll('details')) part.open = true`);
        expect(await axeProblems(page)).toEqual([]);
        expect(await page.evaluate(TOO_WIDE)).toEqual([]);
        expect([requests, problems]).toEqual([[], []]);
        await close();
      }
    },
    120_000,
  );

  withBrowser(`is whole on paper, and in light colours (${name})`, async () => {
    const { page } = await openPage(await make(), { dark: true, print: true });
    const shown = await page.evaluate(`({
      paper: getComputedStyle(document.body).backgroundColor,
      hidden: [...document.querySelectorAll('details table')].filter((table) => table.checkVisibility({ contentVisibilityAuto: true }) === false || table.getBoundingClientRect().height === 0).length,
      buttons: [...document.querySelectorAll('.toggles')].filter((bar) => bar.checkVisibility()).length,
    })`);
    expect(shown).toEqual({ paper: 'rgb(255, 255, 255)', hidden: 0, buttons: 0 });
  });

  withBrowser(`works without its script (${name})`, async () => {
    const { page, problems } = await openPage(await make(), { script: false });
    expect(await page.locator('svg').count()).toBeGreaterThan(3);
    expect(await page.locator('table').count()).toBeGreaterThan(3);
    expect(await page.locator('main button').count()).toBe(0);
    expect(await page.locator('time').first().textContent()).toMatch(/ UTC$/);
    expect(problems).toEqual([]);
  });
});

withBrowser('what the script adds works by keyboard', async () => {
  const { page, problems } = await openPage(await theStudy(), { timezone: 'Asia/Kolkata' });
  // Sorting: by Enter on the button of a column; the numbers as numbers, both ways.
  const table = page.locator('#arms table').first();
  const column = table.locator('thead th').nth(2);
  const values = async () => (await table.locator('tbody td:nth-child(3)').allTextContents()).map(Number);
  await column.locator('button').focus();
  await page.keyboard.press('Enter');
  expect(await column.getAttribute('aria-sort')).toBe('ascending');
  expect(await values()).toEqual([...(await values())].sort((a, b) => a - b));
  await page.keyboard.press('Enter');
  expect(await column.getAttribute('aria-sort')).toBe('descending');
  expect(await values()).toEqual([...(await values())].sort((a, b) => b - a));

  // Series off and on.
  const figure = page.locator('#losses figure').first();
  const button = figure.locator('.toggles button').first();
  const name = await button.textContent();
  await button.focus();
  await page.keyboard.press('Space');
  expect(await button.getAttribute('aria-pressed')).toBe('false');
  expect(await figure.locator(`svg [data-series="${name}"]`).isVisible()).toBe(false);
  await page.keyboard.press('Space');
  expect(await figure.locator(`svg [data-series="${name}"]`).isVisible()).toBe(true);

  // The value of a curve: by arrow keys on the picture, and under the pointer. It is that of the table.
  await figure.locator('.picture').focus();
  await page.keyboard.press('ArrowLeft');
  const said = await figure.locator('.value').textContent();
  const last = await figure.locator('tbody tr', { hasText: name! }).last().locator('td').allTextContents();
  const [, spoken] = new RegExp(`${name} ([\\d.]+)`).exec(said!)!;
  expect(Math.abs(Number(spoken) - Number(last[1]))).toBeLessThan(0.002);
  await figure.locator('svg').hover({ position: { x: 200, y: 150 } });
  expect(await figure.locator('.value').textContent()).toMatch(/^[\d,.]+: one-off [\d.]+, phased [\d.]+/);

  // Times are those of the reader.
  expect(await page.locator('#method time').first().textContent()).toBe('2026-01-01 05:30:00 +05:30');
  expect(problems).toEqual([]);
});

const HOSTILE = [
  '</script><script>globalThis.ran = 1</script>',
  '<img src=x onerror="globalThis.ran = 1">',
  '" onmouseover="globalThis.ran = 1" x="',
  "'><svg onload=globalThis.ran=1>",
  '</style></title></svg></textarea><b>',
  'javascript:globalThis.ran=1',
  '\u2028\u202e\u0000\u001b]8;;http://evil.test\u0007',
  `]]>--><!--${'x'.repeat(1 << 20)}`,
];

withBrowser(
  'hostile texts in every block run nothing and break nothing',
  async () => {
    const all = HOSTILE.join(' ');
    const figure = (id: string) => ({
      id,
      caption: all,
      svg: '<svg viewBox="0 0 1 1"></svg>',
      table: [
        [all, all],
        [all, all],
      ],
    });
    const blocks: PageBlock[] = [
      { kind: 'paragraph', text: all },
      { kind: 'note', tone: 'error', text: all },
      { kind: 'list', items: HOSTILE },
      { kind: 'facts', facts: HOSTILE.map((text) => [text, text]) },
      {
        kind: 'table',
        caption: all,
        rows: [HOSTILE, HOSTILE, HOSTILE.map((text) => ({ text, value: 1 }))],
        sortable: true,
        left: 2,
      },
      { kind: 'figure', figure: figure('one') },
      { kind: 'panels', figures: [figure('two')] },
      { kind: 'texts', texts: HOSTILE.slice(0, 7).map((text) => ({ heading: text, note: text, text })) },
      { kind: 'passages', heading: all, passages: HOSTILE.slice(0, 7).map((text) => ({ text, mark: 'trained' })) },
      {
        kind: 'grid',
        caption: all,
        columns: HOSTILE,
        rows: [{ name: all, cells: HOSTILE.map((text) => ({ text, tone: 'bad', note: text })) }],
      },
      { kind: 'details', summary: all, blocks: [{ kind: 'code', text: HOSTILE.slice(0, 7).join('\n') }] },
    ];
    const html = renderPage({
      title: all,
      subtitle: all,
      sections: [{ id: 'a', title: all, blocks }],
      data: { [HOSTILE[0]!]: HOSTILE.slice(0, 7) },
    });
    for (const width of [1280, 400]) {
      const { page, problems, requests, close } = await openPage(html, { width });
      await page.evaluate(`for (const part of document.querySelectorAll('details')) part.open = true`);
      for (const part of await page.locator('main button').all()) await part.click();
      expect(await page.evaluate('globalThis.ran')).toBeUndefined();
      expect(await page.evaluate(TOO_WIDE)).toEqual([]);
      expect(await page.evaluate(`JSON.parse(document.getElementById('page-data').textContent)`)).toEqual({
        [HOSTILE[0]!]: HOSTILE.slice(0, 7),
      });
      expect([problems, requests]).toEqual([[], []]);
      await close();
    }
  },
  60_000,
);

withBrowser(
  'hostile names, paths, labels and reasons of a run run nothing',
  async () => {
    const [script, image, attribute] = HOSTILE as [string, string, string];
    const folder = join(temporaryFolder('page'), '<img src=x onerror=globalThis.ran=1>');
    mkdirSync(folder);
    writeMadeUpRun(folder, {
      seed: 1,
      order: 'phased',
      stages: 2,
      steps: 8,
      loss: 2,
      events: 8,
      file: {
        status: 'failed',
        error: `${script} ${'long '.repeat(200_000)}`,
        versions: { [image]: attribute },
        recipe: { model: script, template: HOSTILE.join('') },
        inputs: { model: { path: image, files: { [script]: attribute } }, data: { path: script, manifest: image } },
      },
    });
    const events = join(folder, 'events.jsonl');
    writeFileSync(events, readFileSync(events, 'utf8').replaceAll('"stage 1 of 2', `${jsonText(script).slice(0, -1)}`));
    const spike = {
      time: '2026-01-01T00:00:10.000Z',
      type: 'spike',
      stage: 1,
      step: 3,
      action: 'stop',
      loss: 9,
      lossLimit: 4,
      gradNorm: 2,
      rows: HOSTILE,
    };
    writeFileSync(events, `${readFileSync(events, 'utf8')}${jsonText(spike)}\n`);
    const { out } = await makeReport({ folder });
    for (const width of [1280, 400]) {
      const { page, problems, requests, close } = await openPage(out, { width });
      await page.evaluate(`for (const part of document.querySelectorAll('details')) part.open = true`);
      expect(await page.evaluate('globalThis.ran')).toBeUndefined();
      expect(await page.evaluate(TOO_WIDE)).toEqual([]);
      expect([problems, requests]).toEqual([[], []]);
      await close();
    }
  },
  60_000,
);
