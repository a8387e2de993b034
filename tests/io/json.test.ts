import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseJson, readJson, scanJson } from '../../src/io/json.js';
import { temporaryFolder } from '../helpers/folder.js';

const temporary = (content: string | Uint8Array) => {
  const file = join(temporaryFolder('json'), 'x.json');
  writeFileSync(file, content);
  return file;
};

describe('a JSON syntax error', () => {
  it.each<[text: string, line: number, column: number, found: string]>([
    ['{"a": 1,}', 1, 9, '"}"'],
    ['{"a" 1}', 1, 6, '"1}"'],
    ['[1\n 2]', 2, 2, '"2]"'],
    ['{"a": tru}', 1, 7, '"tru}"'],
    ['[01]', 1, 2, '"01]"'],
    ["{'a': 1}", 1, 2, '"\'a\': 1}"'],
    ['{"a": "x\ny"}', 1, 7, '"\\"x\\ny\\"}"'],
    ['{"a": 1} x', 1, 10, '"x"'],
    ['[1, 2', 1, 6, 'the end of the text'],
    ['', 1, 1, 'the end of the text'],
    ['{"a": "\\x"}', 1, 7, '"\\"\\\\x\\"}"'],
    ['[1}', 1, 3, '"}"'],
    ['{1: 2}', 1, 2, '"1: 2}"'],
    ['nan', 1, 1, '"nan"'],
  ])('%j is found', (text, line, column, found) => {
    expect(() => parseJson(text, 'f.json')).toThrow(`f.json:${line}:${column}: not valid JSON, found ${found}`);
  });

  it('is found exactly where JSON.parse fails, whatever is cut out of a text', () => {
    const text = fc.json({ maxDepth: 4 }).map((t) => t.replaceAll(',', ' , '));
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(3), (whole, at, length) => {
        const cut = whole.slice(0, at % (whole.length + 1)) + whole.slice((at % (whole.length + 1)) + length);
        let valid = true;
        try {
          JSON.parse(cut);
        } catch {
          valid = false;
        }
        expect(scanJson(cut).errorAt === undefined).toBe(valid);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

describe('a key that occurs twice', () => {
  it.each<[text: string, key: string | undefined]>([
    ['{"a": 1, "a": 2}', 'a'],
    ['{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}', undefined],
    ['{"b": [{"x": 1, "\\u0078": 2}]}', 'x'],
  ])('in %s is %s', (text, key) => {
    expect(scanJson(text).duplicateKey).toBe(key);
  });
});

describe('reading a JSON file', () => {
  const schema = z.object({ a: z.object({ b: z.number() }) });

  it('takes gzip and a byte order mark', async () => {
    expect(await readJson(temporary(gzipSync('\uFEFF{"a": {"b": 1}}')), schema)).toEqual({ a: { b: 1 } });
  });

  it('names file and field of what does not fit', async () => {
    const file = temporary('{"a": {"b": "1"}}');
    await expect(readJson(file, schema)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(`${file}: field a.b: .*expected number`),
    });
  });

  it('refuses bytes that are not UTF-8, and a missing file', async () => {
    await expect(readJson(temporary(Uint8Array.of(0x22, 0xe9, 0x22)))).rejects.toThrow('expected UTF-8 text');
    await expect(readJson('/nowhere/x.json')).rejects.toMatchObject({
      code: 'data',
      message: 'cannot read /nowhere/x.json: no such file or folder',
    });
  });
});
