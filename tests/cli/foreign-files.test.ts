import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { phasetune } from './in-process.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'phasetune-foreign-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const place = (name: string) => join(home, name);
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(place(name), content);
  return place(name);
};
const written = (name: string) =>
  readFileSync(place(name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; score?: number });
const scoresOf = async (rows: string, from: string) => {
  const { code, err } = await phasetune(
    'score',
    'import',
    rows,
    '--from',
    from,
    '--out',
    place('out.jsonl'),
    '--force',
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return written('out.jsonl').map(({ id, score }) => [id, score]);
};

describe('scores joined by ids of 64 bits', () => {
  it('each to its own row, out of JSON and out of a table', async () => {
    const id = fc.bigInt({ min: 2n ** 53n - 4n, max: 2n ** 64n });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(id, { minLength: 2, maxLength: 6 }), async (ids) => {
        // Neighbours, which double precision does not hold apart.
        const all = [...new Set(ids.flatMap((one) => [one, one + 1n]))];
        const expected = all.map((one, i) => [String(one), i + 1]);
        const rows = all.map((one, i) => `{"id":${one},"instruction":"Name river ${i}.","output":"a"}`).join('\n');
        const path = file('rows.jsonl', rows);
        const json = file('scores.jsonl', all.map((one, i) => `{"id":${one},"score":${i + 1}}`).join('\n'));
        const table = file('scores.csv', `id,score\n${all.map((one, i) => `${one},${i + 1}`).join('\n')}\n`);
        for (const from of [json, table]) expect(await scoresOf(path, from)).toEqual(expected);
      }),
      { seed: 31, numRuns: 12 },
    );
  });
});

describe('files of scores', () => {
  const ROWS = [1, 2, 3].map((n) => `{"id":"${n}","instruction":"Name river ${n}.","output":"a"}`).join('\n');

  it.each([
    ['a torn last line', '{"id":"1","score":2}\n{"id":"2","sco', '1 of 2 rows used: 1 could not be read'],
    ['NaN', '{"id":"1","score":2}\n{"id":"2","score":NaN}\n', '1 of 2 rows used: 1 had no score'],
    ['a row of a table that is too long', 'id,score\n1,2\n2,3,4\n', '1 of 2 rows used: 1 could not be read'],
  ])('%s: what can be read is used, and the rest is counted', async (_, content, line) => {
    const rows = file('rows.jsonl', ROWS);
    const { code, out } = await phasetune(
      'score',
      'import',
      rows,
      '--from',
      file('s', content),
      '--out',
      place('o.jsonl'),
    );
    expect(code).toBe(0);
    expect(out).toContain(line);
    expect(written('o.jsonl').map(({ score }) => score)).toEqual([2, undefined, undefined]);
  });

  it.each([
    [
      'xz',
      Buffer.from('\xfd7zXZ\0\0', 'latin1'),
      'it is compressed with xz, which is not supported; decompress it: xz -dk',
    ],
    [
      'an Excel workbook',
      Buffer.from('PK\x03\x04\x14\0[Content_Types].xml', 'latin1'),
      'save the sheet as CSV (UTF-8)',
    ],
    ['latin-1', Buffer.from('id,score,note\n1,2,caf\xe9\n', 'latin1'), 'iconv -f WINDOWS-1252 -t UTF-8'],
  ])('%s is named in the words that rows are', async (_, content, words) => {
    const [rows, odd] = [file('rows.jsonl', ROWS), file('odd', content)];
    const out = place('o.jsonl');
    for (const args of [
      ['score', 'import', rows, '--from', odd],
      ['data', 'import', odd],
      ['stage', odd],
      ['score', odd, '--scorer', 'length'],
    ]) {
      const { code, err } = await phasetune(...args, '--out', args[0] === 'stage' ? place('staged') : out);
      expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining(words) });
    }
  });

  it('a table without a column of ids is joined by what its rows say', async () => {
    const table = file('s.csv', 'instruction,output,rating\nName river 2.,a,4\nNAME  RIVER 3.,a,5\n');
    expect(await scoresOf(file('rows.jsonl', ROWS), table)).toEqual([
      ['1', undefined],
      ['2', 4],
      ['3', 5],
    ]);
  });

  it('Parquet that Python wrote', async () => {
    const { code, out } = await phasetune(
      'data',
      'import',
      'tests/fixtures/row-files/flat-zstd.parquet',
      '--out',
      place('o.jsonl'),
    );
    expect(code).toBe(0);
    expect(out).toContain('40 rows (alpaca)');
    expect(written('o.jsonl').map(({ id }) => id)).toEqual(
      Array.from({ length: 40 }, (_, i) => String(2n ** 62n + BigInt(i))),
    );
  });
});

describe('data import', () => {
  it('of a torn file leaves its last row out where bad rows are skipped, and says so', async () => {
    const rows = file('rows.jsonl', '{"instruction":"q","output":"a"}\n{"instruction":"q","outp');
    const { code, err, out } = await phasetune('data', 'import', rows, '--out', place('o.jsonl'), '--bad-rows', 'skip');
    expect(code).toBe(0);
    expect(err).toContain(`${rows}:2:20: not valid JSON`);
    expect(err).toContain('skipped 1 of 2 rows');
    expect(out).toContain('1 row (alpaca)');
  });

  it('of a conversation with tool calls names the field, and skips the row with --bad-rows skip', async () => {
    const call = { role: 'assistant', content: 'Let me look.', tool_calls: [{ id: 'c' }] };
    const bad = JSON.stringify({ messages: [{ role: 'user', content: 'q' }, call] });
    const good = JSON.stringify({
      messages: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'a', weight: 0 },
      ],
    });
    const rows = file('rows.jsonl', `${bad}\n${good}\n`);
    const refused = await phasetune('data', 'import', rows, '--out', place('o.jsonl'));
    expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('found tool_calls') });
    expect((await phasetune('data', 'import', rows, '--out', place('o.jsonl'), '--bad-rows', 'skip')).code).toBe(0);
    expect(written('o.jsonl')).toMatchObject([{ messages: [{}, { content: 'a', train: false }] }]);
  });
});
