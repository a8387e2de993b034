import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeSharedFloats, sharedFloats } from '../../src/io/shared-floats.js';
import { temporaryFolder } from '../helpers/folder.js';

test('numbers are zero at first, and read where they were written, by whoever has the file', () => {
  const folder = temporaryFolder();
  const made = makeSharedFloats(300_001, [folder]);
  const other = sharedFloats(made.file);
  const last = new Float32Array(2).fill(Number.NaN);
  other.read(299_999, last);
  expect([...last]).toEqual([0, 0]);
  const values = Float32Array.from({ length: 300_000 }, (_, i) => i / 7);
  made.write(1, values);
  const back = new Float32Array(300_000);
  other.read(1, back);
  expect(Buffer.from(back.buffer).equals(Buffer.from(values.buffer))).toBe(true);
  // Part of a larger array, not what lies around it.
  made.write(0, values.subarray(7, 9));
  other.read(0, last);
  expect([...last]).toEqual([...values.subarray(7, 9)]);
  made.close();
});

test('the file has no name from the beginning', () => {
  const folder = temporaryFolder();
  const made = makeSharedFloats(10, [folder]);
  expect(readdirSync(folder)).toEqual([]);
  made.close();
});

test('reading beyond the end is an error', () => {
  const made = makeSharedFloats(4, [temporaryFolder()]);
  expect(() => made.read(3, new Float32Array(2))).toThrow('the shared file ends 4 bytes too early');
  made.close();
});

test('the next folder is taken where one has no room, and the first problem is the error where none has', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const made = makeSharedFloats(10, [join(file, 'below'), join(folder, 'missing'), folder]);
  made.close();
  expect(readdirSync(folder)).toEqual(['file']);
  expect(() => makeSharedFloats(10, [join(file, 'below'), join(folder, 'missing')])).toThrow(
    'a part of the path is a file, not a folder',
  );
});
