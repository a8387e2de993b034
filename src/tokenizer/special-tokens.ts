import { join } from 'node:path';
import * as z from 'zod';
import { exists } from '../io/files.js';
import { readJson } from '../io/json.js';

const tokenText = z.union([z.string(), z.object({ content: z.string() }).transform((t) => t.content)]).nullish();

/** The fields of tokenizer_config.json that are read here; the rest is kept for the tokenizer. */
const tokenizerConfigSchema = z.looseObject({
  bos_token: tokenText,
  eos_token: tokenText,
  pad_token: tokenText,
  unk_token: tokenText,
  chat_template: z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))]).nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
});

/** tokenizer_config.json, its special tokens as plain texts. */
export type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>;

/** Reads tokenizer_config.json; a folder without one has no special tokens. */
export async function readTokenizerConfig(folder: string): Promise<TokenizerConfig> {
  const path = join(folder, 'tokenizer_config.json');
  return exists(path) ? readJson(path, tokenizerConfigSchema) : {};
}

const id = z
  .number()
  .int()
  .min(0)
  .max(2 ** 22);
const idsSchema = z.union([id, z.array(id).max(1000)], 'expected a token id or a list of them').nullish();
const modelSideSchema = z.looseObject({ eos_token_id: idsSchema });

/**
 * The ids of `eos_token_id` (one or a list) in generation_config.json, or in config.json where that
 * has none, as transformers takes them: config.json often has the default of its class there, an
 * ordinary token. Empty where neither has one.
 */
export async function readModelEndIds(folder: string): Promise<number[]> {
  for (const name of ['generation_config.json', 'config.json']) {
    const path = join(folder, name);
    const ids = exists(path) ? [(await readJson(path, modelSideSchema)).eos_token_id ?? []].flat() : [];
    if (ids.length > 0) return ids;
  }
  return [];
}
