import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ggufFile } from '../../scripts/reliability/fuzz/gguf-file.js';
import { openGguf } from '../../src/io/gguf.js';
import { temporaryFolder } from '../helpers/folder.js';

const F32 = 0;
const tensor = (name: string, shape: number[], bytes = 32) => ({ name, shape, type: F32, data: new Uint8Array(bytes) });

function written(bytes: Uint8Array, name = 'model.gguf'): string {
  const path = join(temporaryFolder('hostile'), name);
  writeFileSync(path, bytes);
  return path;
}

/** A file in which the number behind a text (and `skip` bytes) is another. */
function patched(bytes: Uint8Array, text: string, skip: number, value: bigint): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeBigUInt64LE(value, copy.lastIndexOf(text) + text.length + skip);
  return copy;
}

const TWO = ggufFile([], [tensor('first', [8]), tensor('second', [8])]);

/** A file of `count` records of the same bytes behind a header. */
function repeated(start: Uint8Array, record: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(start.length + record.length * count + 64);
  out.set(start);
  for (let i = 0; i < count; i++) out.set(record, start.length + i * record.length);
  return out;
}

function header(tensors: number, fields: number): Uint8Array {
  const bytes = Buffer.alloc(24);
  bytes.write('GGUF');
  bytes.writeUInt32LE(3, 4);
  bytes.writeBigUInt64LE(BigInt(tensors), 8);
  bytes.writeBigUInt64LE(BigInt(fields), 16);
  return bytes;
}

/** A field of a list, as far as its count. */
function list(type: number, count: number): Uint8Array {
  const bytes = Buffer.alloc(8 + 1 + 4 + 4 + 8);
  bytes.writeBigUInt64LE(1n);
  bytes.write('k', 8);
  bytes.writeUInt32LE(9, 9);
  bytes.writeUInt32LE(type, 13);
  bytes.writeBigUInt64LE(BigInt(count), 17);
  return Buffer.concat([header(0, 1), bytes]);
}

it.each<[what: string, bytes: () => Uint8Array, message: RegExp]>([
  [
    'a list of three million bytes',
    () => repeated(list(0, 3e6), Uint8Array.of(1), 3e6),
    /more than 2097152 list entries; no model has as many/,
  ],
  ['three million texts', () => repeated(list(8, 3e6), new Uint8Array(8), 3e6), /more than 2097152 list entries/],
  ['a text of 40 MB', () => ggufFile([['k', 'text', 'x'.repeat(40e6)]], []), /more than 33554432 bytes of text/],
  ['70,000 tensors', () => repeated(header(70_000, 0), new Uint8Array(24), 70_000), /more than 65536 tensors/],
  ['70,000 fields', () => repeated(header(0, 70_000), new Uint8Array(13), 70_000), /more than 65536 fields/],
  [
    'lists in each other without end',
    () => repeated(list(9, 1), Buffer.from('090000000100000000000000', 'hex'), 1000),
    /field k has lists nested deeper than 4/,
  ],
  ['a list of unknown type', () => repeated(list(77, 1), new Uint8Array(1), 8), /field k is a list of unknown type 77/],
  [
    'a name that is no UTF-8',
    () => Buffer.from(TWO.map((b) => (b === 0x66 ? 0xff : b))),
    /the name of a tensor before byte \d+ is not UTF-8/,
  ],
  [
    'a field of two lines',
    () =>
      ggufFile(
        [
          ['a\nb', 'u8', 1],
          ['a\nb', 'u8', 1],
        ],
        [],
      ),
    /field a\\u\{a\}b occurs twice/,
  ],
  ['a tensor that occurs twice', () => ggufFile([], [tensor('x', [8]), tensor('x', [8])]), /tensor x occurs twice/],
  ['tensors over each other', () => patched(TWO, 'second', 16, 0n), /tensor second: overlaps first/],
  ['a size of 2^64 - 1', () => patched(TWO, 'second', 4, 2n ** 64n - 1n), /tensor second: impossible size/],
  ['an offset of 2^64 - 32', () => patched(TWO, 'second', 16, 2n ** 64n - 32n), /tensor second: impossible size/],
  [
    'an offset behind the end',
    () => patched(TWO, 'second', 16, 2n ** 40n),
    /tensor second is cut off: expected 1099\d+ bytes, file has/,
  ],
  [
    'a product beyond 2^64 that a zero makes nothing of',
    () => ggufFile([], [tensor('x', [0, 2 ** 52, 2 ** 52])]),
    /tensor x: impossible size/,
  ],
  [
    'a product that wraps to 8',
    () => ggufFile([], [tensor('x', [8, 2 ** 32, 2 ** 32 + 1])]),
    /tensor x: impossible size/,
  ],
  [
    'an alignment of 2 GiB',
    () => ggufFile([['general.alignment', 'u32', 2 ** 31]], []),
    /general\.alignment: expected a power of two up to 1048576, found 2147483648/,
  ],
  [
    'an alignment of 0',
    () => ggufFile([['general.alignment', 'u32', 0]], []),
    /general\.alignment: expected a power of two/,
  ],
  [
    'an alignment that is a list',
    () => ggufFile([['general.alignment', 'u32', [32]]], []),
    /general\.alignment: .* found \[32\]/,
  ],
])('a GGUF file with %s is refused with one short line', async (_what, bytes, message) => {
  const error = (await openGguf(written(bytes())).catch((e: unknown) => e)) as Error;
  expect(error).toMatchObject({ code: 'data', message: expect.stringMatching(message) });
  expect(error.message.length).toBeLessThan(400);
});

it.each<[name: string, message: RegExp]>([
  ['m-00001-of-00000.gguf', /by its name one of 0 parts; expected 1 to 1000/],
  ['m-00001-of-99999.gguf', /by its name one of 99999 parts/],
  ['m-00001-of-00002.gguf', /m-00002-of-00002\.gguf: no such file/],
])('%s says by its name how many parts there are, which is checked', async (name, message) => {
  await expect(openGguf(written(TWO, name))).rejects.toMatchObject({
    code: 'data',
    message: expect.stringMatching(message),
  });
});

it('a file of one part whose other parts it names itself cannot be read for two', async () => {
  const path = written(ggufFile([['split.count', 'u16', 2]], []), 'm.gguf');
  await expect(openGguf(path)).rejects.toThrow(/is one of 2 parts; expected them as .*NAME-00001-of-00002\.gguf/);
});
