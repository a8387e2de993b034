import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { PhasetuneError } from '../../src/core/errors.js';
import { importFile } from '../../src/data/import.js';
import { readText } from '../../src/io/files.js';
import { readJson } from '../../src/io/json.js';
import { readJsonLines } from '../../src/io/jsonl.js';
import { bytesRead } from '../helpers/growth.js';
import { rowsOf } from '../helpers/rows.js';

const folder = mkdtempSync(join(tmpdir(), 'phasetune-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

/** The one line of a refusal. */
async function refusal(work: Promise<unknown> | AsyncIterable<unknown>): Promise<string> {
  try {
    if (Symbol.asyncIterator in work) for await (const _ of work);
    else await work;
  } catch (error) {
    expect(error).toBeInstanceOf(PhasetuneError);
    expect(error).toMatchObject({ code: 'data' });
    expect((error as Error).message).not.toMatch(/\n/);
    return (error as Error).message;
  }
  return expect.fail('it was taken');
}

const ROW = { instruction: 'a', output: 'b' };
const options = { format: 'auto', badRows: 'refuse' } as const;

describe('rows', () => {
  it('a line of 1 GiB is refused by its number, and never held', async () => {
    const path = join(folder, 'giant.jsonl');
    const file = openSync(path, 'w');
    writeSync(file, `${JSON.stringify(ROW)}\n{"instruction": "`);
    // A hole in the file: 1 GiB of zeros that take no place on the disk.
    writeSync(file, '"}\n', 1 << 30);
    const before = bytesRead();
    expect(await refusal(importFile(path, options))).toContain(`${path}:2: line longer than 16777216 bytes`);
    // What a line may have, and some more for how files are read ahead.
    if (before !== undefined) expect(bytesRead()! - before).toBeLessThan(4 * (16 << 20));
  });

  it('an element of a JSON array as long as that is refused by its number', async () => {
    const path = write('giant.json', `[${JSON.stringify(ROW)}, "${'x'.repeat(17 << 20)}"]`);
    expect(await refusal(importFile(path, options))).toContain(`${path}: row 2: longer than 16777216 bytes`);
  });

  it('gzip that unpacks to a thousand times its size is refused before it fills memory', async () => {
    const path = write('bomb.jsonl.gz', gzipSync(`"${'x'.repeat(1 << 20)}"\n`.repeat(80)));
    expect(await refusal(readJsonLines(path))).toMatch(
      /bomb\.jsonl\.gz: \d+ bytes of gzip unpack to more than \d+ bytes/,
    );
  });

  it('a JSON array is read row by row, whatever brackets, quotes and escapes its texts have', async () => {
    const values = [{ a: '],[{"\\' }, [1, [2, '"']], 'te\\"xt', 0.5, null, { b: { c: [] } }, '\\\\', 'ü💥'];
    const texts = [JSON.stringify(values), JSON.stringify(values, null, 3), `\ufeff \n${JSON.stringify(values)}\r\n `];
    for (const text of texts) {
      const rows = await rowsOf(write('rows.json', text));
      expect(rows.map(({ value }) => value)).toEqual(values);
      expect(rows.map(({ place }) => place).at(-1)).toMatch(/rows\.json: row 8$/);
    }
    expect(await rowsOf(write('rows.json', '[ ]'))).toEqual([]);
  });

  it.each([
    ['[{"a":1},]', ':1:10: not valid JSON, found "]"'],
    ['[{"a":1}', ':1:9: not valid JSON, found the end of the text'],
    ['[{"a":1}}', ':1:9: not valid JSON, found "}"'],
    ['[1] 2', ':1:5: not valid JSON, found "2"'],
    ['[1,,2]', ':1:4: not valid JSON, found ",2]"'],
    ['["a', ':1:2: not valid JSON, found "\\"a"'],
    [`[1, ${'['.repeat(100_000)}`, ':1:100005: not valid JSON, found the end of the text'],
    [`[1, ${'['.repeat(300)}${']'.repeat(300)}]`, ': row 2: lists and objects are nested deeper than 200 levels'],
    ['[{"__proto__": {"polluted": 1}}]', ': row 1: the key "__proto__" is not allowed'],
  ])('%s', async (text, message) => {
    const path = write('broken.json', text);
    expect(await refusal(rowsOf(path))).toContain(path + message);
  });

  it.each([
    [
      'deep nesting',
      `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`,
      ':2: lists and objects are nested deeper than 200 levels',
    ],
    [
      'a __proto__ key',
      '{"messages": [{"__proto__": {"role": "user"}}]}',
      ':2: the key "__proto__" is not allowed; rename or remove it',
    ],
    ['invalid UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), ':2: expected UTF-8 text, found bytes that are not'],
    ['a NUL outside a text', '{"a": \u0000 1}', ':2:7: not valid JSON, found "\\u0000 1}"'],
    ['a byte order mark inside the file', '\ufeff{}', ':2:1: not valid JSON, found "\\u{feff}{}"'],
  ])('%s is refused by its line', async (_, line, message) => {
    const path = write('bad.jsonl', Buffer.concat([Buffer.from(`${JSON.stringify(ROW)}\n`), Buffer.from(line)]));
    expect(await refusal(importFile(path, options))).toContain(path + message);
  });

  it('what is odd but no harm is kept as it is', async () => {
    const odd =
      '\ufeff{"instruction":"\\u0000\\ud800","output":"b","output":"c","constructor":{"prototype":1e999},"n":1152921504606846977}\r\n\r\n';
    const { records } = await importFile(write('odd.jsonl', odd), options);
    expect(records).toHaveLength(1);
    expect(records[0]!.messages.map(({ content }) => content)).toEqual(['\u0000\ud800', 'c']);
    expect(records[0]!.meta).toEqual({
      constructor: { prototype: Number.POSITIVE_INFINITY },
      n: '1152921504606846977',
    });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each(['', '\n\n \n', '[]', '\ufeff'])('a file without rows (%j) is told', async (text) => {
    const path = write('empty.jsonl', text);
    expect(await refusal(importFile(path, options))).toBe(`${path}: no rows; expected at least one`);
  });
});

describe('in place of a file', () => {
  it('a folder and a pipe are refused, and nobody waits for a writer', async () => {
    const pipe = join(folder, 'pipe.jsonl');
    execFileSync('mkfifo', [pipe]);
    mkdirSync(join(folder, 'folder.jsonl'));
    for (const read of [(path: string) => importFile(path, options), readJsonLines, readJson, readText]) {
      expect(await refusal(read(pipe))).toBe(`cannot read ${pipe}: it is a pipe or a device; expected a file`);
      const other = join(folder, 'folder.jsonl');
      expect(await refusal(read(other))).toBe(`cannot read ${other}: it is a folder; expected a file`);
    }
  });
});

describe('a JSON document', () => {
  it('that unpacks to more than is read of such a file is refused', async () => {
    const path = write('bomb.json', gzipSync(Buffer.alloc(65 << 20, 32)));
    expect(await refusal(readJson(path))).toMatch(/bomb\.json: \d+ bytes of gzip unpack to more than 67108864 bytes/);
  });

  it('that is longer is refused before it is read', async () => {
    const path = write('long.json', 'x'.repeat(2000));
    expect(await refusal(readText(path, { maxBytes: 1000 }))).toBe(
      `${path}: 2000 bytes; at most 1000 are read of such a file, so this is not one`,
    );
  });

  it('is refused at its place however long its texts are', async () => {
    const path = write('escapes.json', `{"a": "${'\\n'.repeat(3_000_000)}", "b": }`);
    expect(await refusal(readJson(path))).toContain(':1:6000016: not valid JSON, found "}"');
  });

  it('nested a million deep is refused without a stack overflow', async () => {
    const deep = '['.repeat(1_000_000);
    expect(await refusal(readJson(write('deep.json', deep + ']'.repeat(1_000_000))))).toContain(
      'nested deeper than 200',
    );
    expect(await refusal(readJson(write('deep.json', deep)))).toContain('not valid JSON, found the end of the text');
  });
});
