import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { TINY } from '../helpers/tokens.js';

const CHAT = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-tokenizer-'));
  cpSync(TINY, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const configWith = (fields: object) => ({
  ...JSON.parse(readFileSync(join(TINY, 'tokenizer_config.json'), 'utf8')),
  ...fields,
});

describe('encode and decode', () => {
  test('give any text back', async () => {
    const tokenizer = await loadTokenizer(TINY);
    await fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const ids = tokenizer.encode(text);
        expect(tokenizer.decode(ids)).toBe(text);
        for (const id of ids) expect(id).toBeLessThan(tokenizer.vocabSize);
      }),
      { seed: 1 },
    );
  });

  test('read special tokens in the text, and leave them out when told', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const ids = tokenizer.encode('<|im_start|>user\nHi<|im_end|>');
    expect(ids[0]).toBe(1);
    expect(ids.at(-1)).toBe(2);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('user\nHi');
    expect(tokenizer.decode(Int32Array.from(ids))).toBe('<|im_start|>user\nHi<|im_end|>');
    expect(tokenizer.decode([])).toBe('');
  });

  test('an id outside the vocabulary is an error that names it', async () => {
    const tokenizer = await loadTokenizer(TINY);
    expect(() => tokenizer.decode([5, 2048])).toThrow(/token id 2048 is not in the vocabulary .*0 to 2047/);
  });

  test('addSpecialTokens adds what the post-processor says', async () => {
    const json = JSON.parse(readFileSync(join(TINY, 'tokenizer.json'), 'utf8'));
    const single = [{ SpecialToken: { id: '<|im_start|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }];
    const special_tokens = { '<|im_start|>': { id: '<|im_start|>', ids: [1], tokens: ['<|im_start|>'] } };
    write('tokenizer.json', {
      ...json,
      post_processor: { type: 'TemplateProcessing', single, pair: single, special_tokens },
    });
    const tokenizer = await loadTokenizer(folder);
    const plain = tokenizer.encode('red');
    expect(tokenizer.encode('red', { addSpecialTokens: true })).toEqual([1, ...plain]);
  });
});

describe('special tokens', () => {
  test('come from tokenizer_config.json with their ids', async () => {
    const { bos, eos, pad, vocabSize } = await loadTokenizer(TINY);
    expect({ bos, eos, pad, vocabSize }).toEqual({
      bos: { text: '<|im_start|>', id: 1 },
      eos: { text: '<|im_end|>', id: 2 },
      pad: { text: '<|endoftext|>', id: 0 },
      vocabSize: 2048,
    });
  });

  test('may be written as objects, and a missing one is undefined', async () => {
    write(
      'tokenizer_config.json',
      configWith({ eos_token: { content: '<|endoftext|>', lstrip: false }, pad_token: null }),
    );
    const { eos, pad } = await loadTokenizer(folder);
    expect(eos).toEqual({ text: '<|endoftext|>', id: 0 });
    expect(pad).toBeUndefined();
  });

  test('end ids are eos, those of generation_config.json or else of config.json, and what the template ends a turn with', async () => {
    write('tokenizer_config.json', configWith({ eos_token: '<|endoftext|>' }));
    write('generation_config.json', { eos_token_id: [0, 7] });
    write('config.json', { eos_token_id: 9 });
    expect([...(await loadTokenizer(folder)).endIds].sort()).toEqual([0, 2, 7]);
  });

  test('one that the vocabulary lacks is an error that names file and field', async () => {
    write('tokenizer_config.json', configWith({ eos_token: '</s>' }));
    await expect(loadTokenizer(folder)).rejects.toThrow(
      /tokenizer_config\.json: eos_token is "<\/s>", which tokenizer\.json/,
    );
  });
});

describe('chat template', () => {
  const rendered = async () => (await loadTokenizer(folder)).renderChat(CHAT, { addGenerationPrompt: true });

  test('chat_template.jinja goes before tokenizer_config.json', async () => {
    write('tokenizer_config.json', configWith({ chat_template: 'config' }));
    expect(await rendered()).toContain('<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>assistant\n');
    rmSync(join(folder, 'chat_template.jinja'));
    expect(await rendered()).toBe('config');
  });

  test('a list of templates gives its default, and is an error without one', async () => {
    rmSync(join(folder, 'chat_template.jinja'));
    const tool_use = { name: 'tool_use', template: 'tools' };
    write(
      'tokenizer_config.json',
      configWith({ chat_template: [tool_use, { name: 'default', template: '{{ eos_token }}' }] }),
    );
    expect(await rendered()).toBe('<|im_end|>');
    write('tokenizer_config.json', configWith({ chat_template: [tool_use] }));
    await expect(loadTokenizer(folder)).rejects.toThrow(/without the entry "default" \(it has tool_use\)/);
  });

  test('what the template refuses is an error with its words and the roles', async () => {
    write('chat_template.jinja', "{{ raise_exception('no system turns') }}");
    await expect(rendered()).rejects.toThrow(
      /chat_template\.jinja: the template refuses .* user, assistant: no system turns/,
    );
  });

  test('a template that cannot be read is an error that names its file', async () => {
    write('chat_template.jinja', '{% if %}');
    await expect(loadTokenizer(folder)).rejects.toThrow(/chat_template\.jinja: not a template that can be read/);
  });

  test('where there is none, only rendering is an error', async () => {
    rmSync(join(folder, 'chat_template.jinja'));
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer.hasChatTemplate).toBe(false);
    expect(() => tokenizer.renderChat(CHAT)).toThrow(/has no chat template .*--template paper/);
  });
});

describe('a broken folder', () => {
  test('without tokenizer.json says what was expected', async () => {
    rmSync(join(folder, 'tokenizer.json'));
    await expect(loadTokenizer(folder)).rejects.toThrow(
      /tokenizer\.json: no such file; expected a Hugging Face model folder/,
    );
    write('tokenizer.model', 'x');
    await expect(loadTokenizer(folder)).rejects.toThrow(/only SentencePiece's tokenizer\.model/);
  });

  test('with a tokenizer of unknown kind says so', async () => {
    write('tokenizer.json', { model: { type: 'Magic' } });
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json: not a tokenizer that can be read/);
  });
});
