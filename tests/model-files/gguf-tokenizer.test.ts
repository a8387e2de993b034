import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGguf } from '../../src/io/gguf.js';
import { tokenizerFromGguf } from '../../src/model/gguf-tokenizer.js';
import { loadTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { temporaryFolder } from '../helpers/folder.js';

const fixtures = new URL('../fixtures/gguf/', import.meta.url).pathname;
const reference: { texts: string[]; ids: Record<string, number[][]> } = JSON.parse(
  readFileSync(join(fixtures, 'tokens.json'), 'utf8'),
);

async function tokenizerOf(name: string): Promise<Tokenizer> {
  const file = join(fixtures, `${name}.gguf`);
  const gguf = await openGguf(file);
  const files = tokenizerFromGguf(gguf, file);
  await gguf.close();
  const folder = temporaryFolder('tokenizer');
  mkdirSync(folder, { recursive: true });
  for (const [path, value] of Object.entries(files.json)) writeFileSync(join(folder, path), JSON.stringify(value));
  for (const [path, text] of Object.entries(files.text)) writeFileSync(join(folder, path), text);
  return loadTokenizer(folder);
}

describe('the tokenizer of a GGUF file', () => {
  it.each(['smollm', 'gpt-2', 'llama-bpe', 'tekken', 'pieces'])(
    '%s gives the reference ids of every text',
    async (name) => {
      const tokenizer = await tokenizerOf(name);
      const ids = reference.ids[name]!;
      for (const [i, text] of reference.texts.entries())
        expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids[i]);
    },
  );

  it.each(['smollm', 'gpt-2', 'llama-bpe', 'tekken', 'pieces'])('%s gives every text back', async (name) => {
    const tokenizer = await tokenizerOf(name);
    // A byte order mark that is made of byte tokens is lost in decoding by @huggingface/tokenizers 0.2.0.
    for (const text of reference.texts.filter((t) => name !== 'pieces' || !t.startsWith('\uFEFF')))
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  it('finds control tokens inside a text, and knows those with a role', async () => {
    const tokenizer = await tokenizerOf('smollm');
    expect(tokenizer.encode('<|im_start|><|im_end|>')).toEqual([1, 2]);
    expect(tokenizer.eos).toEqual({ text: '<|im_end|>', id: 2 });
    expect(tokenizer.pad).toEqual({ text: '<|im_end|>', id: 2 });
    expect((await tokenizerOf('pieces')).encode('<s></s>')).toEqual([1, 2]);
  });

  it.each([
    ['smollm', []],
    ['gpt-2', []],
    ['llama-bpe', [1]],
    ['tekken', [1]],
    ['pieces', [1]],
  ])('%s begins a text with %j, as llama.cpp does when the file does not say', async (name, start) => {
    const tokenizer = await tokenizerOf(name);
    const plain = tokenizer.encode('boat');
    expect(tokenizer.encode('boat', { addSpecialTokens: true })).toEqual([...start, ...plain]);
  });
});
