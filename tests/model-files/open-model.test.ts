import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSafetensors, type TensorToWrite, writeSafetensors } from '../../src/io/safetensors.js';
import { openModel } from '../../src/model/load.js';
import { checkTokens, vocabularyWarnings } from '../../src/model/texts.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-open-'));
  await cp('tests/fixtures/logits/llama-grouped', folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes the model's weights anew, changed. */
async function rewrite(change: (tensors: Map<string, TensorToWrite>) => void): Promise<void> {
  const path = join(folder, 'model.safetensors');
  const file = await openSafetensors(path);
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { shape }] of file.tensors) {
    const { data } = await file.read(name);
    tensors.set(name, { name, shape, dtype: 'F32', data: data as Float32Array });
  }
  await file.close();
  change(tensors);
  await writeSafetensors(path, [...tensors.values()]);
}

const Q = 'model.layers.1.self_attn.q_proj.weight';
const refused = (...parts: string[]) =>
  expect.objectContaining({ code: 'data', message: expect.stringMatching(new RegExp(parts.join('.*'))) });

test('a missing tensor is told with its name and the shape it should have', async () => {
  await rewrite((tensors) => tensors.delete(Q));
  await expect(openModel(folder)).rejects.toThrow(
    refused('model.safetensors', Q, 'expected shape \\[24, 24\\]', 'no such tensor'),
  );
});

test('a tensor of another shape is told with both', async () => {
  await rewrite((tensors) => tensors.set(Q, { name: Q, dtype: 'F32', shape: [12, 48], data: new Float32Array(576) }));
  await expect(openModel(folder)).rejects.toThrow(refused(Q, '\\[24, 24\\]', 'got \\[12, 48\\]'));
});

test('a tensor that the decoder has no place for is refused; buffers of older exports are not', async () => {
  const put = (name: string) =>
    rewrite((all) => all.set(name, { name, dtype: 'F32', shape: [3], data: new Float32Array(3) }));
  await put('model.layers.0.self_attn.rotary_emb.inv_freq');
  await (await openModel(folder)).close();
  await put('model.layers.0.self_attn.q_norm.weight');
  await expect(openModel(folder)).rejects.toThrow(refused('q_norm.weight', 'unexpected tensor'));
});

test('a tensor of integers is refused with what to do', async () => {
  await rewrite((tensors) => tensors.set(Q, { name: Q, dtype: 'I32', shape: [24, 24], data: new Int32Array(576) }));
  await expect(openModel(folder)).rejects.toThrow(refused(Q, 'expected F32, F16 or BF16 values, got I32'));
});

test('a cut-off file is told with both sizes', async () => {
  const path = join(folder, 'model.safetensors');
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length - 100));
  await expect(openModel(folder)).rejects.toThrow(
    refused('cut off', `expected ${bytes.length} bytes`, `${bytes.length - 100}`),
  );
});

test('of a tokenizer with more tokens than the embedding has rows only a text that holds one is refused, by name', async () => {
  const model = await openModel(folder);
  expect(vocabularyWarnings(model, 53)).toEqual([]);
  expect(vocabularyWarnings(model, 54)).toEqual([
    expect.stringContaining('the tokenizer has 54 tokens, the embedding 53 rows'),
  ]);
  const check = (...ids: number[]) =>
    checkTokens(
      model,
      [
        { name: 'row a', ids: [0] },
        { name: 'row b', ids },
      ],
      () => '<pad>',
    );
  check(0, 52);
  expect(() => check(1, 53)).toThrow(refused('^row b: it holds the token "<pad>" \\(id 53\\)', 'vocab_size 53'));
  await model.close();
});
