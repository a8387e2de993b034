import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readRows } from '../../src/io/rows.js';
import { rowsOf } from '../helpers/rows.js';
import { zstdStored } from '../helpers/zstd.js';

const folder = mkdtempSync(join(tmpdir(), 'phasetune-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (content: string | Uint8Array, name = 'rows') => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const valuesOf = async (content: string | Uint8Array) => (await rowsOf(put(content))).map(({ value }) => value);
const errorsOf = async (content: string | Uint8Array) => {
  const found: string[] = [];
  for await (const { error, value } of readRows(put(content)))
    found.push(error ? error.message.replaceAll(`${folder}/`, '') : JSON.stringify(value));
  return found;
};

const utf16 = (text: string, order: 'le' | 'be') => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
};

/** Texts with all that JSON and tables have marks for; no halves of pairs, which UTF-8 cannot hold. */
const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .chain((inner) =>
    fc.constantFrom(
      inner,
      `${inner}"`,
      `\\${inner}`,
      `{${inner}`,
      `${inner}]`,
      `a\nb${inner}`,
      `, ${inner};`,
      'NaN',
      '🙂é',
    ),
  );
const value = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, text, fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('row')),
  list: fc.array(tie('any'), { maxLength: 3 }),
  row: fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    tie('any'),
    { minKeys: 1, maxKeys: 4, noNullPrototype: true },
  ),
})).row;
const rows = fc.array(value, { minLength: 1, maxLength: 6 });

const TEXTS: Readonly<Record<string, (rows: readonly unknown[]) => string>> = {
  lines: (all) => all.map((row) => `${JSON.stringify(row)}\n`).join(''),
  'lines with CRLF and blank ones': (all) => `\r\n${all.map((row) => JSON.stringify(row)).join('\r\n\r\n')}`,
  list: (all) => JSON.stringify(all),
  'pretty list': (all) => JSON.stringify(all, null, 2),
  'pretty objects': (all) => all.map((row) => JSON.stringify(row, null, 2)).join('\n'),
  'pretty objects with tabs': (all) => all.map((row) => JSON.stringify(row, null, '\t')).join('\r\n\r\n'),
  'objects side by side': (all) => all.map((row) => JSON.stringify(row)).join(''),
  'objects with spaces': (all) => all.map((row) => JSON.stringify(row)).join(' '),
};

const PACKED: Readonly<Record<string, (text: string) => Uint8Array>> = {
  plain: (content) => Buffer.from(content),
  'with a mark': (content) => Buffer.from(`\ufeff${content}`),
  'UTF-16LE': (content) => utf16(content, 'le'),
  'UTF-16BE': (content) => utf16(content, 'be'),
  gzip: (content) => gzipSync(content),
  'gzip of UTF-16': (content) => gzipSync(utf16(content, 'le')),
  'gzip of two members': (content) => {
    const bytes = Buffer.from(content);
    return Buffer.concat([gzipSync(bytes.subarray(0, 5)), gzipSync(bytes.subarray(5))]);
  },
  zstd: (content) => zstdStored(Buffer.from(content), 7),
};

describe('the same rows', () => {
  it.each(Object.entries(TEXTS))('are read however they are packed: %s', async (_, write) => {
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(...Object.keys(PACKED)), async (all, packing) => {
        expect(await valuesOf(PACKED[packing]!(write(all)))).toEqual(JSON.parse(JSON.stringify(all)));
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it('are read from a table, whatever separates its cells', async () => {
    const cell = text.filter((one) => one.trim() !== '' && !/\r/.test(one));
    const table = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom(...Object.keys(PACKED)),
        async (cells, delimiter, end, packing) => {
          const content = stringify([['instruction', 'input', 'output'], ...cells], {
            delimiter,
            record_delimiter: end,
            quoted: true,
          });
          const expected = cells.map(([instruction, input, output]) => ({ instruction, input, output }));
          expect(await valuesOf(PACKED[packing]!(content))).toEqual(expected);
        },
      ),
      { seed: 12, numRuns: 100 },
    );
  });

  it('are read though an object is longer than what is read of the file together', async () => {
    const all = [{ a: 'x'.repeat(400_000) }, { b: { c: ['y'.repeat(300_000)] } }, { d: 1 }];
    for (const write of Object.values(TEXTS)) expect(await valuesOf(write(all))).toEqual(all);
  });
});

describe('integers', () => {
  it('keep their digits, whatever their size', async () => {
    const id = fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n });
    await fc.assert(
      fc.asyncProperty(fc.array(id, { minLength: 1 }), async (ids) => {
        const content = ids.map((one) => `{"id": ${one}, "s": "${one}", "l": [${one},-1.5e3]}\n`).join('');
        const exact = (one: bigint) => (Number.isSafeInteger(Number(one)) ? Number(one) : String(one));
        const expected = ids.map((one) => ({ id: exact(one), s: String(one), l: [exact(one), -1500] }));
        // JSON has a zero with a sign, and BigInt has none.
        expect(await valuesOf(content)).toEqual(expected);
      }),
      { seed: 13, numRuns: 200 },
    );
  });

  it.each([
    ['1234567890123456789012', '1234567890123456789012'],
    ['12345678901234567.5', Number('12345678901234567.5')],
    ['1e30', 1e30],
    ['12345678901234567e2', Number('12345678901234567e2')],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740992', '-9007199254740992'],
  ])('%s', async (written, read) => {
    expect(await valuesOf(`{"n":${written}}`)).toEqual([{ n: read }]);
  });
});

