import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest, readStaged } from '../../src/curriculum/manifest.js';
import { scoredPaths } from '../../src/scoring/scored.js';
import { lastJson, ROOT } from './child.js';
import { phasetune } from './in-process.js';

const DEMO = join(ROOT, 'datasets/demo/raw.jsonl');

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-'));
});
afterAll(() => rmSync(home, { recursive: true }));

const stage = (...args: string[]) => phasetune('stage', ...args);

const place = (name: string) => join(home, name);
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(place(name), content);
  return place(name);
};
const lines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');

describe('phasetune stage', () => {
  it('cuts the demo set at thresholds and shows a table', async () => {
    const { code, out, err } = await stage(
      DEMO,
      '--out',
      place('demo'),
      '--stages',
      '3',
      '--by',
      'thresholds',
      '--thresholds',
      '2.5,3.5',
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const told = out.split('\n').map((line) => line.replace(/~[\d,]+/g, '~n').replace(/ +/g, ' '));
    expect(told.slice(0, 7)).toEqual([
      'stage score mean rows tokens row median row 90 % held out',
      expect.stringMatching(/^1 1 to 2\.4\d? \d\.\d\d 1,084 ~n ~n ~n 120$/),
      expect.stringMatching(/^2 2\.5 to 3\.45 \d\.\d\d 542 ~n ~n ~n 60$/),
      expect.stringMatching(/^3 3\.5 to 5 \d\.\d\d 1,084 ~n ~n ~n 120$/),
      'total 2,710 ~n 300',
      '',
      'rows by score; each bar is drawn with the numbers of its stages',
    ]);
    // 1.6 to 1.9 is all of stage 1, 2.5 to 2.8 of stage 2; each bar with its rows behind it.
    expect(told).toContainEqual(expect.stringMatching(/^ ?1\.6 to 1\.9 1+ \d+$/));
    expect(told).toContainEqual(expect.stringMatching(/^ ?2\.5 to 2\.8 2+ \d+$/));
    expect(told.slice(-4)).toEqual([
      'duplicate instructions: 0 equal, 0 near-duplicates',
      expect.stringMatching(
        /^score and length: Spearman 0\.\d\d; the stages explain \d+\.\d % of the variance of log length$/,
      ),
      `written to ${place('demo')}`,
      '',
    ]);
    expect(readFileSync(join(place('demo'), 'histogram.svg'), 'utf8')).toMatch(/^<svg .*>2\.5<.*>3\.5<.*<\/svg>\n$/s);
    const set = await readStaged(place('demo'));
    expect(set.stages.map(({ rows }) => rows.length)).toEqual([1084, 542, 1084]);
    for (const { rows, index } of set.stages)
      for (const { score } of rows) expect(1 + Number(score! >= 2.5) + Number(score! >= 3.5)).toBe(index);
  });

  it('cuts equal tokens, counted by a tokenizer', async () => {
    const { code, out, err } = await stage(
      DEMO,
      '--out',
      place('tokens'),
      '--by',
      'tokens',
      '--model',
      join(ROOT, 'models/tiny-llama'),
      '--stages',
      '4',
      '--holdout',
      '0',
      '--json',
    );
    expect(code).toBe(0);
    expect(err).not.toContain('estimated');
    const { stages, tokensCounted } = lastJson(out) as {
      stages: { tokens: number; rows: number }[];
      tokensCounted: string;
    };
    expect(tokensCounted).toBe('tokenizer');
    const tokens = stages.map((s) => s.tokens);
    expect(Math.max(...tokens) - Math.min(...tokens)).toBeLessThan(200);
    const { lengths } = await readManifest(place('tokens'));
    expect(Object.keys(lengths.tokenizer!)).toEqual(['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja']);
    expect(stages[0]!.rows).toBeGreaterThan(stages[3]!.rows + 100);
  });

  it('reads rows of other making, packed, with dirty scores', async () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({
      id: String(i),
      score: `${i / 2}\n\n`,
      data: [`Say ${i}.`, `${i}`],
    }));
    const { code, out } = await stage(
      file('phased.jsonl.gz', gzipSync(lines(rows))),
      '--out',
      place('phased'),
      '--holdout',
      '1',
      '--json',
    );
    expect(code).toBe(0);
    expect(lastJson(out)).toMatchObject({
      by: 'rows',
      stages: [{ rows: 3, heldOut: 1, scores: { min: 0, max: 1.5 } }, {}, {}],
    });
  });

  it('holds out what another staged folder holds out', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ prompt: `Say ${i}.`, completion: `${i}`, score: i }));
    const from = file('same.jsonl', lines(rows));
    expect((await stage(from, '--out', place('one'), '--holdout', '4')).code).toBe(0);
    const again = ['--out', place('two'), '--stages', '2', '--holdout-from', place('one')];
    const { code, out } = await stage(from, ...again);
    expect(code).toBe(0);
    expect(out).toContain('held-out rows: the 12 of holdout.jsonl, whatever the cut\n');
    const [one, two] = [await readStaged(place('one')), await readStaged(place('two'))];
    expect(two.holdout.map(({ id }) => id)).toEqual(one.holdout.map(({ id }) => id));
    const json = await stage(from, ...again, '--force', '--json');
    expect(lastJson(json.out)).toMatchObject({ holdoutFrom: { file: 'holdout.jsonl', rows: 12, leftOut: 0 } });
    const both = await stage(from, ...again, '--force', '--holdout', '4');
    expect(both).toMatchObject({
      code: 2,
      err: 'error: --holdout and --holdout-from are both given; expected one of them; leave out --holdout\n',
    });
  });

  it.each(['jenks', 'length'])('cuts by %s, keeps equal scores together and tells duplicates', async (by) => {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      prompt: i < 20 ? 'The same again?' : `Ask ${i} of ${'xyz'[i % 3]}.`,
      completion: 'word '.repeat(1 + (i % 7)),
      score: 1 + (i % 9) / 2,
    }));
    const args = ['--by', by, '--stages', '4', '--holdout', '0.2'];
    const { code, out } = await stage(file('ways.jsonl', lines(rows)), '--out', place(by), ...args);
    expect(code).toBe(0);
    expect(out).toContain('duplicate instructions: 19 equal, 0 near-duplicates; the one group of them is on one side');
    const { stages, holdout } = await readStaged(place(by));
    const bands = stages.map(({ rows: all, index }) => [...all, ...holdout.filter((row) => row.stage === index)]);
    for (const [i, band] of bands.slice(1).entries())
      expect(Math.max(...bands[i]!.map((row) => row.score!))).toBeLessThan(Math.min(...band.map((row) => row.score!)));
    if (by === 'length') for (const band of bands) expect(band.length).toBeGreaterThanOrEqual(25);
  });

  it.each([
    [
      'thresholds out of order',
      2,
      ['--thresholds', '3.5,2.5'],
      'error: --thresholds: expected strictly increasing numbers',
    ],
    [
      'thresholds of the wrong number',
      2,
      ['--thresholds', '2,3', '--stages', '2'],
      'error: --thresholds: expected 1 for 2 stages, got 2',
    ],
    ['an empty stage', 3, ['--thresholds', '3,9'], 'error: stage 3 of 3 (score 9 and over) is empty'],
    ['a folder that is not ours', 2, [], 'is not empty and not a staged folder'],
    ['a held-out part that is too large', 3, ['--holdout', '2000'], 'holding out 2000 leaves none'],
    ['near duplicates that are hardly alike', 2, ['--near-duplicates', '0.2'], '--near-duplicates: expected 0'],
    ['an unknown flag', 2, ['--treshold', '3'], '--thresholds'],
  ])('refuses %s in one line and writes nothing', async (what, code, args, message) => {
    const out = what.startsWith('a folder') ? home : place('refused');
    const ended = await stage(DEMO, '--out', out, ...args);
    expect(ended).toMatchObject({ code, out: '', err: expect.stringContaining(message) });
    expect(ended.err.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(place('refused'))).toBe(false);
  });

  it('refuses rows without a score and a score that is no number, naming them', async () => {
    const rows = [1, 2, 3].map((score) => ({
      id: `r${score}`,
      messages: [
        { role: 'user', content: `q${score}` },
        { role: 'assistant', content: 'a' },
      ],
      score,
    }));
    const { score: _, ...bare } = { ...rows[0]!, id: 'bare' };
    const without = await stage(file('bare.jsonl', lines([...rows, bare])), '--out', place('refused'));
    expect(without).toMatchObject({ code: 3, err: expect.stringContaining('1 of 4 rows have no score (bare)') });
    const wrong = await stage(
      file('wrong.jsonl', lines([...rows, { ...bare, score: 'hard' }])),
      '--out',
      place('refused'),
    );
    expect(wrong).toMatchObject({
      code: 3,
      err: expect.stringContaining('wrong.jsonl:4: expected a number in the field score, found "hard"'),
    });
  });

  it('replaces its own folder only with --force', async () => {
    const rows = Array.from({ length: 9 }, (_, i) => ({ prompt: `q${i}`, completion: 'a', score: i }));
    const input = file('nine.jsonl', lines(rows));
    expect((await stage(input, '--out', place('mine'), '--holdout', '0')).code).toBe(0);
    const before = readFileSync(join(place('mine'), 'manifest.json'), 'utf8');
    expect(await stage(input, '--out', place('mine'), '--seed', '1')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--force'),
    });
    expect(readFileSync(join(place('mine'), 'manifest.json'), 'utf8')).toBe(before);
    expect((await stage(input, '--out', place('mine'), '--stages', '2', '--holdout', '0', '--force')).code).toBe(0);
    expect((await readStaged(place('mine'))).stages).toHaveLength(2);
  });
});

