import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { openLivePage } from '../../src/live/open.js';
import type { RunEvent } from '../../src/train/events.js';
import { axeProblems, openPage, withBrowser } from '../helpers/browser.js';
import { temporaryFolder } from '../helpers/folder.js';
import { openStream } from './ask.js';
import { evalEvent, finishedRun, runEvent, runWriter, stageEvent } from './run-files.js';

const STEPS = 500;

withBrowser('a run of 1,000 steps is watched from its first event to its end', async () => {
  const folder = join(temporaryFolder('live'), 'run');
  const live = await openLivePage({ folder, port: 0, wait: true });
  const { page, problems, requests, status } = await openPage(live.url);
  expect(status).toBe(200);
  // The token does not stay in the address.
  expect(new URL(page.url()).pathname).toMatch(/^\/p\/[\w-]+\/$/);
  await page.getByText('Nothing is there yet.').waitFor();

  const writer = runWriter(folder, STEPS);
  writer.add(runEvent(STEPS));
  await writer.record();
  writer.add(evalEvent(0, 0, [3, 3.2]));
  let seen = 0;
  let worst = 0;
  const written: number[] = [];
  const watching = (async () => {
    // A page that never shows the last step is what this would wait for in vain.
    while (seen < 2 * STEPS) {
      const text = (await page.locator('#state').textContent()) ?? '';
      const now = performance.now();
      const step = Number(/step ([\d,]+) of 1,000/.exec(text)?.[1]?.replace(',', '') ?? 0);
      // The oldest event that is not on the page yet was written so long ago.
      if (written[step] !== undefined) worst = Math.max(worst, now - written[step]!);
      expect(step).toBeGreaterThanOrEqual(seen);
      seen = step;
      await sleep(20);
    }
  })();
  for (const stage of [1, 2]) {
    writer.add(stageEvent(stage, STEPS));
    for (let step = 1; step <= STEPS; step++) {
      written.push(performance.now());
      writer.step(stage, step);
      await sleep(5);
    }
    writer.add(evalEvent(stage, STEPS, [2, 2.5]));
  }
  await watching;
  await page.locator('#state').getByText('stage 2 of 2').first().waitFor();
  writer.add({ type: 'run-end', adapter: { path: 'adapter', sha256: '0'.repeat(64) }, seconds: 1 });
  await writer.record({ status: 'done', finished: new Date().toISOString(), seconds: 5 });
  await page.getByText('The run is done').first().waitFor();
  expect(await page.title()).toBe('100 % · run');
  expect(await page.locator('#live-state').textContent()).toBe('done');
  console.log(`an event was on the page after ${Math.round(worst)} ms at most`);
  expect(problems).toEqual([]);
  expect(new Set(requests.map((url) => new URL(url).pathname.split('/').at(-1)))).toEqual(new Set(['events']));
  await live.close();
  await page.getByText('The command that showed this page has ended').waitFor();
  // What was shown stays.
  expect(await page.getByText('The run is done').first().isVisible()).toBe(true);
});

