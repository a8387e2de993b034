import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeMadeUpRun } from '../../scripts/report/made-up-run.js';
import { writeMadeUpStudy } from '../../scripts/report/made-up-study.js';
import { openInBrowser } from '../../src/cli/open-in-browser.js';
import { temporaryFolder } from '../helpers/folder.js';
import { phasetune } from './in-process.js';

function runOf(): string {
  const folder = join(temporaryFolder('report'), 'first run');
  mkdirSync(folder);
  writeMadeUpRun(folder, { seed: 1, order: 'phased', stages: 3, steps: 9, loss: 2 });
  return folder;
}

describe('phasetune report', () => {
  test('writes the page into the folder and says where', async () => {
    const folder = runOf();
    const { code, out, err } = await phasetune('report', folder);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^report of a run: .*first run\/report\.html \(\d.* KiB\)\n$/);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/);
  });

  test('prints one JSON object, and writes to the files that are named', async () => {
    const folder = runOf();
    const place = temporaryFolder('out');
    const [html, md] = [join(place, 'a.html'), join(place, 'b.md')];
    const { code, out } = await phasetune('report', folder, '--out', html, '--markdown', md, '--json');
    expect(code).toBe(0);
    const made = JSON.parse(out);
    expect(made).toMatchObject({ kind: 'a run', folder, out: html, markdown: md });
    expect(made.bytes).toBe(readFileSync(html).length);
    expect(made.pictures).toContain(join(place, 'b-pictures', 'curve-training.svg'));
  });

  test('its commands are those of this program', async () => {
    const folder = runOf();
    await phasetune('report', folder);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain(
      'phasetune train --config recipe.json --out another-folder',
    );
    const study = join(temporaryFolder('report'), 'orders');
    const arm = { order: 'one-off', stages: 1, effect: 0 } as const;
    await writeMadeUpStudy(study, { arms: { one: arm, two: arm }, seeds: 2, steps: 4 });
    await phasetune('report', study);
    expect(readFileSync(join(study, 'report.html'), 'utf8')).toContain(
      'phasetune ablate study.json --out another-folder',
    );
  });

  test('ends with 3 where there is nothing to report, and with 2 where a file is in the way', async () => {
    const empty = await phasetune('report', temporaryFolder('empty'));
    expect([empty.code, empty.out]).toEqual([3, '']);
    expect(empty.err).toMatch(/none of these files is in it; expected the folder of a run \(run\.json\)/);
    const folder = runOf();
    writeFileSync(join(folder, 'report.html'), '<p>mine</p>');
    const refused = await phasetune('report', folder);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(
      /report\.html exists, and it is not a report of phasetune; it is left as it is; set --out to another file/,
    );
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe('<p>mine</p>');
  });

  test('a broken line is named with its number', async () => {
    const folder = runOf();
    const path = join(folder, 'events.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"step":2', '"step":"two"'));
    const { code, err } = await phasetune('report', folder);
    expect(code).toBe(3);
    expect(err).toMatch(/events\.jsonl:5: field step: /);
  });
});

describe('openInBrowser', () => {
  test('opens nothing without a screen, and reports a program that is not there', async () => {
    expect(await openInBrowser('file:///a.html', { platform: 'linux', environment: {} })).toBe(false);
    expect(await openInBrowser('file:///a.html', { platform: 'aix', environment: { DISPLAY: ':0' } })).toBe(false);
    const path = process.env.PATH;
    process.env.PATH = temporaryFolder('no-programs');
    try {
      expect(await openInBrowser('file:///a.html', { platform: 'linux', environment: { DISPLAY: ':0' } })).toBe(false);
    } finally {
      process.env.PATH = path;
    }
  });

  test('gives the address to the opener', async () => {
    const folder = temporaryFolder('opener');
    const said = join(folder, 'said');
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\nprintf '%s' "$1" > ${said}\n`, { mode: 0o755 });
    const path = process.env.PATH;
    process.env.PATH = `${folder}:${path}`;
    try {
      expect(await openInBrowser('file:///a%20b.html', { platform: 'linux', environment: { DISPLAY: ':0' } })).toBe(
        true,
      );
    } finally {
      process.env.PATH = path;
    }
    await expect.poll(() => readFileSync(said, 'utf8')).toBe('file:///a%20b.html');
  });
});
