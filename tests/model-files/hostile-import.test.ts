import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Field } from '../../scripts/reliability/fuzz/gguf-file.js';
import { BYTE_LEVEL, PIECES, tinyGguf } from '../../scripts/reliability/fuzz/tiny-gguf.js';
import { importModel } from '../../src/model/import.js';
import { openModelFolder } from '../../src/model/load.js';
import { temporaryFolder } from '../helpers/folder.js';

let root: string;
let source: string;
let out: string;
beforeEach(() => {
  root = temporaryFolder('hostile-import');
  source = join(root, 'source');
  out = join(root, 'made', 'out');
  mkdirSync(source);
  mkdirSync(join(root, 'made'));
});

/** Imports what must be refused: one line, and not a file written. */
async function refusal(from: string, options = {}): Promise<string> {
  const error = (await importModel(from, out, { dtype: 'bfloat16', ...options }).catch((e: unknown) => e)) as Error;
  expect(error).toMatchObject({ name: 'PhasetuneError', code: 'data' });
  expect(error.message.length).toBeLessThan(600);
  expect(readdirSync(join(root, 'made'))).toEqual([]);
  return error.message;
}

function gguf(...fields: readonly Field[]): string {
  const path = join(source, 'model.gguf');
  writeFileSync(path, tinyGguf(fields));
  return path;
}

describe('a GGUF file', () => {
  const tokens = (text: string): Field => [
    'tokenizer.ggml.tokens',
    'text',
    ['<unk>', '<s>', '</s>', 'a', 'b', 'ab', '▁', text],
  ];

  it.each<[what: string, fields: readonly Field[], message: RegExp]>([
    ['four thousand million layers', [...PIECES, ['llama.block_count', 'u32', 2 ** 32 - 1]], /num_hidden_layers/],
    ['no layers', [...PIECES, ['llama.block_count', 'u32', 0]], /num_hidden_layers/],
    ['no heads', [...PIECES, ['llama.attention.head_count', 'u32', 0]], /num_attention_heads|head/],
    [
      'an epsilon that is no number',
      [...PIECES, ['llama.attention.layer_norm_rms_epsilon', 'f32', Number.NaN]],
      /field llama\.attention\.layer_norm_rms_epsilon: expected a number, found NaN/,
    ],
    [
      'an endless rotary base',
      [...PIECES, ['llama.rope.freq_base', 'f32', Number.POSITIVE_INFINITY]],
      /field llama\.rope\.freq_base: expected a number, found Infinity/,
    ],
    [
      'a width beyond 2^53',
      [...PIECES, ['llama.embedding_length', 'u64', Number.MAX_SAFE_INTEGER]],
      /hidden_size|embedding/,
    ],
    [
      'a token of ten thousand letters, whose merges would take long to find',
      [...PIECES, tokens('a'.repeat(10_000))],
      /field tokenizer\.ggml\.tokens: its tokens are too long to be pieces of words; set `tokenizer` to a folder with its tokenizer\.json/,
    ],
    [
      'an end-of-text token that is not there',
      [...PIECES, ['tokenizer.ggml.eos_token_id', 'u32', 99]],
      /eos_token_id: expected an id below 8, found 99/,
    ],
    [
      'more types than tokens',
      [...PIECES, ['tokenizer.ggml.token_type', 'i32', Array(9).fill(1)]],
      /expected 8 entries as in tokenizer\.ggml\.tokens, found 9/,
    ],
    [
      'a merge of unknown tokens',
      [...BYTE_LEVEL, ['tokenizer.ggml.merges', 'text', ['a __proto__']]],
      /merges: entry 0: expected two tokens that make a third, found "a __proto__"/,
    ],
  ])('with %s is refused, nothing written', async (_what, fields, message) => {
    expect(await refusal(gguf(...fields))).toMatch(message);
  });

  it('may have the token __proto__, and a chat template under a name that is no path', async () => {
    const names: Field = ['tokenizer.chat_template.../../x', 'text', 'x'];
    await importModel(gguf(...PIECES, tokens('__proto__'), names), out, { dtype: 'bfloat16' });
    const files = readdirSync(out, { recursive: true }).map(String);
    expect(files.filter((name) => name.endsWith('.jinja')).sort()).toEqual(
      [join('additional_chat_templates', 'tool_use.jinja'), 'chat_template.jinja'].sort(),
    );
    expect(readdirSync(join(root, 'made'))).toEqual(['out']);
  });

  it('that is a pickle is refused with how to convert it', async () => {
    writeFileSync(join(source, 'pytorch_model.bin'), 'PK\u0003\u0004\0\0\0\0');
    expect(await refusal(join(source, 'pytorch_model.bin'))).toMatch(/holds pickled weights.*save_pretrained/);
  });

  it('that is a safetensors file is told to be given as its folder', async () => {
    await importModel(gguf(...PIECES), join(root, 'whole'), { dtype: 'float32' });
    expect(await refusal(join(root, 'whole', 'model.safetensors'))).toMatch(/give the folder that it is in/);
  });
});

