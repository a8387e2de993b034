import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCsv } from '../../src/io/csv.js';
import { readScoresManifest } from '../../src/scoring/scored.js';
import { rowsOf } from '../helpers/rows.js';
import { lastJson, ROOT } from './child.js';
import { phasetune } from './in-process.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-'));
});
afterAll(() => rmSync(home, { recursive: true }));

const place = (name: string) => join(home, name);
const file = (name: string, content: string) => {
  writeFileSync(place(name), content);
  return place(name);
};
const text = (i: number) => `Question number ${i}, please?`;
/** Rows as PhasedSFT has them: scores are texts, one of them with white space. */
const phased = (n: number) =>
  Array.from({ length: n }, (_, i) =>
    JSON.stringify({
      id: String(1000 + i),
      score: i === 3 ? '3.5\n\n' : String(3 + (i % 9) / 4),
      data: [text(i), 'x'.repeat(4 * i + 1)],
    }),
  ).join('\n');

describe('phasetune score import', () => {
  it('puts the ratings of a table to rows and tells what was cleaned', async () => {
    const rows = file('rows.jsonl', phased(6));
    const ratings = file('ratings.csv', 'key;level\n1000; 4 \n1001;4/5\n1002;9\n1003;2,5\n1004;1\nnobody;3\n');
    const flags = [
      '--from',
      ratings,
      '--id-column',
      'key',
      '--score-column',
      'level',
      '--range',
      '1,5',
      '--out',
      place('scored.jsonl'),
    ];
    const { code, out, err } = await phasetune('score', 'import', rows, ...flags);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')).toEqual([
      '3 of 6 rows used: 1 had white space around the number, 2 had something other than a number, 1 were out of range',
      `${ratings}:3: expected a number, found "4/5"`,
      `${ratings}:4: expected a number from 1 to 5, found 9`,
      `${ratings}:5: expected a number, found "2,5" (write a point, not a comma)`,
      '2 of 6 rows got a score, matched by id',
      `4 rows have none: there is no score for them in ${ratings}`,
      '1 of its scores match no row',
      `written to ${place('scored.jsonl')}`,
      '',
    ]);
    const written = readFileSync(place('scored.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(written.map(({ id, score }) => [id, score])).toEqual([
      ['1000', 4],
      ['1001', undefined],
      ['1002', undefined],
      ['1003', undefined],
      ['1004', 1],
      ['1005', undefined],
    ]);
    const manifest = await readScoresManifest(place('scored.jsonl'));
    expect(manifest).toMatchObject({
      scorer: 'import',
      counts: { rows: 6, scored: 2, unscored: 4 },
      reasons: { missing: 4 },
    });
  });

  it('cleans the scores that PhasedSFT rows have themselves', async () => {
    const rows = file('p.jsonl', phased(5));
    const { out } = await phasetune('score', 'import', rows, '--out', place('own.jsonl'), '--json');
    expect(lastJson(out)).toMatchObject({
      rows: 5,
      scored: 5,
      missing: 0,
      unused: 0,
      cleaning: { kept: 5, trimmed: 1 },
    });
  });

  it('does not write over what it reads', async () => {
    const rows = file('p.jsonl', phased(5));
    const { code, err } = await phasetune('score', 'import', rows, '--out', rows);
    expect(code).toBe(2);
    expect(err).toContain('is the file that is read');
  });
});

