import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openGguf } from '../../src/io/gguf.js';
import { openSafetensors } from '../../src/io/safetensors.js';
import { importModel } from '../../src/model/import.js';
import { temporaryFolder } from '../helpers/folder.js';

const fixtures = new URL('../fixtures/gguf/', import.meta.url).pathname;
const root = temporaryFolder('import');
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
});

const json = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));

async function sameTensors(a: string, b: string) {
  const [ours, reference] = [await openSafetensors(a), await openSafetensors(b)];
  expect([...ours.tensors.keys()].sort()).toEqual([...reference.tensors.keys()].sort());
  for (const name of ours.tensors.keys()) {
    const [x, y] = [await ours.read(name), await reference.read(name)];
    expect(x.shape, name).toEqual(y.shape);
    expect(x.data, name).toEqual(y.data);
  }
  await ours.close();
  await reference.close();
}

describe('a GGUF file', () => {
  it.each(['smollm', 'pieces'])('%s becomes the weights it was made of, element for element', async (name) => {
    await importModel(join(fixtures, `${name}.gguf`), folder, { dtype: 'float32' });
    await sameTensors(folder, join(fixtures, `${name}.safetensors`));
  });

  it('becomes bfloat16 rounded to nearest even', async () => {
    await importModel(join(fixtures, 'pieces.gguf'), folder, { dtype: 'bfloat16' });
    const [ours, exact] = [await openSafetensors(folder), await openSafetensors(join(fixtures, 'pieces.safetensors'))];
    for (const [name, info] of ours.tensors) {
      expect(info.dtype).toBe('BF16');
      const [x, y] = [(await ours.read(name)).data, (await exact.read(name)).data];
      // Half a unit in the last of bfloat16's eight significant bits.
      expect(x.every((v, i) => Math.abs(v - y[i]!) <= Math.abs(y[i]!) * 2 ** -8)).toBe(true);
      expect(x.some((v, i) => v !== y[i])).toBe(name !== 'model.norm.weight' && !name.includes('layernorm'));
    }
    expect(json(folder, 'config.json').torch_dtype).toBe('bfloat16');
    await ours.close();
    await exact.close();
  });

  it('gets the config of a tied Llama with biases, short decimals restored', async () => {
    await importModel(join(fixtures, 'smollm.gguf'), folder, { dtype: 'float32' });
    expect(json(folder, 'config.json')).toMatchObject({
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      attention_bias: true,
      mlp_bias: false,
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 8,
      rms_norm_eps: 1e-5,
      rope_theta: 100000,
      tie_word_embeddings: true,
      torch_dtype: 'float32',
      vocab_size: 400,
      max_position_embeddings: 256,
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 2,
    });
    expect(json(folder, 'generation_config.json')).toEqual({ bos_token_id: 1, eos_token_id: 2, pad_token_id: 2 });
    expect(readFileSync(join(folder, 'chat_template.jinja'), 'utf8')).toContain('<|im_start|>');
  });

  it('with a sliding window becomes a Mistral with a head of its own', async () => {
    await importModel(join(fixtures, 'pieces.gguf'), folder, { dtype: 'float32' });
    expect(json(folder, 'config.json')).toMatchObject({
      architectures: ['MistralForCausalLM'],
      model_type: 'mistral',
      sliding_window: 32,
      head_dim: 16,
      num_key_value_heads: 1,
      tie_word_embeddings: false,
      rope_scaling: { rope_type: 'linear', factor: 4 },
    });
  });

  it('gets the rule behind the rotary scaling of Llama 3, and both ends of an answer', async () => {
    await importModel(join(fixtures, 'llama-bpe.gguf'), folder, { dtype: 'float32' });
    expect(json(folder, 'config.json')).toMatchObject({
      head_dim: 32,
      rope_theta: 500000,
      rope_scaling: {
        rope_type: 'llama3',
        factor: 32,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
    });
    expect(json(folder, 'generation_config.json').eos_token_id).toEqual([2, 0]);
    const weights = await openSafetensors(folder);
    expect(weights.tensors.has('rope_freqs.weight')).toBe(false);
    await weights.close();
  });

  it('may take its tokenizer from a folder', async () => {
    await importModel(join(fixtures, 'smollm.gguf'), join(folder, 'a'), { dtype: 'float32' });
    writeFileSync(join(folder, 'a', 'tokenizer_config.json'), '{"mark": 1}');
    await importModel(join(fixtures, 'smollm.gguf'), join(folder, 'b'), {
      dtype: 'float32',
      tokenizer: join(folder, 'a'),
    });
    expect(json(folder, 'b', 'tokenizer_config.json')).toEqual({ mark: 1 });
  });
});

describe('a Hugging Face folder', () => {
  let source: string;
  beforeAll(async () => {
    source = join(root, 'source');
    await importModel(join(fixtures, 'pieces.gguf'), source, { dtype: 'float32' });
  });

  it('is written again in another type, its other files copied', async () => {
    await importModel(source, folder, { dtype: 'bfloat16' });
    expect(readdirSync(folder).sort()).toEqual(readdirSync(source).sort());
    expect(readFileSync(join(folder, 'tokenizer.json'))).toEqual(readFileSync(join(source, 'tokenizer.json')));
    expect(json(folder, 'config.json')).toEqual({ ...json(source, 'config.json'), torch_dtype: 'bfloat16' });
    const back = join(folder, 'back');
    await importModel(join(fixtures, 'pieces.gguf'), back, { dtype: 'bfloat16' });
    expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(readFileSync(join(back, 'model.safetensors')));
  });

  it('without config.json is refused, and nothing is left behind', async () => {
    cpSync(source, folder, { recursive: true });
    rmSync(join(folder, 'config.json'));
    await expect(importModel(folder, join(folder, 'out'), { dtype: 'float32' })).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('no config.json in it'),
    });
    expect(readdirSync(folder).filter((name) => name.includes('out'))).toEqual([]);
  });

  it('with only pickled weights is refused with how to convert them', async () => {
    cpSync(source, folder, { recursive: true });
    rmSync(join(folder, 'model.safetensors'));
    writeFileSync(join(folder, 'pytorch_model.bin'), 'x');
    await expect(importModel(folder, join(folder, 'out'), { dtype: 'float32' })).rejects.toThrow(
      /pytorch_model\.bin holds pickled weights.*save_pretrained/,
    );
  });

  it('with a cut-off weight file is refused with both sizes, and nothing is left behind', async () => {
    cpSync(source, folder, { recursive: true });
    truncateSync(join(folder, 'model.safetensors'), 20_000);
    await expect(importModel(folder, join(folder, 'out'), { dtype: 'float32' })).rejects.toThrow(
      /is cut off: expected \d+ bytes, file has 20000/,
    );
    expect(readdirSync(folder).filter((name) => name.includes('out'))).toEqual([]);
  });
});

