import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Guide, openGuide } from '../helpers/guide.js';
import { ROOT } from '../helpers/program.js';

let guide: Guide;
beforeAll(async () => {
  guide = await openGuide('reports.md');
  await mkdir(guide.at('datasets'));
  await symlink(join(ROOT, 'datasets/demo'), guide.at('datasets/demo'));
});
afterAll(() => guide.close());

/** Seven short trainings and an evaluation, however busy the machine is. */
const PATIENCE_MS = 1_200_000;

test('every command of docs/reports.md does what the page says, in the page’s order', {
  timeout: PATIENCE_MS,
}, async () => {
  const { code, said } = await guide.shell(guide.blocks.join(''));
  expect(code, said).toBe(0);
  const page = (path: string) => readFile(guide.at(path), 'utf8');
  const [first] = (await page('datasets/staged/demo/stage-1.jsonl')).split('\n');
  const row = JSON.parse(first!).messages[0].content as string;
  const staged = await page('datasets/staged/demo/report.html');
  expect(staged).toContain('Scores');
  expect(staged).not.toContain(row);
  expect(await page('rows.html')).toContain('<mark>');
  const run = await page('checkpoints/first/report.html');
  const named = /\n\| section \|.*?\n\n/s.exec(await readFile(join(ROOT, 'docs/reports.md'), 'utf8'))![0];
  const sections = [...named.matchAll(/^\| (?!section )([^|-]+?) \|/gm)].map(([, name]) => name!);
  expect(sections).toHaveLength(6);
  for (const name of sections) expect(run).toContain(`>${name}</h2>`);
  const study = await page('studies/small/report.html');
  expect(study).toContain('phased and one-off');
  expect(await page('studies/small/report.md')).toMatch(/\]\(report-pictures\/.*\.svg\)/);
  const evaluation = await page('evals/first/report.html');
  expect(evaluation).toContain('Answers, the most surprising verdicts first');
  for (const path of ['checkpoints/first/tensorboard', 'logs/phased-seed-2'])
    expect(existsSync(guide.at(path)), path).toBe(true);
});