withBrowser('the page of a run has no problems that axe-core finds, in light and dark', async () => {
  const folder = join(temporaryFolder('live'), 'run');
  await finishedRun(folder, 20);
  const live = await openLivePage({ folder, port: 0 });
  for (const dark of [false, true]) {
    const { page, problems } = await openPage(live.url, { dark });
    await page.getByText('This page follows').waitFor();
    expect(await axeProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
  }
  await live.close();
});

withBrowser('what the reader opened, sorted, scrolled to and put the focus on stays as the page changes', async () => {
  const folder = join(temporaryFolder('live'), 'run');
  const writer = runWriter(folder, 200);
  writer.add(runEvent(200));
  writer.add(evalEvent(0, 0, [3, 3.2]));
  writer.add(stageEvent(1, 200));
  for (let step = 1; step <= 30; step++) writer.step(1, step);
  await writer.record();
  const live = await openLivePage({ folder, port: 0 });
  // So narrow that the table is wider than what shows of it.
  const { page, problems } = await openPage(live.url, { width: 200 });
  await page.getByText('This page follows').waitFor();
  const figure = page.locator('#losses figure').last();
  await figure.locator('details > summary').click();
  await figure.locator('thead button').nth(1).click();
  await figure.locator('.scroll').evaluate((part) => {
    part.scrollLeft = 10;
  });
  await figure.locator('details > summary').focus();
  await page.evaluate('scrollTo(0, 700)');
  const rows = () => figure.locator('tbody tr').count();
  const [before, top] = [await rows(), await page.evaluate('scrollY')];
  for (let step = 31; step <= 60; step++) writer.step(1, step);
  await expect.poll(rows, { timeout: 60_000 }).toBeGreaterThan(before);
  expect(await figure.locator('details').getAttribute('open')).not.toBeNull();
  expect(await figure.locator('thead th').nth(1).getAttribute('aria-sort')).toBe('ascending');
  expect(await page.evaluate('document.activeElement.tagName')).toBe('SUMMARY');
  expect(await figure.locator('.scroll').evaluate((part) => part.scrollLeft)).toBe(10);
  expect(await page.evaluate('scrollY')).toBe(top);

  // Selected text is not taken away: the rest changes.
  await page.locator('#state dd').first().selectText();
  const selected = await page.evaluate('getSelection().toString()');
  for (let step = 61; step <= 90; step++) writer.step(1, step);
  await page.locator('#log').getByText('step 90 of 200').waitFor();
  expect(await page.evaluate('getSelection().toString()')).toBe(selected);
  expect(await page.locator('#state').textContent()).toContain('step 60 of 400');
  await page.evaluate('getSelection().removeAllRanges()');
  await page.locator('#state').getByText('step 90 of 400').waitFor();
  expect(problems).toEqual([]);
  await live.close();
});

withBrowser(
  'a page out of sight stops following after five minutes, and follows again when it is looked at',
  async () => {
    const folder = join(temporaryFolder('live'), 'run');
    await finishedRun(folder, 5);
    const live = await openLivePage({ folder, port: 0 });
    const { page } = await openPage(live.url);
    await page.clock.install();
    await page.reload();
    await page.getByText('This page follows').waitFor();
    const see = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} }); document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await see(true);
    await page.clock.fastForward('04:59');
    expect(await page.locator('#live-connection').textContent()).toContain('This page follows');
    await page.clock.fastForward('00:02');
    await page.getByText('Paused while nobody looked').waitFor();
    await see(false);
    await page.getByText('This page follows').waitFor();
    await live.close();
  },
);

withBrowser('the oldest of five pages gets a notice, and can follow again', async () => {
  const folder = join(temporaryFolder('live'), 'run');
  await finishedRun(folder, 5);
  const live = await openLivePage({ folder, port: 0 });
  const { page } = await openPage(live.url);
  await page.getByText('This page follows').waitFor();
  const path = `${new URL(live.url).pathname}events`;
  const others = [];
  for (let i = 0; i < 4; i++) others.push(await openStream(live.port, path));
  await page.getByText('at most four are kept up to date').waitFor();
  await page.getByRole('button', { name: 'Follow again' }).click();
  await page.getByText('This page follows').waitFor();
  await others[0]!.ended;
  await live.close();
});

const HOSTILE = '</script><img src=x onerror="document.title=1">\u2028\u202e\u0000';

withBrowser('texts of a run do nothing on the page, and secrets are hidden', async () => {
  const folder = join(temporaryFolder('live'), '<img src=x onerror=1>');
  const writer = runWriter(folder, 10);
  const [first, second] = (runEvent(10) as Extract<RunEvent, { type: 'run' }>).stages;
  writer.add({ ...runEvent(10), stages: [{ ...first!, label: HOSTILE }, second!] } as RunEvent);
  writer.add({ ...stageEvent(1, 10), label: `${HOSTILE} hf_aaaaaaaaaaaaaaaaaaaaaaaa` } as RunEvent);
  writer.add({ type: 'checkpoint', stage: 1, step: 0, kind: 'begin', path: HOSTILE, sha256: '0' });
  writer.text('<script>document.title = 2</script>\n');
  await writer.record({ status: 'failed', error: HOSTILE, recipe: { [HOSTILE]: HOSTILE } });
  const live = await openLivePage({ folder, port: 0 });
  const { page, problems, requests } = await openPage(live.url);
  await page.getByText('This page follows').waitFor();
  await page.getByText('What could not be read').first().waitFor();
  writer.add({ type: 'checkpoint', stage: 1, step: 0, kind: 'step', path: `${HOSTILE}-second`, sha256: '0' });
  await page.locator('#log').getByText('-second').waitFor();
  expect(await page.title()).toBe('0 % · <img src=x onerror=1>');
  expect(await page.locator('main img').count()).toBe(0);
  expect(await page.content()).not.toContain('hf_aaaa');
  const html = await page.content();
  for (const odd of ['\u2028', '\u202e', '\u0000']) expect(html).not.toContain(odd);
  expect(problems).toEqual([]);
  expect(requests.every((url) => url.endsWith('/events'))).toBe(true);
  await live.close();
});
