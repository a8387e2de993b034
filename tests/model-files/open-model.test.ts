import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openModelFolder } from '../../src/model/load.js';
import { checkTokens, vocabularyWarnings } from '../../src/model/texts.js';
import { rewriteWeights } from '../helpers/rewrite-weights.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-open-'));
  await cp('tests/fixtures/logits/llama-grouped', folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const rewrite = (change: Parameters<typeof rewriteWeights>[1]) => rewriteWeights(folder, change);

const Q = 'model.layers.1.self_attn.q_proj.weight';
const refused = (...parts: string[]) =>
  expect.objectContaining({ code: 'data', message: expect.stringMatching(new RegExp(parts.join('.*'))) });

test('a missing tensor is told with its name and the shape it should have', async () => {
  await rewrite((tensors) => tensors.delete(Q));
  await expect(openModelFolder(folder)).rejects.toThrow(
    refused('model.safetensors', Q, 'expected shape \\[24, 24\\]', 'no such tensor'),
  );
});

test('a tensor of another shape is told with both', async () => {
  await rewrite((tensors) => tensors.set(Q, { name: Q, dtype: 'F32', shape: [12, 48], data: new Float32Array(576) }));
  await expect(openModelFolder(folder)).rejects.toThrow(refused(Q, '\\[24, 24\\]', 'got \\[12, 48\\]'));
});

test('a tensor that the decoder has no place for is refused; buffers of older exports are not', async () => {
  const put = (name: string) =>
    rewrite((all) => all.set(name, { name, dtype: 'F32', shape: [3], data: new Float32Array(3) }));
  await put('model.layers.0.self_attn.rotary_emb.inv_freq');
  await (await openModelFolder(folder)).close();
  await put('model.layers.0.self_attn.q_norm.weight');
  await expect(openModelFolder(folder)).rejects.toThrow(refused('q_norm.weight', 'unexpected tensor'));
});

test('a tensor of integers is refused with what to do', async () => {
  await rewrite((tensors) =>
    tensors.set(Q, { name: Q, dtype: 'I32', shape: [24, 24], data: new Int32Array(576) as never }),
  );
  await expect(openModelFolder(folder)).rejects.toThrow(refused(Q, 'expected F32, F16 or BF16 values, got I32'));
});

describe('a head and the flag that ties it to the embedding', () => {
  const [HEAD, EMBEDDING] = ['lm_head.weight', 'model.embed_tokens.weight'];
  const setTied = async (tie_word_embeddings: boolean) => {
    const path = join(folder, 'config.json');
    const config = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...config, tie_word_embeddings }));
  };
  /** What a program is given. */
  const parametersOf = async () => {
    const model = await openModelFolder(folder);
    const all = new Map<string, Float32Array>();
    for await (const [name, { data }] of model.parameters()) all.set(name, (data as Float32Array).slice());
    await model.close();
    return { all, tied: model.config.tie_word_embeddings, warnings: model.warnings };
  };

  test('tied, with a different head in the file: the head is used, with a warning', async () => {
    const before = await parametersOf();
    await setTied(true);
    const { all, tied, warnings } = await parametersOf();
    expect(tied).toBe(false);
    expect(all).toEqual(before.all);
    expect(warnings).toEqual([expect.stringContaining('lm_head.weight differs from the embedding')]);
    await rewrite((tensors) => tensors.set(HEAD, { ...tensors.get(EMBEDDING)!, name: HEAD }));
    expect(await parametersOf()).toMatchObject({ tied: true, warnings: [] });
    // One value of a copy is enough.
    await rewrite((tensors) => {
      (tensors.get(HEAD)!.data as Float32Array)[1270]! += 2 ** -20;
    });
    expect(await parametersOf()).toMatchObject({ tied: false });
  });

  test('tied, with only the head in the file: it is the embedding as well', async () => {
    const { all } = await parametersOf();
    await setTied(true);
    await rewrite((tensors) => tensors.delete(EMBEDDING));
    const found = await parametersOf();
    expect(found).toMatchObject({ tied: true, warnings: [] });
    expect(found.all.get(EMBEDDING)).toEqual(all.get(HEAD));
    expect(found.all.has(HEAD)).toBe(false);
  });

  test('not tied, without a head: the error names the flag', async () => {
    await rewrite((tensors) => tensors.delete(HEAD));
    await expect(openModelFolder(folder)).rejects.toThrow(
      refused(HEAD, 'there is no such tensor', 'set tie_word_embeddings to true'),
    );
  });

  test('names without model. in front, as a decoder alone is saved, are read', async () => {
    const { all } = await parametersOf();
    await rewrite((tensors) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name);
        const bare = name.replace(/^model\./, '');
        if (name !== HEAD) tensors.set(bare, { ...tensor, name: bare });
      }
    });
    await expect(openModelFolder(folder)).rejects.toThrow(refused(HEAD, 'set tie_word_embeddings to true'));
    await setTied(true);
    const found = await parametersOf();
    all.delete(HEAD);
    expect(found.all).toEqual(all);
  });

  test('names of a larger model are shown in the error', async () => {
    await rewrite((tensors) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name);
        tensors.set(`language_model.${name}`, { ...tensor, name: `language_model.${name}` });
      }
    });
    await expect(openModelFolder(folder)).rejects.toThrow(
      refused(EMBEDDING, 'there is language_model.model.embed_tokens.weight instead: save the language model alone'),
    );
  });
});

describe.each(['F32', 'F16', 'BF16'] as const)('a weight in %s that is not a finite number', (dtype) => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d is refused with tensor and place',
    async (value) => {
      await rewrite((tensors) => {
        for (const [name, tensor] of tensors) tensors.set(name, { ...tensor, dtype });
        (tensors.get(Q)!.data as Float32Array)[7] = value;
      });
      const model = await openModelFolder(folder);
      for (const held of ['float32', 'bfloat16'] as const) {
        const read = async () => {
          for await (const _ of model.parameters(() => held));
        };
        await expect(read()).rejects.toThrow(
          refused('model.safetensors', Q, 'element 7 is', 'expected a finite number'),
        );
      }
      await model.close();
    },
  );
});

test('an adapter in the folder is warned of; an adapter alone is no model', async () => {
  await writeFile(join(folder, 'adapter_config.json'), '{"base_model_name_or_path": "org/base"}');
  const model = await openModelFolder(folder);
  expect(model.warnings).toEqual([expect.stringMatching(/there is an adapter in the model folder.*without it/)]);
  await model.close();
  await rm(join(folder, 'config.json'));
  await expect(openModelFolder(folder)).rejects.toThrow(
    refused('this is an adapter', 'its base model \\(org/base\\) as the model and this folder as the adapter'),
  );
});

test('a cut-off file is told with both sizes', async () => {
  const path = join(folder, 'model.safetensors');
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length - 100));
  await expect(openModelFolder(folder)).rejects.toThrow(
    refused('cut off', `expected ${bytes.length} bytes`, `${bytes.length - 100}`),
  );
});

test('of a tokenizer with more tokens than the embedding has rows only a text that holds one is refused, by name', async () => {
  const model = await openModelFolder(folder);
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
      async () => '<pad>',
    );
  await check(0, 52);
  await expect(check(1, 53)).rejects.toThrow(
    refused('^row b: it holds the token "<pad>" \\(id 53\\)', 'vocab_size 53'),
  );
  await model.close();
});
