import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSafetensors, writeSafetensors } from '../../src/io/safetensors.js';
import { mergeInto } from '../../src/lora/merge.js';
import { type MergeDtype, mergeAdapter } from '../../src/lora/merge-folder.js';
import { readAdapter } from '../../src/lora/peft-files.js';
import { openModelFolder } from '../../src/model/load.js';
import { linearShapes } from '../../src/model/parameters.js';
import { rewriteWeights } from '../helpers/rewrite-weights.js';

const [BASE, ADAPTER] = ['tests/fixtures/train/base', 'tests/fixtures/train/adapter'];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-merge-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Largest difference between the merged file and base plus adapter, relative to the value. */
async function worstError(out: string): Promise<number> {
  const model = await openModelFolder(BASE);
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

/** A copy of the adapter, its B matrices times `scale`. */
async function adapterTimes(scale: number): Promise<string> {
  const path = join(folder, 'adapter');
  await cp(ADAPTER, path, { recursive: true });
  const file = await openSafetensors(ADAPTER);
  const tensors = [];
  for (const [name, { shape }] of file.tensors) {
    const data = (await file.read(name)).data as Float32Array;
    tensors.push({
      name,
      shape,
      dtype: 'F32' as const,
      data: name.includes('lora_B') ? data.map((x) => x * scale) : data,
    });
  }
  await file.close();
  await writeSafetensors(join(path, 'adapter_model.safetensors'), tensors);
  return path;
}

test('counted are the tensors whose stored values changed', async () => {
  const zero = await mergeAdapter(BASE, await adapterTimes(0), join(folder, 'zero'));
  expect(zero).toMatchObject({ merged: 0, lost: 0, warnings: [] });
  // Too little for bfloat16: of a base that is stored so nothing changes.
  const low = join(folder, 'low');
  await mergeAdapter(BASE, await adapterTimes(0), low, { dtype: 'bfloat16' });
  const tiny = await mergeAdapter(low, await adapterTimes(1e-7), join(folder, 'tiny'));
  expect(tiny).toMatchObject({ merged: 0, lost: 1, warnings: [expect.stringContaining('as large as the change')] });
});

test.each([1, 0.05])('what rounding took of a change is said: %d times the adapter', async (scale) => {
  const adapter = await adapterTimes(scale);
  const out = join(folder, 'out');
  const { lost, warnings } = await mergeAdapter(BASE, adapter, out, { dtype: 'bfloat16' });
  // The same from the files: what is stored with the adapter and without, against the change in float32.
  await mergeAdapter(BASE, await adapterTimes(0), join(folder, 'without'), { dtype: 'bfloat16' });
  await adapterTimes(scale);
  await mergeAdapter(BASE, adapter, join(folder, 'exact'), { dtype: 'float32' });
  const open = (name: string) => openSafetensors(join(folder, name));
  const files = [await open('out'), await open('without'), await open('exact'), await openSafetensors(BASE)] as const;
  let [error, change] = [0, 0];
  for (const name of files[0].tensors.keys()) {
    const [stored, without, exact, base] = await Promise.all(files.map(async (file) => (await file.read(name)).data));
    for (const [i, x] of exact!.entries()) {
      const made = x - base![i]!;
      change += made ** 2;
      error += (stored![i]! - without![i]! - made) ** 2;
    }
  }
  for (const file of files) await file.close();
  expect(Math.abs(lost / Math.sqrt(error / change) - 1)).toBeLessThan(1e-9);
  const isMuch = lost >= 0.1;
  expect(isMuch).toBe(scale < 1);
  expect(warnings).toEqual(
    isMuch
      ? [expect.stringContaining(`the error is ${Math.round(100 * lost)} % of the change; only float32 keeps all`)]
      : [],
  );
});

test('named chat templates are kept, indexes of other weights are not', async () => {
  const base = join(folder, 'base');
  await cp(BASE, base, { recursive: true });
  await mkdir(join(base, 'additional_chat_templates'));
  await writeFile(join(base, 'additional_chat_templates', 'tool_use.jinja'), '{{ tools }}');
  for (const name of ['pytorch_model.bin.index.json', 'model.safetensors.index.json.bak', 'adapter_model.safetensors'])
    await writeFile(join(base, name), '{}');
  await mergeAdapter(base, ADAPTER, join(folder, 'out'));
  expect((await readdir(join(folder, 'out'))).sort()).toEqual([
    'additional_chat_templates',
    'config.json',
    'model.safetensors',
  ]);
  expect(await readFile(join(folder, 'out', 'additional_chat_templates', 'tool_use.jinja'), 'utf8')).toBe(
    '{{ tools }}',
  );
});

test('a head that differs from the embedding though config.json ties them is kept, and is no longer said to be tied', async () => {
  const base = join(folder, 'base');
  await cp(BASE, base, { recursive: true });
  const config = JSON.parse(await readFile(join(base, 'config.json'), 'utf8')) as object;
  await writeFile(join(base, 'config.json'), JSON.stringify({ ...config, tie_word_embeddings: true }));
  await rewriteWeights(base, (tensors) => {
    const embedding = tensors.get('model.embed_tokens.weight')!;
    tensors.set('lm_head.weight', { ...embedding, name: 'lm_head.weight', data: embedding.data.map((x) => 3 * x) });
  });
  const { warnings } = await mergeAdapter(base, ADAPTER, join(folder, 'out'));
  expect(warnings).toEqual([expect.stringContaining('lm_head.weight differs from the embedding')]);
  const [before, after] = [await openModelFolder(base), await openModelFolder(join(folder, 'out'))];
  expect(after.warnings).toEqual([]);
  expect((await after.read('lm_head.weight')).data).toEqual((await before.read('lm_head.weight')).data);
  for (const model of [before, after]) await model.close();
});

test('an adapter that brings another tokenizer or template is reported', async () => {
  const adapter = await adapterTimes(1);
  const base = join(folder, 'base');
  await cp(BASE, base, { recursive: true });
  await writeFile(join(base, 'tokenizer.json'), '{"same": 1}');
  await writeFile(join(adapter, 'tokenizer.json'), '{"same": 1}');
  await writeFile(join(adapter, 'chat_template.jinja'), 'mine');
  await writeFile(join(adapter, 'tokenizer_config.json'), '{"chat_template": "other"}');
  const { warnings } = await mergeAdapter(base, adapter, join(folder, 'out'));
  expect(warnings).toEqual([
    expect.stringMatching(/the adapter brings chat_template\.jinja, chat_template in tokenizer_config\.json, which/),
  ]);
});

test('a value that the type cannot hold is refused by the tensor', async () => {
  const out = join(folder, 'out');
  await expect(mergeAdapter(BASE, await adapterTimes(1e6), out, { dtype: 'float16' })).rejects.toThrow(
    /_proj\.weight: element \d+ of the result is .* more than F16 holds/,
  );
  expect(existsSync(out)).toBe(false);
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
