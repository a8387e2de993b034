import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSafetensors } from '../../src/io/safetensors.js';
import { mergeInto } from '../../src/lora/merge.js';
import { type MergeDtype, mergeAdapter } from '../../src/lora/merge-folder.js';
import { readAdapter } from '../../src/lora/peft-files.js';
import { openModel } from '../../src/model/load.js';
import { linearShapes } from '../../src/model/parameters.js';

const [BASE, ADAPTER] = ['tests/fixtures/train/base', 'tests/fixtures/train/adapter'];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-merge-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Largest difference between the merged file and base plus adapter, relative to the value. */
async function worstError(out: string): Promise<number> {
  const model = await openModel(BASE);
  const adapter = await readAdapter(ADAPTER, linearShapes(model.config));
  const [base, merged] = [await openSafetensors(BASE), await openSafetensors(out)];
  let worst = 0;
  for (const name of base.tensors.keys()) {
    const value = await base.read(name);
    mergeInto(name, value, adapter);
    const got = await merged.read(name);
    expect(got.shape).toEqual(value.shape);
    for (const [i, x] of value.data.entries()) worst = Math.max(worst, Math.abs(got.data[i]! - x) / Math.abs(x));
  }
  for (const file of [base, merged, model]) await file.close();
  return worst;
}

test.each<[MergeDtype, number]>([
  ['auto', 0],
  ['float32', 0],
  ['bfloat16', 2 ** -8],
])('%s: every weight is base plus adapter', async (dtype, limit) => {
  const out = join(folder, 'merged');
  const seen: number[] = [];
  const result = await mergeAdapter(BASE, ADAPTER, out, { dtype, onTensor: (done, total) => seen.push(done / total) });
  expect(result).toMatchObject({ tensors: 21, merged: 14 });
  expect(seen).toHaveLength(21);
  expect(seen.at(-1)).toBe(1);
  expect((await readdir(out)).sort()).toEqual(['config.json', 'model.safetensors']);
  expect([...result.files].sort()).toEqual(['config.json', 'model.safetensors']);
  const error = await worstError(out);
  expect(error).toBeLessThanOrEqual(limit);
  if (dtype === 'bfloat16') expect(error).toBeGreaterThan(0);
  const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
  expect(config.dtype).toBe(dtype === 'auto' ? 'float32' : dtype);
});

test('tokenizer, chat template and licence come along; weights of the base and its adapters do not', async () => {
  const base = join(folder, 'base');
  await cp(BASE, base, { recursive: true });
  const companions = [
    'tokenizer.json',
    'tokenizer.model',
    'chat_template.jinja',
    'merges.txt',
    'LICENSE',
    'generation_config.json',
  ];
  for (const name of companions) await writeFile(join(base, name), name);
  for (const name of ['adapter_config.json', 'README.md', 'pytorch_model.bin']) await writeFile(join(base, name), name);
  await mergeAdapter(base, ADAPTER, join(folder, 'out'));
  expect((await readdir(join(folder, 'out'))).sort()).toEqual(
    [...companions, 'config.json', 'model.safetensors'].sort(),
  );
  expect(await readFile(join(folder, 'out', 'tokenizer.model'), 'utf8')).toBe('tokenizer.model');
});

test('a merge that is stopped leaves nothing', async () => {
  const stop = new AbortController();
  const onTensor = (done: number) => {
    if (done === 5) stop.abort();
  };
  const out = join(folder, 'out');
  await expect(mergeAdapter(BASE, ADAPTER, out, { onTensor, signal: stop.signal })).rejects.toMatchObject({
    code: 'interrupted',
  });
  expect(existsSync(out)).toBe(false);
  expect(await readdir(folder)).toEqual([]);
});

test('a folder with files in it is not touched', async () => {
  await writeFile(join(folder, 'mine'), 'mine');
  await expect(mergeAdapter(BASE, ADAPTER, folder)).rejects.toThrow(/exists and is not empty/);
  expect(await readdir(folder)).toEqual(['mine']);
});

test.skipIf(process.platform === 'win32')(
  'a link out of the base or of the adapter is refused, and nothing is written',
  async () => {
    const [base, adapter, out] = [join(folder, 'base'), join(folder, 'adapter'), join(folder, 'out')];
    await writeFile(join(folder, 'secret'), 'a secret');
    await cp(BASE, base, { recursive: true });
    await symlink(join(folder, 'secret'), join(base, 'LICENSE'));
    await expect(mergeAdapter(base, ADAPTER, out)).rejects.toThrow(/LICENSE is a link out of its folder/);
    for (const name of ['adapter_config.json', 'adapter_model.safetensors']) {
      await cp(ADAPTER, adapter, { recursive: true });
      await rm(join(adapter, name));
      await symlink(join(folder, 'secret'), join(adapter, name));
      await expect(mergeAdapter(BASE, adapter, out)).rejects.toThrow(`${name} is a link out of its folder`);
      await rm(adapter, { recursive: true });
    }
    expect((await readdir(folder)).sort()).toEqual(['base', 'secret']);
  },
);
