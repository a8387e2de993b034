import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { extractMembers, listMembers } from '../../src/backend/native/wheel.js';
import { writeWheel } from '../helpers/wheel.js';

const folder = mkdtempSync(join(tmpdir(), 'phasetune-wheel-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = 'four score and seven '.repeat(20_000);
const wheel = join(folder, 'a.whl');
writeWheel(wheel, { 'a/small.txt': 'hello', 'a/large.txt': text, 'a/empty': '', 'b/tool.exe': '#!' });

test('wanted members are unpacked byte for byte, stored, deflated and empty ones', async () => {
  const out = join(folder, 'out');
  const names = await extractMembers(wheel, (name) => name.startsWith('a/'), out);
  expect(names).toEqual(['a/small.txt', 'a/large.txt', 'a/empty']);
  expect(readFileSync(join(out, 'a/small.txt'), 'utf8')).toBe('hello');
  expect(readFileSync(join(out, 'a/large.txt'), 'utf8')).toBe(text);
  expect(statSync(join(out, 'a/empty')).size).toBe(0);
  expect(() => statSync(join(out, 'b'))).toThrow();
});

test('a program stays executable', async () => {
  await extractMembers(wheel, (name) => name === 'b/tool.exe', join(folder, 'tools'));
  expect(statSync(join(folder, 'tools/b/tool.exe')).mode & 0o111).not.toBe(0);
});

test('a changed byte is found by the checksum', async () => {
  const bytes = readFileSync(wheel);
  bytes[bytes.indexOf('hello')]! ^= 1;
  const damaged = join(folder, 'damaged.whl');
  writeFileSync(damaged, bytes);
  await expect(extractMembers(damaged, () => true, join(folder, 'bad'))).rejects.toThrow(
    /damaged\.whl: expected a whole wheel, but a\/small\.txt has a wrong checksum: delete it and try again/,
  );
});

test('damage inside deflated data is the same kind of error', async () => {
  const bytes = readFileSync(wheel);
  const at = (await listMembers(wheel)).find(({ name }) => name === 'a/large.txt')!.headerOffset + 41;
  bytes.fill(0xff, at, at + 40);
  const damaged = join(folder, 'deflated.whl');
  writeFileSync(damaged, bytes);
  await expect(extractMembers(damaged, () => true, join(folder, 'bad'))).rejects.toMatchObject({ code: 'data' });
});

test.each([0, 10, 100, 300])('a wheel cut to %i bytes is refused', async (bytes) => {
  const cut = join(folder, `cut-${bytes}.whl`);
  writeFileSync(cut, readFileSync(wheel));
  truncateSync(cut, bytes);
  await expect(listMembers(cut)).rejects.toMatchObject({ code: 'data' });
});

test('a member that would lie outside of the folder is refused', async () => {
  const evil = join(folder, 'evil.whl');
  writeWheel(evil, { '../outside': 'x' });
  await expect(extractMembers(evil, () => true, join(folder, 'in'))).rejects.toThrow(/outside/);
  expect(() => statSync(join(folder, 'outside'))).toThrow();
});
