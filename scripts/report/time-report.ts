// Times the report of a study of 48 cells of 2,000 steps that never took place: seconds, memory, bytes, and how long a
// browser takes to open it. `npx tsx scripts/report/time-report.ts [FOLDER]` after `npm run build`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findChromium, startChromium } from '../../tests/helpers/chromium.js';
import { type MadeUpArm, writeMadeUpStudy } from './made-up-study.js';

const ARMS: Readonly<Record<string, MadeUpArm>> = {
  'one-off': { order: 'one-off', stages: 1, effect: 0 },
  phased: { order: 'phased', stages: 3, effect: -0.006 },
  random: { order: 'random', stages: 3, effect: 0 },
  reversed: { order: 'reversed', stages: 3, effect: 0.012 },
};

/** Time and peak memory of a command, as GNU time reports them. */
function timed(...args: string[]): { seconds: number; mebibytes: number } {
  const done = spawnSync('/usr/bin/time', ['-f', '%e %M', process.execPath, ...args], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  const [seconds, kibibytes] = done.stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return { seconds: seconds!, mebibytes: kibibytes! / 1024 };
}

/** Milliseconds from asking for a page until it is loaded, in a browser that is already running. */
async function timeToOpen(file: string): Promise<number> {
  const browser = await startChromium();
  try {
    const page = await browser.newPage();
    const begin = performance.now();
    await page.goto(pathToFileURL(file).href);
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    return performance.now() - begin;
  } finally {
    await browser.close();
  }
}

const given = process.argv[2];
const folder = given ?? mkdtempSync(join(tmpdir(), 'time-report-'));
try {
  await writeMadeUpStudy(folder, { arms: ARMS, seeds: 6, steps: 2000, axis: ['model', ['135m', '360m']] });
  const out = join(folder, 'report.html');
  const results = Array.from({ length: 3 }, () => {
    const figures = timed('dist/cli/main.js', 'report', folder);
    return { ...figures, page: readFileSync(out, 'utf8') };
  });
  for (const { seconds, mebibytes } of results) console.log(`${seconds} s, ${mebibytes.toFixed(0)} MiB at most`);
  console.log(
    `${statSync(out).size} bytes, ${new Set(results.map(({ page }) => page)).size === 1 ? 'the same' : 'NOT the same'} each time`,
  );
  if (findChromium() === undefined) console.log('no Chromium here');
  else for (let i = 0; i < 3; i++) console.log(`opened in ${(await timeToOpen(out)).toFixed(0)} ms`);
} finally {
  if (given === undefined) rmSync(folder, { recursive: true, force: true });
}
