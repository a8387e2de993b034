import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deadSiteLinks } from '../../scripts/docs/site-links.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ROOT } from '../helpers/program.js';

/** What `npm run docs` builds, which `npm run check` leaves out for its time. */
test('the site builds without a warning, has every guide and the door, and no dead link', () => {
  const site = join(temporaryFolder('site'), 'site');
  const args = [join(ROOT, 'node_modules/typedoc/bin/typedoc'), '--out', site];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  expect([status, `${stdout}${stderr}`.match(/.*(warning|error).*/g)]).toEqual([0, null]);
  const guides = readdirSync(join(ROOT, 'docs'), { encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  expect(guides.length).toBeGreaterThan(8);
  for (const guide of guides) {
    const heading = /^# (.*)/.exec(readFileSync(join(ROOT, 'docs', guide), 'utf8'))![1]!;
    const page = readFileSync(join(site, 'guides', guide.replace('.md', '.html').toLowerCase()), 'utf8');
    expect(page).toContain(`<title>${heading} | phasetune</title>`);
    expect(page).toContain(`>${heading}<a`);
  }
  const studies = readdirSync(join(ROOT, 'docs/studies'), { encoding: 'utf8' }).filter((name) =>
    /^[a-z].*\.md$/.test(name),
  );
  expect(studies.length).toBe(8);
  for (const study of studies)
    expect(existsSync(join(site, 'guides/studies', study.replace('.md', '.html'))), study).toBe(true);
  for (const page of [
    'guides/recipes.html',
    'guides/changelog.html',
    'guides/contributing.html',
    'guides/results/first-run.html',
  ])
    expect(existsSync(join(site, page)), page).toBe(true);
  expect(deadSiteLinks(site)).toEqual([]);
});

test('a dead link, a dead anchor and a way out of the site are found', () => {
  const site = temporaryFolder('site');
  mkdirSync(join(site, 'a'));
  writeFileSync(
    join(site, 'a/b.html'),
    '<a href="../c.html#here"><a href="../c.html#gone"><img src="no.svg"><a href="../..">',
  );
  writeFileSync(join(site, 'c.html'), '<h2 id="here"><a href="#here"><a href="https://example.org/no"><a href="a">');
  expect(deadSiteLinks(site).sort()).toEqual([
    'a/b.html: ../..',
    'a/b.html: ../c.html#gone',
    'a/b.html: no.svg',
    'c.html: a',
  ]);
});