describe('what cannot be imported', () => {
  const smollm = readFileSync(join(fixtures, 'smollm.gguf'));

  /** The fixture with one text replaced by another of the same length. */
  function renamed(from: string, to: string): string {
    const copy = Buffer.from(smollm);
    for (let at = copy.indexOf(from); at >= 0; at = copy.indexOf(from, at + 1)) copy.write(to, at);
    const file = join(mkdtempSync(join(root, 'bad-')), 'x.gguf');
    writeFileSync(file, copy);
    return file;
  }

  it.each<[what: string, from: string, to: string, message: RegExp]>([
    [
      'a missing tensor',
      'blk.1.ffn_up.weight',
      'blk.1.ffn_ub.weight',
      /no tensor blk\.1\.ffn_up\.weight in it, expected \[64, 32\]/,
    ],
    [
      'a missing field',
      'llama.block_count',
      'llama.clock_count',
      /field llama\.block_count: expected a number, found nothing/,
    ],
    [
      'a pre-tokenizer nobody knows',
      'smollm',
      'smorgs',
      /field tokenizer\.ggml\.pre: expected one of gpt-2.* found "smorgs"; set `tokenizer` to a folder/,
    ],
    ['a tokenizer nobody knows', 'gpt2', 'bert', /field tokenizer\.ggml\.model: expected gpt2 or llama, found "bert"/],
    [
      'another architecture',
      '\u0005\0\0\0\0\0\0\0llama',
      '\u0005\0\0\0\0\0\0\0gemma',
      /expected llama \(Llama and Mistral models\), found "gemma"/,
    ],
  ])('%s', async (_what, from, to, message) => {
    await expect(importModel(renamed(from, to), folder, { dtype: 'float32' })).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(message),
    });
    expect(readdirSync(root).filter((name) => name.startsWith(`.${basename(folder)}.`))).toEqual([]);
  });

  it('rotary scaling by another rule than Llama 3 has', async () => {
    const copy = readFileSync(join(fixtures, 'llama-bpe.gguf'));
    const gguf = await openGguf(join(fixtures, 'llama-bpe.gguf'));
    copy.writeFloatLE(3, gguf.tensors.get('rope_freqs.weight')!.offset);
    await gguf.close();
    const file = join(mkdtempSync(join(root, 'bad-')), 'x.gguf');
    writeFileSync(file, copy);
    await expect(importModel(file, folder, { dtype: 'float32' })).rejects.toThrow(
      /rope_freqs\.weight: expected Llama 3's/,
    );
  });

  it('a tensor more than expected', async () => {
    // Two layers in the file, one in its header.
    const copy = Buffer.from(smollm);
    copy[copy.indexOf('llama.block_count') + 'llama.block_count'.length + 4] = 1;
    const file = join(mkdtempSync(join(root, 'bad-')), 'x.gguf');
    writeFileSync(file, copy);
    await expect(importModel(file, folder, { dtype: 'float32' })).rejects.toThrow(
      /unexpected tensor blk\.1\.\w+\.weight/,
    );
  });

  it('a tensor of another shape', async () => {
    const copy = Buffer.from(smollm);
    copy[copy.indexOf('llama.feed_forward_length') + 'llama.feed_forward_length'.length + 4] = 65;
    const file = join(mkdtempSync(join(root, 'bad-')), 'x.gguf');
    writeFileSync(file, copy);
    await expect(importModel(file, folder, { dtype: 'float32' })).rejects.toThrow(
      /tensor blk\.0\.ffn_gate\.weight: expected shape \[65, 32\], found \[64, 32\]/,
    );
  });

  it('a source that is not there', async () => {
    await expect(importModel(join(root, 'none'), folder, { dtype: 'float32' })).rejects.toMatchObject({ code: 'data' });
  });

  it('an output folder in use, unless it is to be replaced', async () => {
    const source = join(fixtures, 'smollm.gguf');
    await importModel(source, folder, { dtype: 'float32' });
    writeFileSync(join(folder, 'mine.txt'), 'x');
    await expect(importModel(source, folder, { dtype: 'float32' })).rejects.toMatchObject({ code: 'usage' });
    expect(readdirSync(folder)).toContain('mine.txt');
    await importModel(source, folder, { dtype: 'bfloat16', overwrite: true });
    expect(readdirSync(folder)).not.toContain('mine.txt');
  });
});
