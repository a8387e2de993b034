import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { random } from '../../src/core/random.js';
import { rowsOf } from '../helpers/rows.js';

const folder = mkdtempSync(join(tmpdir(), 'phasetune-kinds-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (content: string | Uint8Array, name = 'rows.jsonl') => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const latin1 = (text: string) => Buffer.from(text.padEnd(600, '\0'), 'latin1');
const refusal = (path: string) =>
  rowsOf(path).then(
    () => expect.fail('it was read'),
    (error: Error) => error.message.replaceAll(`${folder}/`, ''),
  );
const tar = latin1('rows.jsonl'.padEnd(257, '\0').concat('ustar\x0000'));
const zip = (inside: string) => latin1(`PK\x03\x04\x14\0\0\0\x08\0${'x'.repeat(16)}${inside}`);

describe('a file that is not read', () => {
  it.each([
    ['xz', latin1('\xfd7zXZ\0\0\x04'), 'compressed with xz, which is not supported; decompress it: xz -dk rows.jsonl'],
    [
      'bzip2',
      latin1('BZh91AY&SY'),
      'compressed with bzip2, which is not supported; decompress it: bzip2 -dk rows.jsonl',
    ],
    ['lz4', latin1('\x04"M\x18d@'), 'compressed with lz4, which is not supported; decompress it: lz4 -d rows.jsonl'],
    ['lzma', latin1(']\0\0\x80\0\xff'), 'compressed with lzma'],
    ['compress', latin1('\x1f\x9d\x90'), 'compressed with compress, which is not supported; decompress it: uncompress'],
    ['7z', latin1("7z\xbc\xaf'\x1c"), 'a 7z archive, which is not supported; decompress it: 7z x'],
    ['RAR', latin1('Rar!\x1a\x07\x01'), 'a RAR archive'],
    ['zip', zip('rows.jsonl'), 'a zip archive, which is not supported; decompress it: unzip rows.jsonl'],
    ['xlsx', zip('[Content_Types].xml'), 'an Excel workbook, which is not supported; save the sheet as CSV (UTF-8)'],
    ['ods', zip('mimetypeapplication/vnd.oasis.opendocument.spreadsheet'), 'an OpenDocument sheet'],
    ['xls', latin1('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'), 'an Excel workbook (.xls)'],
    ['tar', tar, 'a tar archive, which is not supported; decompress it: tar -xf rows.jsonl'],
    [
      'feather',
      latin1('ARROW1\0\0'),
      'an Arrow (Feather) file, which is not supported; convert it in Python: pandas.read_feather(',
    ],
    [
      'arrow stream',
      latin1('\xff\xff\xff\xff\x10\x01\0\0'),
      'an Arrow stream, which is not supported; convert it in Python: datasets.',
    ],
    ['orc', latin1('ORC\x11'), 'an ORC file'],
    ['avro', latin1('Obj\x01\x02'), 'an Avro file'],
    ['hdf5', latin1('\x89HDF\r\n\x1a\n'), 'an HDF5 file'],
    [
      'sqlite',
      latin1('SQLite format 3\0'),
      'an SQLite database, which is not supported; write its table as JSON: sqlite3 -json rows.jsonl',
    ],
    ['duckdb', latin1('01234567DUCK'), 'a DuckDB database'],
    ['numpy', latin1('\x93NUMPY\x01\0'), 'a NumPy array'],
    [
      'pickle',
      latin1('\x80\x04\x95'),
      'a Python pickle, which is not supported; it can run any code when it is opened',
    ],
    ['PDF', Buffer.from('%PDF-1.7\n%\xe2\xe3'), 'a PDF document'],
    [
      'LFS',
      'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n',
      'a Git LFS pointer, not the file itself, which is not supported; fetch it: git lfs pull',
    ],
    [
      'HTML',
      '<!DOCTYPE html>\n<html><body>404</body></html>',
      'an HTML page (an error page of the server, or a log-in?)',
    ],
    ['HTML in lower case', '\n  <html lang="en">', 'an HTML page'],
    ['XML', '<?xml version="1.0"?><rows/>', 'XML'],
    ['YAML', '---\n- instruction: q\n', 'YAML'],
    ['YAML without a mark', '- instruction: q\n  output: a\n', 'YAML'],
    ['RTF', '{\\rtf1\\ansi {"a": 1}', 'a document in Rich Text Format'],
    [
      'UTF-32',
      Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]),
      'text in UTF-32, which is not supported; convert it: iconv -f UTF-32 -t UTF-8',
    ],
    ['UTF-32, the other way round', Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x7b]), 'text in UTF-32'],
    [
      'UTF-16 without a mark',
      Buffer.from('{"instruction":"q"}', 'utf16le'),
      'text in UTF-16 without a byte order mark, which is not supported; convert it: iconv -f UTF-16LE',
    ],
    ['UTF-16, the other way round', Buffer.from('{"instruction":"q"}', 'utf16le').swap16(), 'iconv -f UTF-16BE'],
    [
      'safetensors',
      Buffer.concat([Buffer.from([64, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":{"dtype":"F32"')]),
      'a safetensors file',
    ],
    ['GGUF', latin1('GGUF\x03\0\0\0'), 'a GGUF model'],
    ['an encrypted Parquet file', latin1('PARE\x15\0'), 'an encrypted Parquet file'],
    ['a program', latin1('\x7fELF\x02'), 'a program'],
    [
      'noise',
      Buffer.from(Array.from({ length: 400 }, (_, i) => ((i * 97 + 13) % 254) + 1)),
      'a binary file of a kind that is not known',
    ],
    ['anything else', latin1('\x01\x02\x03\x04\0\x05'), 'a binary file of a kind that is not known'],
  ])('%s is named, with what to do', async (_, content, expected) => {
    const message = await refusal(put(content));
    expect(message).toContain('rows.jsonl: it is ');
    expect(message).toContain(expected);
  });

  it('is named inside of gzip too', async () => {
    expect(await refusal(put(gzipSync(tar)))).toContain('it is compressed with gzip, and inside it a tar archive');
    const parquet = gzipSync(latin1('PAR1\x15\0'));
    expect(await refusal(put(parquet))).toMatch(/compressed with gzip, and inside it a Parquet file.*gunzip -k/);
  });

  it.each([
    ['latin-1', Buffer.from('{"instruction":"caf\xe9","output":"a"}\n', 'latin1')],
    ['a latin-1 table', Buffer.from('instruction,output\nq,a\ncaf\xe9,a\n', 'latin1')],
  ])('%s: the line, and how to convert it', async (name, content) => {
    const line = name.includes('table') ? 3 : 1;
    expect(await refusal(put(content))).toBe(
      `rows.jsonl:${line}: expected UTF-8 text, found bytes that are not; save it as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 rows.jsonl > rows-utf8`,
    );
  });

  it.each(['PAR1', 'ORCID', 'GGUFs', 'PARENT', 'RIFFs', 'ARROW1', 'FEA1', 'GIF8', 'BZh'])(
    'a table whose first column is %s is read',
    async (name) => {
      expect((await rowsOf(put(`${name},output\nx,y\n`)))[0]!.value).toEqual({ [name]: 'x', output: 'y' });
    },
  );

  it('a broken Parquet file is a data error, wherever it is cut off', async () => {
    const whole = readFileSync('tests/fixtures/row-files/nested-snappy.parquet');
    for (let length = 12; length < whole.length; length += 371)
      expect(await refusal(put(whole.subarray(0, length)))).toContain(
        'rows.jsonl: broken, cut-off or unknown kind of Parquet file',
      );
  });

  it('a Parquet file with wrong bytes gives rows or a data error, and no rejection that nobody sees', async () => {
    // Two broken columns of one list: vitest fails the run on the rejection of the second.
    const whole = readFileSync('tests/fixtures/row-files/nested-snappy.parquet');
    const draw = random(1, 'wrong bytes');
    for (let k = 0; k < 120; k++) {
      const changed = Buffer.from(whole);
      for (let n = 0; n < 4; n++) changed[4 + draw.integer(whole.length - 4)] = draw.integer(256);
      await rowsOf(put(changed)).catch((error: unknown) => expect(error).toMatchObject({ code: 'data' }));
    }
  });

  it('a zstd file that is cut off is a data error, wherever', async () => {
    const whole = readFileSync('tests/fixtures/row-files/nested-one.jsonl.zst');
    for (let length = 5; length < whole.length; length += 61)
      expect(await refusal(put(whole.subarray(0, length)))).toContain('rows.jsonl: broken or cut-off zstd file');
  });
});
