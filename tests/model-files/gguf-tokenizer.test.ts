import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as RustTokenizer } from 'tokenizers';
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
        expect(await tokenizer.encode(text), JSON.stringify(text)).toEqual(ids[i]);
    },
  );

  it.each(['smollm', 'gpt-2', 'llama-bpe', 'tekken', 'pieces'])('%s gives every text back', async (name) => {
    const tokenizer = await tokenizerOf(name);
    for (const text of reference.texts) expect(await tokenizer.decode(await tokenizer.encode(text))).toBe(text);
  });

  it('finds control tokens inside a text, and knows those with a role', async () => {
    const tokenizer = await tokenizerOf('smollm');
    expect(await tokenizer.encode('<|im_start|><|im_end|>')).toEqual([1, 2]);
    expect(tokenizer.eos).toEqual({ text: '<|im_end|>', id: 2 });
    expect(tokenizer.pad).toEqual({ text: '<|im_end|>', id: 2 });
    expect(await (await tokenizerOf('pieces')).encode('<s></s>')).toEqual([1, 2]);
  });

  it.each([
    ['smollm', []],
    ['gpt-2', []],
    ['llama-bpe', [1]],
    ['tekken', [1]],
    ['pieces', [1]],
  ])('%s begins a text with %j, as llama.cpp does when the file does not say', async (name, start) => {
    const tokenizer = await tokenizerOf(name);
    const library = RustTokenizer.fromFile(join(tokenizer.folder, 'tokenizer.json'));
    const whole = await library.encode('boat', null, { addSpecialTokens: true });
    expect(whole.getIds()).toEqual([...start, ...(await tokenizer.encode('boat'))]);
  });
});
