import { expect } from 'vitest';
import { renderPage } from '../../../src/report/html/render.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import type { Made } from '../../eval/result/made-evaluation.js';
import { expectHarmless, openPage, withBrowser } from '../../helpers/browser.js';
import { clear, folderOf, pageOf } from './reported.js';

const HOSTILE = [
  '</script><script>window.bad=1</script>',
  '<img src=x onerror="window.bad=1">',
  '\'"><svg onload=window.bad=1>',
  'a\u2028b\u2029c\u202edercod\u202c',
  `${'w'.repeat(500_000)} ${'x '.repeat(250_000)}`,
  '\u0000\u001b[31mred',
  '# Heading\n| a | b |\n```\n',
];

withBrowser(
  'hostile texts are shown as texts, in light and dark, wide and narrow, and axe-core finds nothing',
  async () => {
    const hostile: Made = {
      ...clear,
      sets: { koala: HOSTILE.length },
      arms: { base: 1, phased: 1 },
      answer: (arm, row) => ({
        instruction: HOSTILE[row % HOSTILE.length]!,
        output: `${arm} ${HOSTILE[(row + 1) % HOSTILE.length]}`,
        reference: HOSTILE[(row + 2) % HOSTILE.length]!,
      }),
    };
    const folder = await folderOf(hostile);
    const html = renderPage(await pageOf(folder, HOSTILE.length));
    expect(Buffer.byteLength(html)).toBeLessThan(2_000_000);
    await expectHarmless(html, (page) => page.getByRole('button', { name: 'open all' }).click());
    const outside = renderMarkdown(await pageOf(folder, HOSTILE.length), new Map()).replace(
      /^(`{3,})\n[\s\S]*?\n\1$/gm,
      '',
    );
    expect(/(?<!\\)<(script|img|svg)/.exec(outside)).toBeNull();
  },
);

withBrowser('pairs are sorted by each key, the largest first, then the smallest', async () => {
  const { page } = await openPage(renderPage(await pageOf(await folderOf(clear), 10)));
  const values = (key: number) =>
    page.evaluate(`[...document.querySelectorAll('.items > li')].map((li) => JSON.parse(li.dataset.values)[${key}])`);
  const first = (await values(0)) as number[];
  expect(first).toEqual(first.toSorted((a, b) => b - a));
  const button = page.getByRole('button', { name: 'characters more' });
  await button.click();
  const down = (await values(3)) as number[];
  expect(down).toEqual(down.toSorted((a, b) => b - a));
  expect(await button.getAttribute('aria-pressed')).toBe('true');
  await button.press('Enter');
  expect(await values(3)).toEqual(down.toSorted((a, b) => a - b));
  expect(await page.locator('.items > li details[open]').count()).toBe(1);
  await page.getByRole('button', { name: 'open all' }).click();
  expect(await page.locator('.items > li details[open]').count()).toBe(10);
});