describe("Python's words for what is no number", () => {
  it.each([
    ['{"a":NaN,"b":[Infinity,-Infinity],"c":"NaN, \\"Infinity"}', [{ a: null, b: [null, null], c: 'NaN, "Infinity' }]],
    ['[{"a": NaN}, {"a": 1}]', [{ a: null }, { a: 1 }]],
    ['{\n "a": NaN,\n "id": 9007199254740993\n}\n{"a": 2}', [{ a: null, id: '9007199254740993' }, { a: 2 }]],
  ])('%s', async (content, expected) => {
    expect(await valuesOf(content)).toEqual(expected);
  });

  it('do not hide where a row is broken', async () => {
    expect(await errorsOf('{"a":NaN,"b":}\n')).toEqual(['rows:1:14: not valid JSON, found "}"']);
    expect(await errorsOf('{"a":NaNa}\n')).toEqual(['rows:1:9: not valid JSON, found "a}"']);
    expect(await errorsOf('{"a":"NaN}\n')).toEqual(['rows:1:6: not valid JSON, found "\\"NaN}"']);
  });
});

describe('one broken row', () => {
  it.each([
    ['a line in the middle', '{"a":1}\n{"a"\n{"a":3}\n', 1, ':2:5: not valid JSON'],
    ['a torn last line', '{"a":1}\n{"a":2}\n{"a":"thr', 2, ':3:6: not valid JSON'],
    ['a torn first line', '{"a":"thr\n{"a":2}\n', 0, ':1:6: not valid JSON'],
    ['a torn first line, between two marks', '{"a":1,\n{"a":2}\n', 0, ':1:8: not valid JSON'],
    ['bytes that are not UTF-8', Buffer.from('{"a":1}\n{"a":"\xff"}\n{"a":3}', 'latin1'), 1, ':2: expected UTF-8 text'],
    ['an element of a list', '[{"a":1},{"a"},{"a":3}]', 1, 'not valid JSON'],
    ['a torn list', '[{"a":1},{"a":2},{"a":"thr', 2, 'not valid JSON'],
    ['a torn object over several lines', '{\n"a":1\n}\n{\n"a":2\n', 1, 'rows:4: the object does not end'],
    [
      'a row of a table with too many cells',
      'a,b\n1,2\n1,2,3\n4,5\n',
      1,
      ':3: expected 2 cells, as the first line has, found 3',
    ],
  ])('%s is that row alone', async (_, content, index, message) => {
    const found = await errorsOf(content);
    expect(found[index]).toContain(message);
    expect(found.filter((line) => line.startsWith('rows'))).toHaveLength(1);
  });

  it.each([
    ['{"a":1},\n{"a":2}\n', 'rows:1:8: not valid JSON'],
    ['{\n"a":1\n},\n{\n"a":2\n}\n', 'rows:3: expected JSON objects one after another, found other text'],
    ['[{"a":1}] [{"a":2}]', 'not valid JSON, found "[{'],
    ["{'a': 1}", 'rows:1:2: not valid JSON'],
    [
      '"instruction": "q"\n',
      'expected JSON, JSON Lines, Parquet or a table with the names of its columns in the first line; found text that begins with',
    ],
  ])('%j is named', async (content, message) => {
    await expect(rowsOf(put(content))).rejects.toThrow(message);
  });
});