describe.skipIf(process.platform === 'win32')('a folder', () => {
  beforeEach(async () => {
    const whole = join(root, 'whole');
    await importModel(gguf(...PIECES), whole, { dtype: 'float32' });
    rmSync(source, { recursive: true });
    renameSync(whole, source);
    writeFileSync(join(root, 'secret.txt'), 'a secret');
  });

  it.each(['README.md', 'config.json', 'tokenizer.json', 'LICENSE', 'model.safetensors'])(
    'whose %s is a link to what lies outside is refused, nothing copied',
    async (name) => {
      rmSync(join(source, name), { force: true });
      symlinkSync(join(root, 'secret.txt'), join(source, name));
      expect(await refusal(source)).toMatch(/is a link out of its folder, to .*secret\.txt, and is not followed/);
    },
  );

  it('whose folder of templates is a link to what lies outside is refused', async () => {
    rmSync(join(source, 'additional_chat_templates'), { recursive: true });
    mkdirSync(join(root, 'private'));
    renameSync(join(root, 'secret.txt'), join(root, 'private', 'secret.txt'));
    symlinkSync(join(root, 'private'), join(source, 'additional_chat_templates'));
    expect(await refusal(source)).toMatch(/is a link out of its folder/);
  });

  it('whose tokenizer is a pipe is refused at once', async () => {
    rmSync(join(source, 'tokenizer.json'));
    execFileSync('mkfifo', [join(source, 'tokenizer.json')]);
    expect(await refusal(source)).toMatch(/tokenizer\.json: expected a plain file, found a pipe or device/);
  });

  it('that a tokenizer is taken from may not link out either', async () => {
    const other = join(root, 'other');
    cpSync(source, other, { recursive: true });
    symlinkSync(join(root, 'secret.txt'), join(other, 'vocab.json'));
    expect(await refusal(source, { tokenizer: other })).toMatch(/vocab\.json is a link out of its folder/);
  });

  it('of the Hugging Face cache, all links into blobs, is read and imported', async () => {
    const model = join(root, 'models--org--name');
    const snapshot = join(model, 'snapshots', 'abc');
    mkdirSync(snapshot, { recursive: true });
    renameSync(source, join(model, 'blobs'));
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'])
      symlinkSync(join('..', '..', 'blobs', name), join(snapshot, name));
    await (await openModelFolder(snapshot)).close();
    await importModel(snapshot, out, { dtype: 'bfloat16' });
    expect(readdirSync(out).sort()).toEqual(readdirSync(snapshot).sort());
  });

  it('with only pickled weights is told how to convert them, even without config.json', async () => {
    for (const name of ['model.safetensors', 'config.json']) rmSync(join(source, name));
    writeFileSync(join(source, 'pytorch_model-00001-of-00002.bin'), '');
    expect(await refusal(source)).toMatch(
      /pytorch_model-00001-of-00002\.bin holds pickled weights.*AutoModelForCausalLM/,
    );
    await expect(openModelFolder(source)).rejects.toThrow(/holds pickled weights/);
  });
});