/** Scores whose differences, sums or squares are too small or too large to be a number, or small beside the scores. */
const ODD_SCORES: Readonly<Record<string, (i: number) => number>> = {
  'hardly more than nothing': (i) => i * 1e-310,
  'the smallest that there are': (i) => (i % 5) * 5e-324,
  'of ends that are infinitely far apart': (i) => (i - 20) * 8e306,
  'all huge': (i) => 1e308 + i * 1e306,
  'neighbours among the numbers': (i) => 1 + i * Number.EPSILON,
  'large beside their differences': (i) => 1e15 + i,
  'equal and large': () => 1e12,
  'equal and huge': () => 1.7e308,
  'of all sizes': (i) => 10 ** (i * 15 - 300),
  'below zero': (i) => -(10 ** (i * 15 - 300)),
};

describe.each(Object.entries(ODD_SCORES))('scores %s', (name, score) => {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    id: `r${i}`,
    messages: [
      { role: 'user', content: `What is number ${i} of ${name}?` },
      { role: 'assistant', content: `It is ${'a '.repeat(1 + ((i * 7) % 11))}number.` },
    ],
    score: score(i),
  }));

  it.each(['rows', 'tokens', 'jenks', 'length'])('are cut by %s, or refused with one line', async (by) => {
    const from = file('odd.jsonl', lines(rows));
    const out = place('odd');
    const { code, out: said, err } = await stage(from, '--out', out, '--by', by, '--holdout', '0', '--force');
    expect(said + err).not.toMatch(/NaN|Infinity|undefined|unexpected/);
    if (name.startsWith('equal') && code === 3) return;
    expect(code).toBe(0);
    const { stages } = await readManifest(out);
    for (const { scores } of stages) {
      expect(scores.mean).toBeGreaterThanOrEqual(scores.min - Math.abs(scores.min) * 1e-3 - 1e-4);
      expect(scores.mean).toBeLessThanOrEqual(scores.max + Math.abs(scores.max) * 1e-3 + 1e-4);
    }
    const svg = readFileSync(join(out, 'histogram.svg'), 'utf8');
    expect(svg).not.toMatch(/NaN|Infinity|undefined|(?:width|height)="-/);
    const bars = said.split('\n').filter((line) => / {2}[1-6]+ \d+$/.test(line));
    expect(bars.reduce((rows, line) => rows + Number(line.split(' ').at(-1)), 0)).toBe(40);
  });

  it('are compared with others', async () => {
    const from = file('odd.jsonl', lines(rows));
    const other = file('other.jsonl', lines(rows.map((row, i) => ({ ...row, score: (i * 7) % 11 }))));
    const [plots, report] = [place('odd-plots'), place('odd-report.json')];
    const { code, out, err } = await phasetune('score', 'compare', from, other, '--plots', plots, '--out', report);
    expect(out + err).not.toMatch(/NaN|Infinity|undefined|unexpected/);
    expect(code).toBe(0);
    const [picture] = readdirSync(plots);
    expect(readFileSync(join(plots, picture!), 'utf8')).not.toMatch(/NaN|Infinity|undefined|(?:width|height)="-/);
    rmSync(plots, { recursive: true });
  });

  it('are summed up by a scorer', async () => {
    const from = file('odd.jsonl', lines(rows.map(({ score: level, ...row }) => ({ ...row, level }))));
    const args = ['import', from, '--out', place('odd-scored.jsonl'), '--score-column', 'level', '--force'];
    const { code, out, err } = await phasetune('score', ...args);
    expect({ code, odd: /NaN|Infinity|undefined|null/.test(out + err) }).toEqual({ code: 0, odd: false });
    const manifest = JSON.parse(readFileSync(scoredPaths(place('odd-scored.jsonl')).manifest, 'utf8'));
    expect(Object.values(manifest.scores)).not.toContain(null);
  });
});
