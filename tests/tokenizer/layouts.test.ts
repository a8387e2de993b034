import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { temporaryFolder } from '../helpers/folder.js';

/**
 * A tokenizer's folder and what transformers makes of some texts with it; null where it refuses.
 * See scripts/reference/tokenizer_layouts.py.
 */
interface Layout {
  readonly name: string;
  readonly files: Readonly<Record<string, unknown>>;
  readonly texts: readonly string[];
  readonly ids: readonly (readonly number[] | null)[];
  readonly decoded: readonly (string | null)[];
  readonly skipped: readonly (string | null)[];
  readonly named: Readonly<Record<string, number>>;
}

const LAYOUTS = JSON.parse(
  gunzipSync(readFileSync(new URL('../fixtures/tokenizers/cases.json.gz', import.meta.url))).toString(),
) as Layout[];

test.each(LAYOUTS.map((layout) => [layout.name, layout] as const))(
  'layout %s: special tokens, ids and texts are those of transformers',
  async (_, { files, texts, ids, decoded, skipped, named }) => {
    const folder = temporaryFolder('layout');
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
    const tokenizer = await loadTokenizer(folder);
    const { bos, eos, pad } = tokenizer;
    const found = Object.entries({ bos_token: bos, eos_token: eos, pad_token: pad }).filter(([, token]) => token);
    expect(Object.fromEntries(found.map(([name, token]) => [name, token!.id]))).toEqual(named);
    for (const [i, text] of texts.entries()) {
      const own = await tokenizer.encode(text).catch((error: Error) => error.message);
      if (ids[i] === null) expect(own, JSON.stringify(text)).toMatch(/not a tokenizer that can encode/);
      else if (typeof own === 'string') expect(own, JSON.stringify(text)).toMatch(/it has no token for/);
      else {
        expect(own, JSON.stringify(text)).toEqual(ids[i]);
        expect(await tokenizer.decode(own)).toBe(decoded[i]);
        expect(await tokenizer.decode(own, { skipSpecialTokens: true })).toBe(skipped[i]);
      }
    }
  },
);
