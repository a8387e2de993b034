import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  createAtomicFile,
  removeLeftovers,
  writeFileAtomic,
  writeFolderAtomic,
  writeJson,
} from '../../src/io/atomic.js';
import { start } from '../cli/child.js';
import { temporaryFolder } from '../helpers/folder.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = temporaryFolder('atomic');
  file = join(folder, 'a', 'file.txt');
});

describe('a file written atomically', () => {
  it('is not there until it is committed, and then whole, its folders made', async () => {
    const out = await createAtomicFile(file);
    await out.write('one ');
    await out.write(Buffer.from('two'));
    expect(existsSync(file)).toBe(false);
    await out.commit();
    expect(readFileSync(file, 'utf8')).toBe('one two');
    await out.abort();
    expect(readdirSync(join(folder, 'a'))).toEqual(['file.txt']);
  });

  it('leaves the old content and no litter when it is aborted', async () => {
    await writeFileAtomic(file, 'old');
    const out = await createAtomicFile(file);
    await out.write('new');
    await out.abort();
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(join(folder, 'a'))).toEqual(['file.txt']);
  });

  it('follows a symbolic link and keeps the mode of the file it replaces', async () => {
    writeFileSync(join(folder, 'real'), 'old', { mode: 0o600 });
    symlinkSync('real', join(folder, 'link'));
    await writeFileAtomic(join(folder, 'link'), 'new');
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new');
    expect(statSync(join(folder, 'real')).mode & 0o777).toBe(0o600);
  });

  it('writes to a device instead of replacing it', async () => {
    await writeFileAtomic('/dev/null', 'x');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('says what is wrong with the place', async () => {
    await expect(writeFileAtomic(folder, 'x')).rejects.toMatchObject({
      code: 'usage',
      message: `${folder} is a folder; expected the name of a file to write`,
    });
    writeFileSync(join(folder, 'b'), '');
    await expect(writeFileAtomic(join(folder, 'b', 'c'), 'x')).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('cannot write'),
    });
  });

  it('holds JSON with a final newline', async () => {
    await writeJson(file, { a: [1] });
    expect(readFileSync(file, 'utf8')).toBe('{\n  "a": [\n    1\n  ]\n}\n');
  });
});

describe('a folder written atomically', () => {
  const out = () => join(folder, 'out');
  const fill = (text: string) => async (at: string) => writeFileSync(join(at, 'x'), text);

  it('appears whole, in place of nothing or of an empty folder', async () => {
    await writeFolderAtomic(out(), fill('1'));
    expect(readFileSync(join(out(), 'x'), 'utf8')).toBe('1');
    mkdirSync(join(folder, 'empty'));
    await writeFolderAtomic(join(folder, 'empty'), fill('2'));
    expect(readFileSync(join(folder, 'empty', 'x'), 'utf8')).toBe('2');
    expect(readdirSync(folder).sort()).toEqual(['empty', 'out']);
  });

  it('does not appear when filling it fails', async () => {
    const failing = writeFolderAtomic(out(), async (at) => {
      await fill('1')(at);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('replaces a folder in use only when told to', async () => {
    await writeFolderAtomic(out(), fill('1'));
    await expect(writeFolderAtomic(out(), fill('2'))).rejects.toMatchObject({ code: 'usage' });
    expect(readFileSync(join(out(), 'x'), 'utf8')).toBe('1');
    await writeFolderAtomic(out(), fill('2'), { replace: true });
    expect(readFileSync(join(out(), 'x'), 'utf8')).toBe('2');
    expect(readdirSync(folder)).toEqual(['out']);
  });
});

describe('what killed writers left', () => {
  it('is removed and named, at any depth; what is being written, and the names of others, are left alone', async () => {
    const names = ['.a.json.0123456789ab.tmp', 'sub/.b.0123456789ab.tmp', 'sub/.b.0123456789ab.old'];
    const others = ['.a.json.tmp', 'a.0123456789ab.tmp', '.hidden', 'sub/b/x'];
    for (const name of [...names, ...others]) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), '');
    }
    mkdirSync(join(folder, '.step.ba9876543210.tmp/deep'), { recursive: true });
    const going = await createAtomicFile(join(folder, 'going'));
    await writeFolderAtomic(join(folder, 'going-too'), async (at) => {
      writeFileSync(join(at, 'x'), '1');
      const removed = await removeLeftovers(folder);
      expect(removed.sort()).toEqual([...names, '.step.ba9876543210.tmp'].map((name) => join(folder, name)).sort());
    });
    await going.commit();
    expect(readdirSync(folder).sort()).toEqual([
      '.a.json.tmp',
      '.hidden',
      'a.0123456789ab.tmp',
      'going',
      'going-too',
      'sub',
    ]);
    expect(readdirSync(join(folder, 'sub', 'b'))).toEqual(['x']);
    expect(await removeLeftovers(folder)).toEqual([]);
  });

  it('is put back when it is the folder that was being replaced', async () => {
    mkdirSync(join(folder, '.out.0123456789ab.old'));
    writeFileSync(join(folder, '.out.0123456789ab.old/x'), 'old');
    expect(await removeLeftovers(folder)).toEqual([]);
    expect(readFileSync(join(folder, 'out/x'), 'utf8')).toBe('old');
  });

  it('is all that a kill leaves besides whole files and whole folders, at any moment', async () => {
    const versions: string[] = [];
    for (let round = 0; round < 6; round++) {
      const { child, ended } = start('tests/io/rewriter.ts', [folder]);
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 7 * round));
      child.kill('SIGKILL');
      await ended;
      await removeLeftovers(folder);
      expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
      const text = readFileSync(join(folder, 'folder/a'), 'utf8');
      expect(readFileSync(join(folder, 'folder/deep/b'), 'utf8')).toBe(text);
      versions.push(text, readFileSync(join(folder, 'file'), 'utf8'));
    }
    for (const text of versions) expect(text).toBe(`${Number.parseInt(text, 10)} `.repeat(5000));
  });
});
