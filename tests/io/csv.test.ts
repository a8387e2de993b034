import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { undefuse, writeCsv } from '../../src/io/csv.js';
import { rowsOf } from '../helpers/rows.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-'));
});
afterAll(() => rmSync(home, { recursive: true }));

const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(home, name), content);
  return join(home, name);
};
const cellsOf = async (path: string) => (await rowsOf(path)).map(({ value }) => value as Record<string, string>);

describe('reading a table', () => {
  it.each([
    ['commas', 'id,rating\na,1\nb,2\n'],
    ['semicolons, as spreadsheets of many countries write them', 'id;rating\r\na;1\r\nb;2\r\n'],
    ['tabs', 'id\trating\na\t1\nb\t2'],
    ['bars', 'id|rating\na|1\nb|2'],
    [
      'a byte order mark, quotes and blank rows',
      '\ufeff"id" , "rating"\n"a",1\n\n,\n"b","2"\n'.replace('" ,', '",').replace(', "', ',"'),
    ],
  ])('separated by %s', async (_, content) => {
    expect(await cellsOf(file('t.csv', content))).toEqual([
      { id: 'a', rating: '1' },
      { id: 'b', rating: '2' },
    ]);
  });

  it('reads gzip, line breaks and quotes inside of cells, and rows that are too short', async () => {
    const path = file('t.csv.gz', gzipSync('id,text,rating\na,"two\nlines, ""quoted""",3\nb,x\n'));
    const rows = await rowsOf(path);
    expect(rows.map(({ value }) => value)).toEqual([
      { id: 'a', text: 'two\nlines, "quoted"', rating: '3' },
      { id: 'b', text: 'x', rating: '' },
    ]);
    expect(rows.map(({ place }) => place)).toEqual([`${path}:3`, `${path}:4`]);
  });

  it('goes by the separator that the names have, not by what is quoted in them', async () => {
    expect(await cellsOf(file('t.csv', '"a,b,c";rating\n"1,5";2\n'))).toEqual([{ 'a,b,c': '1,5', rating: '2' }]);
  });

  it.each([
    ['names that are all empty', ',\n1,2\n', /expected a first line with the names/],
    ['a name twice', 'id,id\n1,2\n', /:1: the column id is there twice/],
    ['a quote without end', 'id,rating\na,"1\nb,2\n', /broken table: .*line 3/],
  ])('refuses %s', async (_, content, message) => {
    await expect(rowsOf(file('bad.csv', content))).rejects.toThrow(message);
  });
});

describe('writing a table', () => {
  it('comes back as it was, whatever is in the cells', async () => {
    const cell = fc
      .string({ unit: 'binary', maxLength: 12 })
      .filter((text) => !text.startsWith("'") && text.trim() !== '');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 5 }), async (rows) => {
        const path = join(home, 'round.csv');
        await writeCsv(path, ['id', 'text'], rows);
        expect((await cellsOf(path)).map(({ id, text }) => [undefuse(id!), undefuse(text!)])).toEqual(rows);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it('leaves no formula for a spreadsheet to run', async () => {
    await writeCsv(join(home, 'formula.csv'), ['id', 'text'], [['-1', '=HYPERLINK("http://x")']]);
    const written = readFileSync(join(home, 'formula.csv'), 'utf8');
    expect(written).not.toMatch(/(^|,)"?[=-]/m);
    const [row] = await cellsOf(join(home, 'formula.csv'));
    expect(undefuse(row!.id!)).toBe('-1');
    expect(undefuse(row!.text!)).toBe('=HYPERLINK("http://x")');
  });
});
