import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importFile } from '../../src/data/import.js';
import { importOptionsSchema } from '../../src/data/options.js';
import { cleaningLines, cleanScore } from '../../src/scoring/cleaning.js';
import { joinRatings } from '../../src/scoring/join-ratings.js';
import { matchRows } from '../../src/scoring/match.js';
import { type RatingOptions, readRatings } from '../../src/scoring/ratings.js';
import { needs, realData } from '../helpers/tokens.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-'));
});
afterAll(() => rmSync(home, { recursive: true }));

const read = (name: string, content: string, options?: RatingOptions) => {
  writeFileSync(join(home, name), content);
  return readRatings(join(home, name), options);
};
const lines = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const alpaca = (instruction: string, more: object = {}) => ({ instruction, input: '', output: 'Yes.', ...more });

describe('a score', () => {
  it.each([
    [3, 3, false],
    ['3.5\n\n', 3.5, true],
    ['4.25', 4.25, false],
    [' -1e2 ', -100, true],
    ['.5', 0.5, false],
  ])('%j is %d', (raw, score, trimmed) => {
    expect(cleanScore(raw)).toEqual({ score, trimmed });
  });

  it.each([
    ['', 'empty'],
    [' \n', 'empty'],
    [null, 'empty'],
    ['4/5', 'notNumbers'],
    ['four', 'notNumbers'],
    ['0x10', 'notNumbers'],
    ['Infinity', 'notNumbers'],
    [Number.NaN, 'notNumbers'],
    [true, 'notNumbers'],
    ['Score: 4.', 'notNumbers'],
    [6, 'outOfRange'],
    ['0.99', 'outOfRange'],
  ])('%j is none: %s', (raw, problem) => {
    expect(cleanScore(raw, [1, 5])).toMatchObject({ problem });
  });

  it('says what to do about a decimal comma', () => {
    expect(cleanScore('3,5')).toMatchObject({ reason: 'expected a number, found "3,5" (write a point, not a comma)' });
  });
});

describe('reading scores from elsewhere', () => {
  it('takes a table and tells what it dropped, and where', async () => {
    const { scores, cleaning } = await read('r.csv', 'key,level,note\na, 3 ,x\nb,,\nc,4/5,\nd,9,\n,2,\ne,1,\ne,2,\n', {
      idColumn: 'key',
      scoreColumn: 'level',
      range: [1, 5],
    });
    expect([...scores]).toEqual([
      ['a', 3],
      ['e', 1.5],
    ]);
    const counts = {
      rows: 7,
      kept: 3,
      trimmed: 1,
      empty: 1,
      notNumbers: 1,
      outOfRange: 1,
      withoutId: 1,
      unreadable: 0,
      duplicates: 2,
    };
    expect(cleaning).toMatchObject(counts);
    const path = join(home, 'r.csv');
    expect(cleaningLines(cleaning)).toEqual([
      '3 of 7 rows used: 1 had white space around the number, 1 had no score, 1 had something other than a number, 1 were out of range, 1 had no id, 2 shared an id with another row',
      `${path}:4: expected a number, found "4/5"`,
      `${path}:5: expected a number from 1 to 5, found 9`,
      `${path}:6: expected an id, found none`,
    ]);
  });

  it('has nothing to tell of a clean file', async () => {
    expect(cleaningLines((await read('c.csv', 'id,rating\na,1\nb,2\n')).cleaning)).toEqual([]);
  });

  it('takes the scores of PhasedSFT, which are texts with white space', async () => {
    const rows = ['3.5\n\n', '4.25', '5'].map((score, i) => ({
      id: String(i),
      score,
      data: [`Question ${i}?`, 'Answer.'],
    }));
    const { scores, cleaning, texts } = await read('p.jsonl', lines(...rows));
    expect([...scores]).toEqual([
      ['0', 3.5],
      ['1', 4.25],
      ['2', 5],
    ]);
    expect(cleaning).toMatchObject({ kept: 3, trimmed: 1 });
    expect(texts.get('1')).toMatchObject({ start: 'Question 1?', instruction: 3, answer: 2 });
  });

  it('takes JSON of ids and numbers, with the score inside of something', async () => {
    const content = JSON.stringify([
      { uid: 7, judge: { level: '2' } },
      { uid: 8, judge: { level: 3 } },
    ]);
    const { scores } = await read('j.json', content, { idColumn: 'uid', scoreColumn: 'judge.level' });
    expect([...scores]).toEqual([
      ['7', 2],
      ['8', 3],
    ]);
  });

  it('keeps the first of two rows that share an id but say something else', async () => {
    const row = (text: string, score: number) => ({ id: 'a', score, data: [text, 'Yes.'] });
    const { scores, cleaning } = await read('d.jsonl', lines(row('One?', 1), row('Two?', 5), row('one?', 2)));
    expect(scores.get('a')).toBeCloseTo((1 + 1 + 2) / 3, 12);
    expect(cleaning.duplicates).toBe(3);
  });

  it.each([
    [
      'a column that is not there',
      'n.csv',
      'id,level\na,1\n',
      /expected a column score or rating or difficulty, found id, level; set `scoreColumn` to its name/,
    ],
    [
      'an id column that is not there',
      'n.csv',
      'key,score\na,1\n',
      /expected a column id, found key, score; set `idColumn` to its name/,
    ],
    ['no score at all', 'n.csv', 'id,rating\na,\nb,\n', /none of its 2 rows has a score; fill in some/],
    [
      'a spreadsheet',
      'n.xlsx',
      'PK\u0003\u0004\u0014[Content_Types].xml',
      /an Excel workbook, .* save the sheet as CSV/,
    ],
    [
      'nothing but what is no number',
      'n.csv',
      'id,rating\na,x\n',
      /none of its 1 rows has a score \(.*n\.csv:2: expected a number, found "x"\)/,
    ],
    ['no rows', 'n.jsonl', '', /no rows; expected at least one/],
  ])('refuses %s', async (_, name, content, message) => {
    await expect(read(name, content)).rejects.toThrow(message);
  });
});

