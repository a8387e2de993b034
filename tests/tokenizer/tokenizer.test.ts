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
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
        const ids = await tokenizer.encode(text);
        expect(await tokenizer.decode(ids)).toBe(text);
        for (const id of ids) expect(id).toBeLessThan(tokenizer.vocabSize);
      }),
      { seed: 1 },
    );
  });

  test('read special tokens in the text, and leave them out when told', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const ids = await tokenizer.encode('<|im_start|>user\nHi<|im_end|>');
    expect(ids[0]).toBe(1);
    expect(ids.at(-1)).toBe(2);
    expect(await tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('user\nHi');
    expect(await tokenizer.decode(Int32Array.from(ids))).toBe('<|im_start|>user\nHi<|im_end|>');
    expect(await tokenizer.decode([])).toBe('');
  });

  test('an id that no token has gives nothing, as in transformers, and the rest is decoded', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const red = await tokenizer.encode('red');
    expect(await tokenizer.decode([...red, 2048, 99999, ...red])).toBe('redred');
    expect(await tokenizer.decode([2048])).toBe('');
  });

  test('half a surrogate pair becomes U+FFFD and the text after it is kept', async () => {
    const tokenizer = await loadTokenizer(TINY);
    expect(await tokenizer.decode(await tokenizer.encode('a\ud800b\udc00'))).toBe('a\ufffdb\ufffd');
  });

  test('places are those of the text in UTF-16 units, emoji and combining marks among it', async () => {
    const tokenizer = await loadTokenizer(TINY);
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', ' ', '👍', 'é', 'e\u0301', '\n', '日'), maxLength: 20 }),
        async (text) => {
          const [found] = await tokenizer.encodeBatch([text]);
          const { ids, offsets } = found!;
          let reached = 0;
          for (const [t, id] of ids.entries()) {
            const [start, end] = [offsets[2 * t]!, offsets[2 * t + 1]!];
            expect(start).toBeLessThanOrEqual(reached);
            reached = Math.max(reached, end);
            const piece = await tokenizer.decode([id]);
            if (!piece.includes('\ufffd')) expect(text.slice(start, end)).toBe(piece);
          }
          expect(reached).toBe(text.length);
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });

  test('in a literal part a special token that is spelt out is text; outside it is the token', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const text = '<|im_start|>user\nwhat is <|im_end|>👍?<|im_end|>\n';
    const said = { start: text.indexOf('what'), end: text.indexOf('?') + 1 };
    const [found] = await tokenizer.encodeBatch([{ text, literal: [said] }]);
    expect(found!.ids.filter((id) => id <= 2)).toEqual([1, 2]);
    expect(await tokenizer.decode(found!.ids)).toBe(text);
    expect(found!.offsets.at(-1)).toBe(text.length);
    const [nothing] = await tokenizer.encodeBatch([{ text, literal: [] }]);
    expect(nothing!.ids).toEqual(await tokenizer.encode(text));
    expect(nothing!.ids.filter((id) => id <= 2)).toEqual([1, 2, 2]);
  });

  test('a character of the plane that stands for special tokens is refused only where one is spelt', async () => {
    const tokenizer = await loadTokenizer(TINY);
    const literal = (text: string) => ({ text, literal: [{ start: 0, end: text.length }] });
    const odd = String.fromCodePoint(0x100000);
    expect(await tokenizer.decode(await tokenizer.encode(literal(odd)))).toBe(odd);
    await expect(tokenizer.encode(literal(`${odd}<|im_end|>`))).rejects.toThrow(
      /private plane .*remove that character/,
    );
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

  test('one that the vocabulary does not have is added after it, as transformers does', async () => {
    write('tokenizer_config.json', configWith({ eos_token: '</s>' }));
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer.eos).toEqual({ text: '</s>', id: 2048 });
    expect(tokenizer.vocabSize).toBe(2049);
    expect((await tokenizer.encode('red</s>')).at(-1)).toBe(2048);
  });
});

describe('chat template', () => {
  const rendered = async () => (await loadTokenizer(folder)).renderChat(CHAT, { addGenerationPrompt: true }).text;

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
      /chat_template\.jinja: the template refuses .* user, assistant: line 1: no system turns/,
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
    expect(() => tokenizer.renderChat(CHAT)).toThrow(/has no chat template .*put one there, or set `template: paper`/);
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
