import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { openLivePage } from '../../src/live/open.js';
import { axeProblems, openPage, withBrowser } from '../helpers/browser.js';
import { temporaryFolder } from '../helpers/folder.js';
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