describe('finding the same rows in two files', () => {
  it('goes by id, and leaves out rows whose texts differ', async () => {
    const first = await read(
      'a.jsonl',
      lines(
        alpaca('One?', { id: 'a', score: 1 }),
        alpaca('Two?', { id: 'b', score: 2 }),
        alpaca('Three?', { id: 'c', score: 3 }),
      ),
    );
    const second = await read(
      'b.jsonl',
      lines(
        alpaca('two? ', { id: 'b', score: 5 }),
        alpaca('Other?', { id: 'c', score: 4 }),
        alpaca('Four?', { id: 'd', score: 3 }),
      ),
    );
    expect(matchRows(first, second, 'id')).toMatchObject({ by: 'id', ids: ['b'], only: [2, 2], differing: 1 });
  });

  it('goes by what the user says where the ids have nothing in common', async () => {
    const first = await read(
      'a.jsonl',
      lines(...['One?', 'Two?'].map((text, i) => ({ id: `p${i}`, score: `${i + 3}`, data: [text, 'Yes.'] }))),
    );
    const second = await read(
      'b.json',
      JSON.stringify([alpaca('Two?', { score: 9 }), alpaca('Ten?', { score: 8 }), alpaca('ONE?', { score: 7 })]),
    );
    const { by, ids, x, y } = matchRows(first, second);
    expect({ by, ids, x: [...x], y: [...y] }).toEqual({ by: 'content', ids: ['p0', 'p1'], x: [3, 4], y: [7, 9] });
  });

  it('gives every row of a content its score when scores are put to rows', async () => {
    const message = (content: string) =>
      [
        { role: 'user', content },
        { role: 'assistant', content: 'Yes.' },
      ] as const;
    const records = ['One?', 'one?', 'Two?', 'Three?'].map((text, i) => ({
      id: `r${i}`,
      messages: [...message(text)],
    }));
    const ratings = await read(
      's.jsonl',
      lines(
        alpaca('One?', { id: 'x', score: 2 }),
        alpaca('Two?', { id: 'y', score: 4 }),
        alpaca('Nine?', { id: 'z', score: 1 }),
      ),
    );
    const { by, scores, missing, unused } = joinRatings(records, ratings, 'auto');
    expect({ by, scores: [...scores], missing, unused }).toEqual({
      by: 'content',
      scores: [
        ['r0', 2],
        ['r2', 4],
        ['r1', 2],
      ],
      missing: 1,
      unused: 1,
    });
  });
});

const PHASEDSFT = realData('phasedsft-alpaca52k-stage3.jsonl');
const ALPACA = realData('alpaca-random-9k.json');

describe('the real rows', () => {
  it('are found again in another file by what they say, with the scores that they have', async (context) => {
    needs(context, PHASEDSFT, ALPACA);
    const rated = await readRatings(PHASEDSFT);
    const counts = { rows: 6889, kept: 6889, trimmed: 21, empty: 0, notNumbers: 0, outOfRange: 0, duplicates: 0 };
    expect(rated.cleaning).toMatchObject(counts);
    expect([Math.min(...rated.scores.values()), Math.max(...rated.scores.values())]).toEqual([3.5, 5]);
    const { records } = await importFile(ALPACA, importOptionsSchema.parse({ badRows: 'skip' }));
    const { by, scores } = joinRatings(records, rated, 'auto');
    // As Python counts them: rows of the draw whose instruction and input, joined, are an instruction of the rated rows.
    expect({ by, found: scores.size }).toEqual({ by: 'content', found: 969 });
  });
});
