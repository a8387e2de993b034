import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { leastDifferenceT, leastMarginT } from '../../src/statistics/t-power.js';
import { resolveStudy } from '../../src/study/resolve.js';
import { type StudyFile, studyFileSchema } from '../../src/study/study-file.js';
import { decideMetric } from '../../src/study/win-rate-options.js';
import { ROOT } from '../helpers/program.js';

const FOLDER = join(ROOT, 'docs/studies');
const NAMES = readdirSync(FOLDER)
  // The one of the guide is not for real rows.
  .filter((name) => name.endsWith('.yaml') && name !== 'tiny.yaml')
  .map((name) => name.replace('.yaml', ''))
  .sort();

const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const studyOf = (name: string): StudyFile => studyFileSchema.parse(parse(read(`${name}.yaml`)));

test('eight studies, each in the index and with a page', () => {
  expect(NAMES).toEqual(['data-set', 'model-size', 'order', 'paper', 'replay', 'scorer', 'smoothness', 'stage-count']);
  const pages = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));
  expect(pages.sort()).toEqual(['README.md', ...NAMES.map((name) => `${name}.md`)].sort());
  for (const name of NAMES) expect(read('README.md')).toContain(`[${name}](${name}.md)`);
});

/** Arms that a study has besides those that it writes out. */
const expanded = ({ expand }: StudyFile) => Object.values(expand).reduce((n, { stages }) => n + stages.length, 0);

const combinations = ({ axes }: StudyFile) =>
  Object.values(axes).reduce((n, values) => n * Object.keys(values).length, 1);

/** Comparisons of the family of Holm's adjustment: every arm with its control, in each combination of the axes. */
const comparisons = (study: StudyFile) => (Object.keys(study.arms).length + expanded(study) - 1) * combinations(study);

const WORDS: Readonly<Record<number, string>> = {
  1: 'one comparison',
  3: 'three comparisons',
  4: 'four comparisons',
  5: 'five comparisons',
};

const cellsOf = (study: StudyFile) =>
  (Object.keys(study.arms).length + expanded(study)) * combinations(study) * (study.seeds as number);

/** Tokens of the rows that pages estimate hours with, and tokens per second, both from pages that they name. */
const EXAMPLE = { tokens: 99_164, perSecond: 392 };

describe.each(NAMES)('%s', (name) => {
  const study = studyOf(name);
  const page = read(`${name}.md`);

  test('its study is whole', () => {
    expect(Object.keys(study.arms)).toContain(study.control);
    expect(decideMetric(study.metric, { environment: {} })).toEqual(study.metric);
    expect(typeof study.seeds).toBe('number');
  });

  test('its page names the file, the commands, and how long it takes', () => {
    expect(page).toContain(`[${name}.yaml](${name}.yaml)`);
    const run = `npx phasetune ablate docs/studies/${name}.yaml --out studies/${name}`;
    expect(page).toContain(`${run} --dry-run\n${run}\n`);
    expect(page).toContain(`The study has ${study.seeds} seeds.`);
    const cells = cellsOf(study);
    expect(page).toContain(`${cells} cells. Hours = cells ×`);
    const epochs = (study.base as { epochs: number }).epochs;
    const hours = (cells * epochs * EXAMPLE.tokens) / EXAMPLE.perSecond / 3600;
    expect(page).toContain('three epochs of them at the 392 tokens');
    expect(page.replaceAll('\n', ' ')).toContain(`are ${hours.toFixed(1)} hours for the study`);
    expect(read('README.md')).toMatch(new RegExp(`\\[${name}\\]\\(${name}.md\\).*\\| ${cells} \\|`));
  });

  test('the seeds on its page come out of the power of its tests', () => {
    const m = comparisons(study);
    expect(page.replaceAll('\n', ' ')).toContain(`for ${WORDS[m]} at 5 % and a power of 80 %`);
    const alpha = study.alpha / m;
    const of = (n: number) =>
      [leastDifferenceT, leastMarginT].map((least) => least({ n, sd: 1, alpha, power: 0.8 }).toFixed(2));
    const rows = [...page.matchAll(/^\| (\d+) \| ([\d.]+) \| ([\d.]+) \|$/gm)].map(([, ...cells]) => cells);
    expect(rows).toEqual([6, 8, 12, 20].map((n) => [String(n), ...of(n)]));
    if (m > 1) expect(page.replaceAll('\n', ' ')).toContain(`p < 0.05/${m} (Holm)`);
    // With fewer seeds the permutation test cannot find anything.
    expect(2 ** (1 - (study.seeds as number)) * m).toBeLessThan(study.alpha);
  });

  test('resolved, it has the cells that its page says, and all arms the same held-out rows', async () => {
    const { cells, sets } = await resolveStudy(join(FOLDER, `${name}.yaml`));
    expect(cells).toHaveLength(cellsOf(study));
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
    const datasets = study.axes.dataset ? Object.keys(study.axes.dataset).length : 1;
    expect(new Set(sets.map(({ holdout }) => holdout)).size).toBe(datasets);
  });

  test('its page makes every file and model that the study names', () => {
    const made = [...page.matchAll(/--out (\S+)/g)].map(([, path]) => path!);
    const pulled = [...page.matchAll(/model pull \S+\/(\S+)/g)].map(([, model]) => `models/${model}`);
    const named = [...new Set(read(`${name}.yaml`).match(/(datasets|models)\/[\w./-]+/g))];
    expect(named.length).toBeGreaterThan(1);
    for (const path of named) expect([...made, ...pulled]).toContain(path);
  });

  test('metrics that its page shows are metrics', () => {
    for (const [, block] of page.matchAll(/^```yaml\n(.*?)^```$/gms))
      expect(() =>
        decideMetric(studyFileSchema.parse({ ...study, ...parse(block!) }).metric, { environment: {} }),
      ).not.toThrow();
  });
});

test('the figures that hours are estimated with are those of the pages that are named', () => {
  const doc = (path: string) => readFileSync(join(ROOT, 'docs', path), 'utf8');
  expect(doc('results/evaluation-1.md')).toContain('900 rows, 99,164 tokens');
  expect(doc('performance.md')).toContain(`${EXAMPLE.perSecond} tokens/s`);
});

test('one page shows the metric of win rates', () => {
  expect(read('paper.md')).toContain('win-rate:');
});
