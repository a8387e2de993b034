/**
 * Makes the README's picture of a report, docs/pictures/report.png: some sections of the page of a
 * run or of a study, as Chromium shows them in light colours. Without ids of sections: what each
 * stage taught, and the losses.
 *
 *     npx tsx scripts/docs/make-pictures.ts FOLDER [FIRST LAST]
 *
 * The same folder gives the same picture on a machine with the same Chromium and fonts.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { vocabularyOf } from '../../src/cli/wording.js';
import { makeReport } from '../../src/report/make-report.js';
import { startChromium } from '../../tests/helpers/chromium.js';
import { repackPng } from './repack-png.js';

const PICTURE = fileURLToPath(new URL('../../docs/pictures/report.png', import.meta.url));

/** Pixels of the window. */
const WINDOW = { width: 1000, height: 900 };

/** Pixels around the sections. */
const MARGIN = 16;

/** A README should open at once on a slow line. */
const MOST_BYTES = 150 << 10;

/** A page of HTML from one section to another. */
async function photograph(html: string, first: string, last: string): Promise<Buffer> {
  const browser = await startChromium();
  try {
    const page = await browser.newPage({ viewport: WINDOW, colorScheme: 'light', timezoneId: 'UTC', locale: 'en-GB' });
    await page.goto(pathToFileURL(html).href);
    const boxOf = async (id: string) => {
      const box = await page.locator(`section#${id}`).boundingBox();
      if (!box) throw new Error(`the page has no section ${id}`);
      return box;
    };
    const [start, end] = [await boxOf(first), await boxOf(last)];
    const clip = { x: 0, y: start.y - MARGIN, width: WINDOW.width, height: end.y + end.height - start.y + 2 * MARGIN };
    return await page.screenshot({ animations: 'disabled', fullPage: true, clip });
  } finally {
    await browser.close();
  }
}

const [folder, first = 'matrix', last = 'losses', ...others] = process.argv.slice(2);
if (folder === undefined || others.length > 0) {
  console.error('expected the folder of a run or of a study, and no more than the ids of two sections');
  process.exit(2);
}
const temporary = await mkdtemp(join(tmpdir(), 'make-pictures-'));
try {
  const out = join(temporary, 'report.html');
  await makeReport({ folder, out }, { vocabulary: vocabularyOf() });
  const png = repackPng(await photograph(out, first, last));
  if (png.length > MOST_BYTES) throw new Error(`the picture has ${png.length} bytes; at most ${MOST_BYTES} are wanted`);
  mkdirSync(dirname(PICTURE), { recursive: true });
  writeFileSync(PICTURE, png);
  console.log(`${PICTURE}: ${png.length} bytes`);
} finally {
  await rm(temporary, { recursive: true });
}
