import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lengthHistogram, showTokens } from '../../src/cli/show-tokens.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { TINY } from '../helpers/tokens.js';
import { lastJson } from './child.js';
import { phasetune } from './in-process.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-rows-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, ...rows: unknown[]) => {
  writeFileSync(join(folder, name), rows.map((row) => JSON.stringify(row)).join('\n'));
  return join(folder, name);
};
const red = { id: 'a', data: ['Colour?', 'red'], score: '2.5\n' };
const blue = { id: 'b', data: ['Sky?\n', '\n\nblue'], score: '3' };
const dumb = { id: 'c', data: ['Say.', ''], score: '1' };

describe('data import', () => {
  test('writes records and says how many', async () => {
    const out = join(folder, 'new/records.jsonl');
    const { code, out: said, err } = await phasetune('data', 'import', put('rows.jsonl', red, blue), '--out', out);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(said).toBe(`2 rows (phasedsft) in ${out}, 2 of them with a score\n`);
    const records = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map(({ id, score }) => [id, score])).toEqual([
      ['a', 2.5],
      ['b', 3],
    ]);
  });

  test('a bad row is told with its place, ends with code 3 and leaves nothing behind', async () => {
    const [source, out] = [put('rows.jsonl', red, dumb), join(folder, 'records.jsonl')];
    const { code, err } = await phasetune('data', 'import', source, '--out', out);
    expect(code).toBe(3);
    expect(err).toBe(
      `error: ${source}:2: row without an answer: expected it to end with a non-empty answer, found assistant ""; fix it, or set --bad-rows skip to leave such rows out\n`,
    );
    expect(existsSync(out)).toBe(false);
  });

  test('--bad-rows skip, with the counts under --json', async () => {
    const [source, out] = [put('rows.jsonl', red, dumb), join(folder, 'records.jsonl')];
    const { code, out: said } = await phasetune('data', 'import', source, '--out', out, '--bad-rows', 'skip', '--json');
    expect(code).toBe(0);
    expect(lastJson(said)).toMatchObject({ rows: 1, skipped: 1, renamed: 0, scored: 1, format: 'phasedsft', out });
  });

  test('the file that is read is not written over', async () => {
    const rows = put('rows.jsonl', red, blue);
    const before = readFileSync(rows, 'utf8');
    const { code, err } = await phasetune('data', 'import', rows, '--out', rows);
    expect(code).toBe(2);
    expect(err).toMatch(/is the file that is read; choose another file/);
    expect(readFileSync(rows, 'utf8')).toBe(before);
  });

  test('an unknown format is a usage error', async () => {
    const { code, err } = await phasetune(
      'data',
      'import',
      put('rows.jsonl', red),
      '--out',
      'x',
      '--format',
      'parquet',
    );
    expect(code).toBe(2);
    expect(err).toContain('--format');
  });
});

describe('inspect rows', () => {
  test('brackets what is trained, row by row, then counts', async () => {
    const { code, out } = await phasetune('inspect', 'rows', '--data', put('rows.jsonl', red, blue), '--model', TINY);
    expect(code).toBe(0);
    expect(out).toMatch(/^row a, score 2\.5: 1\d tokens, \d trained\n<\|im_start\|>\|user\|\\n\n/);
    expect(out).toContain('[red][<|im_end|>]\\n\n');
    expect(out).toMatch(
      /2 of 2 rows, \d+ tokens, \d+ of them trained, longest row \d+ up to its last trained token\nlengths up to 8: 0 {2}16: /,
    );
  });

  test('--json gives ids and mask of as many rows as asked for, and counts of all', async () => {
    const data = put('rows.jsonl', red, blue);
    const { out } = await phasetune('inspect', 'rows', '--data', data, '--model', TINY, '--limit', '1', '--json');
    const { rows, report } = lastJson(out) as {
      rows: { id: string; ids: number[]; mask: number[]; trained: number }[];
      report: { rows: number };
    };
    const tokenizer = await loadTokenizer(TINY);
    expect(rows).toHaveLength(1);
    expect(rows[0]!.ids).toEqual(
      await tokenizer.encode(
        tokenizer.renderChat([
          { role: 'user', content: 'Colour?' },
          { role: 'assistant', content: 'red' },
        ]).text,
      ),
    );
    expect(await tokenizer.decode(rows[0]!.ids.filter((_, t) => rows[0]!.mask[t]))).toBe('red<|im_end|>');
    expect(report.rows).toBe(2);
  });

  test('the paper template and the length policy are those of training', async () => {
    const given = ['inspect', 'rows', '--data', put('rows.jsonl', red), '--model', TINY, '--template', 'paper'];
    expect((await phasetune(...given)).out).toContain('ant|:[ red][<|im_end|>]\n');
    const { code, err } = await phasetune(...given, '--max-length', '6', '--overflow', 'refuse');
    expect(code).toBe(3);
    expect(err).toMatch(/error: 1 of 1 rows are over 6 tokens: a \(\d+, by its prompt alone\)/);
  });

  test('what a terminal would obey is written out: in ids, in texts, in names of files', async () => {
    const esc = '\u001b]0;owned\u0007\u009b31m\u202e';
    const file = put(`rows${esc}.jsonl`, { ...red, id: `a${esc}\nrow b`, data: [`Colour${esc}?`, 'red\tblue'] });
    const { code, out, err } = await phasetune('inspect', 'rows', '--data', file, '--model', TINY);
    expect(code).toBe(0);
    expect(out).toContain('row a\\u001b]0;owned\\u0007\\u009b31m\\u202e\\u000arow b, score 2.5: ');
    expect(out).toContain('|\\u001b|');
    expect(out + err).not.toMatch(/[^\P{C}\n\t]/u);
    const missing = await phasetune('inspect', 'rows', '--data', `${file}x`, '--model', TINY);
    expect(missing.err).toContain('rows\\u001b]0;owned\\u0007\\u009b31m\\u202e.jsonlx');
    expect(missing.err).not.toMatch(/[^\P{C}\n\t]/u);
  });

  test('a folder without a tokenizer is a data error', async () => {
    const { code, err } = await phasetune('inspect', 'rows', '--data', put('rows.jsonl', red), '--model', folder);
    expect(code).toBe(3);
    expect(err).toContain('tokenizer.json: no such file');
  });
});

describe('showTokens', () => {
  test('in colour: green for trained, dim for the rest, every second underlined; parts of characters by id', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const ids = await tokenizer.encode('a👍');
    const row = {
      id: 'x',
      ids: Int32Array.from(ids),
      mask: Uint8Array.from(ids.map((_, t) => (t === 0 ? 0 : 1))),
      trained: 4,
    };
    const [first, second, third] = ids;
    const shown = (await showTokens(row, tokenizer, true)) as readonly unknown[];
    expect(shown.slice(0, 3)).toEqual([
      { text: 'a', sgr: [2] },
      { text: `<${second}>`, sgr: [32, 4] },
      { text: `<${third}>`, sgr: [32] },
    ]);
    expect(await showTokens(row, tokenizer, false)).toMatch(
      `${await tokenizer.decode([first!])}[<${second}>][<${third}>]`,
    );
  });
});

test('the histogram has at most twelve ranges and counts every row once', () => {
  expect(lengthHistogram([3, 8, 9, 30])).toBe('8: 2 █  16: 1 ▄  24: 0  32: 1 ▄');
  expect(lengthHistogram([2000])).toBe('256: 0  512: 0  768: 0  1024: 0  1280: 0  1536: 0  1792: 0  2048: 1 █');
  expect(lengthHistogram([])).toBe('8: 0');
});
