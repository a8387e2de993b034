import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { openAppender, readJsonLines, writeJsonLines } from '../../src/io/jsonl.js';
import { temporaryFolder } from '../helpers/folder.js';

let file: string;
beforeEach(() => {
  file = join(temporaryFolder('jsonl'), 'rows.jsonl');
});

async function readAll(path: string, options?: { maxLineBytes?: number }) {
  const lines = [];
  for await (const line of readJsonLines(path, options)) lines.push(line);
  return lines;
}

describe('reading JSON lines', () => {
  it('gives values with their line numbers, counting blank lines, CRLF and a last line without a break', async () => {
    writeFileSync(file, '\uFEFF{"a":1}\r\n\n  \n[2]\n"drei ü"');
    expect(await readAll(file)).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 4, value: [2] },
      { line: 5, value: 'drei ü' },
    ]);
  });

  it('reads gzip by its first bytes whatever the name', async () => {
    writeFileSync(file, gzipSync('{"a":1}\n{"a":2}\n'));
    expect((await readAll(file)).map((l) => l.value)).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('joins lines that lie across read chunks', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => ({ i, text: 'é'.repeat(i * 17) }));
    await writeJsonLines(file, rows);
    expect((await readAll(file)).map((l) => l.value)).toEqual(rows);
  });

  it('names line and column of a broken line', async () => {
    writeFileSync(file, '{"a":1}\n{"a" 2}\n');
    await expect(readAll(file)).rejects.toMatchObject({ code: 'data', fields: { line: 2, column: 6 } });
    await expect(readAll(file)).rejects.toThrow(`${file}:2:6: not valid JSON, found "2}"`);
  });

  it('names a cut-off last line', async () => {
    writeFileSync(file, '{"a":1}\n{"a":"xy');
    await expect(readAll(file)).rejects.toThrow(':2:6: not valid JSON');
  });

  it('refuses a line over the limit, bytes that are not UTF-8 and a cut-off gzip file', async () => {
    writeFileSync(file, `1\n"${'x'.repeat(100)}"\n`);
    await expect(readAll(file, { maxLineBytes: 100 })).rejects.toThrow(':2: line longer than 100 bytes');
    writeFileSync(file, Buffer.from([0x31, 10, 0x22, 0xff, 0x22]));
    await expect(readAll(file)).rejects.toThrow(':2: expected UTF-8');
    const packed = gzipSync(JSON.stringify('abc'.repeat(1000)));
    writeFileSync(file, packed.subarray(0, packed.length - 12));
    await expect(readAll(file)).rejects.toThrow('cut-off gzip');
  });

  it('gives nothing for an empty file and a data error for a missing one', async () => {
    writeFileSync(file, '');
    expect(await readAll(file)).toEqual([]);
    await expect(readAll(`${file}.none`)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('no such file'),
    });
  });

  it('lets the reader stop early', async () => {
    await writeJsonLines(file, [1, 2, 3]);
    for await (const { value } of readJsonLines(file)) {
      expect(value).toBe(1);
      break;
    }
  });
});

describe('writing JSON lines', () => {
  it('leaves the old file alone when the rows fail midway', async () => {
    await writeJsonLines(file, [1]);
    const failing = async function* () {
      yield 'x'.repeat(100_000);
      throw new Error('no more');
    };
    await expect(writeJsonLines(file, failing())).rejects.toThrow('no more');
    expect(readFileSync(file, 'utf8')).toBe('1\n');
  });
});

describe('appending', () => {
  it('keeps the order of overlapping calls', async () => {
    const out = await openAppender(file);
    await Promise.all([1, 2, 3, 4].map((n) => out.append({ n })));
    await out.flush();
    await out.close();
    expect(readFileSync(file, 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n');
  });

  it.each([
    ['drops half a line', '{"n":1}\n{"n":', '{"n":1}\n', 5],
    ['completes a line that only lacks its break', '{"n":1}\n{"n":2}', '{"n":1}\n{"n":2}\n', 0],
    ['drops a file that is one half line', '{"n', '', 3],
    ['keeps a whole file', '{"n":1}\n', '{"n":1}\n', 0],
    ['drops half a line longer than one read', `1\n"${'x'.repeat(200_000)}`, '1\n', 200_001],
  ])('after a kill: %s', async (_name, before, kept, dropped) => {
    writeFileSync(file, before);
    const out = await openAppender(file);
    expect(out.dropped).toBe(dropped);
    await out.append({ n: 9 });
    await out.close();
    expect(readFileSync(file, 'utf8')).toBe(`${kept}{"n":9}\n`);
  });
});
