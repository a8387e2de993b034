import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { Field } from '../../scripts/reliability/fuzz/gguf-file.js';
import { PIECES, tinyGguf } from '../../scripts/reliability/fuzz/tiny-gguf.js';
import { importModel } from '../../src/model/import.js';
import { openModelFolder } from '../../src/model/load.js';
import { rewriteWeights } from '../helpers/rewrite-weights.js';

let root: string;
let out: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'import-fields-'));
  out = join(root, 'out');
});
afterEach(() => rmSync(root, { recursive: true }));

function gguf(...fields: readonly Field[]): string {
  const path = join(root, 'model.gguf');
  writeFileSync(path, tinyGguf(fields));
  return path;
}

const json = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));
const importing = (source: string, options = {}) => importModel(source, out, { dtype: 'float32', ...options });

describe('a GGUF file', () => {
  it.each<[what: string, fields: readonly Field[], message: RegExp]>([
    [
      'tokens that see those after them',
      [['llama.attention.causal', 'flag', false]],
      /attention\.causal: expected true/,
    ],
    [
      'a field that is not known',
      [['llama.attention.max_alibi_bias', 'f32', 8]],
      /max_alibi_bias: expected it to be absent, found 8/,
    ],
    [
      'an end of turn that is no token',
      [['tokenizer.ggml.eot_token_id', 'u32', 99999]],
      /eot_token_id: expected an id below 8/,
    ],
  ])('with %s is refused by the field', async (_what, fields, message) => {
    await expect(importing(gguf(...PIECES, ...fields))).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });

  it.each<[what: string, fields: readonly Field[], scaling: unknown]>([
    [
      'with a factor and no type is scaled linearly',
      [['llama.rope.scaling.factor', 'f32', 4]],
      { rope_type: 'linear', factor: 4 },
    ],
    ['with the older name as well', [['llama.rope.scale_linear', 'f32', 2]], { rope_type: 'linear', factor: 2 }],
    [
      'with the type none is not',
      [
        ['llama.rope.scaling.factor', 'f32', 4],
        ['llama.rope.scaling.type', 'text', 'none'],
      ],
      undefined,
    ],
    [
      'with fields of other kinds that are off is read',
      [
        ['llama.expert_used_count', 'u32', 0],
        ['llama.rope.scaling.yarn_log_multiplier', 'f32', 0],
      ],
      undefined,
    ],
  ])('%s', async (_what, fields, scaling) => {
    await importing(gguf(...PIECES, ...fields));
    expect(json(out, 'config.json').rope_scaling).toEqual(scaling);
  });

  it('without a tokenizer is refused with where to take one from', async () => {
    await expect(importing(gguf())).rejects.toThrow(/there is no tokenizer in the file; set `tokenizer` to a folder/);
  });

  it('with a block whose scale is no number is refused by the tensor', async () => {
    const path = gguf(...PIECES);
    const bytes = readFileSync(path);
    // The scale of the last block of a Q8_0 matrix: the last matrix is followed by three norms of 128 bytes.
    bytes.writeUInt16LE(0x7e00, bytes.length - 3 * 128 - 16 * 34);
    writeFileSync(path, bytes);
    await expect(importing(path)).rejects.toThrow(/model\.gguf: blk\.0\.attn_v\.weight: element 0 is NaN/);
    expect(existsSync(out)).toBe(false);
  });

  it('in a folder is to be given itself', async () => {
    gguf(...PIECES);
    await expect(importing(root)).rejects.toThrow(`give ${join(root, 'model.gguf')}`);
    writeFileSync(join(root, 'other.gguf'), '');
    await expect(importing(root)).rejects.toThrow('give one of model.gguf, other.gguf');
  });
});

describe('a folder', () => {
  let source: string;
  beforeEach(async () => {
    source = join(root, 'source');
    await importModel(gguf(...PIECES), source, { dtype: 'float32' });
  });

  test('with a tied flag and a separate head keeps the head, and says that it is not tied', async () => {
    await rewriteWeights(source, (tensors) => {
      const embedding = tensors.get('model.embed_tokens.weight')!;
      tensors.set('lm_head.weight', { ...embedding, name: 'lm_head.weight', data: embedding.data.map((x) => 2 * x) });
    });
    const { warnings } = await importing(source);
    expect(warnings).toEqual([expect.stringContaining('lm_head.weight differs from the embedding')]);
    expect(json(out, 'config.json').tie_word_embeddings).toBe(false);
    const model = await openModelFolder(out);
    expect(model.warnings).toEqual([]);
    const [head, embedding] = [await model.read('lm_head.weight'), await model.read('model.embed_tokens.weight')];
    expect(head.data).toEqual(embedding.data.map((x) => 2 * x));
    await model.close();
  });

  test('with an adapter and dead indexes beside the model leaves them there, and says so', async () => {
    for (const name of ['adapter_config.json', 'adapter_model.safetensors', 'pytorch_model.bin.index.json'])
      writeFileSync(join(source, name), '{}');
    writeFileSync(join(source, 'README.md'), 'a card');
    const { files, warnings } = await importing(source);
    expect(warnings).toEqual([expect.stringContaining('there is an adapter in the model folder')]);
    expect(files.filter((name) => /adapter|index/.test(name))).toEqual([]);
    expect(files).toContain('README.md');
  });

  test('with a weight that is no number is refused by the tensor, and nothing is written', async () => {
    await rewriteWeights(source, (tensors) => {
      tensors.get('model.norm.weight')!.data[3] = Number.NaN;
    });
    await expect(importing(source)).rejects.toThrow(/model\.safetensors: model\.norm\.weight: element 3 is NaN/);
    expect(existsSync(out)).toBe(false);
  });

  test('takes another tokenizer whole: none of its old files stays', async () => {
    for (const name of [
      'chat_template.jinja',
      'added_tokens.json',
      'tokenizer.model',
      'special_tokens_map.json',
      'vocab.json',
    ])
      writeFileSync(join(source, name), `old ${name}`);
    const other = join(root, 'other');
    mkdirSync(join(other, 'additional_chat_templates'), { recursive: true });
    const tokenizer = json(source, 'tokenizer.json');
    writeFileSync(join(other, 'tokenizer.json'), JSON.stringify(tokenizer));
    writeFileSync(join(other, 'tokenizer_config.json'), '{"chat_template": "new"}');
    writeFileSync(join(other, 'additional_chat_templates', 'rag.jinja'), 'new rag');
    for (const name of ['config.json', 'LICENSE', 'generation_config.json'])
      writeFileSync(join(other, name), '{"not": "taken"}');
    await importing(source, { tokenizer: other });
    expect(readdirSync(out).sort()).toEqual([
      'additional_chat_templates',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(readdirSync(join(out, 'additional_chat_templates'))).toEqual(['rag.jinja']);
    expect(json(out, 'tokenizer_config.json')).toEqual({ chat_template: 'new' });
    expect(json(out, 'generation_config.json')).toEqual(json(source, 'generation_config.json'));
  });

  test('and a GGUF file refuse a tokenizer with more tokens than the embedding has rows', async () => {
    const other = join(root, 'other');
    mkdirSync(other);
    const tokenizer = json(source, 'tokenizer.json');
    tokenizer.added_tokens.push({ id: 8, content: '<pad>', special: true });
    writeFileSync(join(other, 'tokenizer.json'), JSON.stringify(tokenizer));
    for (const from of [source, join(root, 'model.gguf')])
      await expect(importing(from, { tokenizer: other })).rejects.toThrow(
        /the tokenizer has 9 tokens, the embedding of the model only 8 rows/,
      );
    expect(existsSync(out)).toBe(false);
  });
});