describe('phasetune score sample and score compare', () => {
  it('make a sheet, read it half filled in, and report with a picture', async () => {
    const rows = file('all.jsonl', phased(60));
    const sheet = place('sheet.csv');
    const drawn = await phasetune('score', 'sample', rows, '--rows', '20', '--out', sheet);
    expect({ code: drawn.code, err: drawn.err }).toEqual({ code: 0, err: '' });
    expect(drawn.out).toContain(`20 rows in ${sheet}, from 5 strata:`);
    const table = await rowsOf(sheet);
    const { columns } = table[0]!;
    expect(columns).toEqual(['id', 'instruction', 'rating']);
    expect(readFileSync(sheet, 'utf8')).not.toMatch(/,3\.\d|score|stage/);
    expect(readFileSync(place('sheet.guide.md'), 'utf8')).toContain('a number from 1 to 5');

    const again = await phasetune('score', 'sample', rows, '--rows', '20', '--out', sheet);
    expect(again.code).toBe(2);
    expect(again.err).toContain('exists, and ratings may be in it');

    // A rater who sees what the score sees, for half of the rows.
    const rate = (id: string) => String(3 + ((Number(id) - 1000) % 9) / 4);
    const filled = table.map(({ value }, i) => {
      const { id, instruction } = value as Record<'id' | 'instruction', string>;
      return [id, instruction, i % 2 === 0 ? rate(id) : ''];
    });
    await writeCsv(sheet, columns!, filled);
    const report = place('report.md');
    const compared = await phasetune('score', 'compare', rows, `raters=${sheet}`, '--resamples', '20', '--out', report);
    expect(compared.code).toBe(0);
    expect(compared.out).toContain('raters: 10 of 20 rows used: 10 had no score');
    expect(compared.out).toMatch(/same order, % of pairs both tell apart +100\.0 \[100\.0, 100\.0\]/);
    expect(compared.out).toContain(`written to ${report}`);
    expect(readFileSync(report, 'utf8')).toContain('![all and raters](report-all-raters.svg)');
    expect(readFileSync(place('report-all-raters.svg'), 'utf8')).toContain('all against raters, 10 rows');
  });

  it('tells everything as JSON, on stdout and in a file', async () => {
    const rows = file('all.jsonl', phased(30));
    const ratings = file(
      'r.csv',
      `id,rating\n${Array.from({ length: 30 }, (_, i) => `${1000 + i},${i % 4}`).join('\n')}\n`,
    );
    const flags = ['--resamples', '0', '--worst', '2', '--stages', '2', '--out', place('c.json'), '--json'];
    const { out } = await phasetune('score', 'compare', rows, ratings, ...flags);
    const told = lastJson(out) as { pairs: { rows: number; worst: unknown[]; moves: { table: unknown[] } }[] };
    expect(told.pairs[0]).toMatchObject({ rows: 30, matchedBy: 'id', agreement: { order: { interval: null } } });
    expect([told.pairs[0]!.worst.length, told.pairs[0]!.moves.table.length]).toEqual([2, 2]);
    const { schema, version, pairs } = JSON.parse(readFileSync(place('c.json'), 'utf8'));
    expect({ schema, version, pairs }).toEqual({ schema: 'phasetune/agreement', version: 1, pairs: told.pairs });
  });

  it.each([
    ['one file only', ['all.jsonl'], 2, /at least 2/],
    ['a file that is missing', ['all.jsonl', 'none.csv'], 3, /none\.csv: no such file/],
    ['two files of one name', ['all.jsonl', './all.jsonl'], 2, /two files would be called all; give them names: a=/],
    ['a report of an unknown kind', ['all.jsonl', 'b=all.jsonl', '--out', 'x.pdf'], 2, /ends with \.md or \.json/],
    ['a report over what is read', ['all.jsonl', 'b=r.json', '--out', 'r.json'], 2, /is the file that is read/],
    ['a range upside down', ['all.jsonl', 'b=all.jsonl', '--range', '5,1'], 2, /lowest score before the highest/],
  ])('refuse %s', async (_, args, expected, message) => {
    file('all.jsonl', phased(4));
    file('r.json', phased(4));
    const placed = args.map((arg) =>
      /\.(jsonl?|csv|pdf)$/.test(arg)
        ? arg.replace(/^(\w=)?(.*)$/, (_all, name = '', path) => name + place(path))
        : arg,
    );
    const { code, err } = await phasetune('score', 'compare', ...placed);
    expect(err).toMatch(message);
    expect(code).toBe(expected);
    expect(existsSync(place('x.pdf'))).toBe(false);
  });
});

describe('the page of scores', () => {
  it('is made of scored files, with ids and numbers and no text of a row', async () => {
    const rows = file('gpt4.jsonl', phased(40));
    const other = (name: string, score: (i: number) => number) =>
      file(
        name,
        Array.from({ length: 40 }, (_, i) =>
          JSON.stringify({ id: String(1000 + i), score: score(i), data: [text(i), 'Yes.'] }),
        ).join('\n'),
      );
    const drawn = (name: string, score: (i: number) => number) =>
      file(
        name,
        JSON.stringify(
          Array.from({ length: 80 }, (_, i) => ({ instruction: text(i), input: '', output: 'Yes.', score: score(i) })),
        ),
      );
    const args = [
      ['--gpt4', rows],
      ['--ifd', other('ifd.jsonl', (i) => (i * 7) % 11)],
      ['--length', other('length.jsonl', (i) => i)],
      ['--drawn-ifd', drawn('drawn-ifd.json', (i) => (i * 5) % 13)],
      ['--drawn-length', drawn('drawn-length.json', (i) => -i)],
      ['--out', place('page/scores.md')],
      ['--resamples', '20'],
    ].flat();
    execFileSync(process.execPath, ['--import', 'tsx', join(ROOT, 'scripts/make-scores-page.ts'), ...args], {
      cwd: ROOT,
    });
    const page = readFileSync(place('page/scores.md'), 'utf8');
    expect(page).not.toMatch(/Question number|NaN|undefined/);
    for (const name of ['gpt-4-ifd', 'gpt-4-length', 'ifd-length']) {
      expect(page).toContain(`(scores-${name}.svg)`);
      expect(readFileSync(place(`page/scores-${name}.svg`), 'utf8')).not.toContain('Question');
    }
    // Half of the draw is not among the rated rows, so it was rated lower; the other half has the scores that it has there.
    expect(page).toMatch(/three bands of \d+, \d+, \d+ rows/);
    const [low, middle, high] = /three bands of (\d+), (\d+), (\d+) rows/.exec(page)!.slice(1).map(Number);
    const scores = Array.from({ length: 40 }, (_, i) => (i === 3 ? 3.5 : 3 + (i % 9) / 4));
    expect([low, middle, high]).toEqual([
      40 + scores.filter((score) => score < 3.5).length,
      scores.filter((score) => score >= 3.5 && score < 4.5).length,
      scores.filter((score) => score >= 4.5).length,
    ]);
  });
});
