import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { writeFileAtomic, writeFolderAtomic, writeJson } from '../io/atomic.js';
import { exists, listFolder, statPath } from '../io/files.js';
import { type Gguf, openGguf } from '../io/gguf.js';
import { readJson } from '../io/json.js';
import { companionsOf, copyCompanions, isTokenizerFile } from './companions.js';
import { configFromGguf, fieldsOf, specialIds } from './gguf-config.js';
import { tokenizerFromGguf } from './gguf-tokenizer.js';
import { weightsFromGguf } from './gguf-weights.js';
import { convertFolder } from './import-folder.js';
import type { Converted, ImportResult, ModelImportOptions } from './import-options.js';
import { fileDtype, writeWeights } from './import-weights.js';

/**
 * Turns a GGUF file or a Hugging Face folder into a Hugging Face folder (config.json, tokenizer, chat template,
 * safetensors) that appears whole or not at all. Weights stream through tensor by tensor.
 */
export async function importModel(source: string, out: string, options: ModelImportOptions): Promise<ImportResult> {
  const { kind } = await statPath(source);
  if (kind === 'folder') await refuseGgufFolder(source);
  if (kind === 'missing')
    throw dataError(`${source}: no such file or folder; expected a GGUF file or a Hugging Face folder`, {
      file: source,
    });
  const fill = kind === 'folder' ? convertFolder : convertGguf;
  return writeFolderAtomic(
    out,
    async (folder) => {
      const { rows, ...made } = await fill(source, folder, options);
      if (options.tokenizer) await copyTokenizer(options.tokenizer, folder, rows);
      return { files: await listFolder(folder), ...made };
    },
    { replace: options.overwrite ?? false },
  );
}

/** A folder without weights of Hugging Face's kind, but with GGUF files: one of those is what is wanted. */
async function refuseGgufFolder(folder: string): Promise<void> {
  const names = await listFolder(folder);
  const ggufs = names.filter((name) => /\.gguf$/i.test(name));
  if (ggufs.length === 0 || names.some((name) => name === 'config.json' || name.endsWith('.safetensors'))) return;
  const which = ggufs.length === 1 ? `give ${join(folder, ggufs[0]!)}` : `give one of ${ggufs.slice(0, 4).join(', ')}`;
  throw dataError(`${folder}: a folder with GGUF files; an import takes the file itself: ${which}`, { file: folder });
}

async function convertGguf(source: string, folder: string, options: ModelImportOptions): Promise<Converted> {
  const gguf = await openGguf(source);
  try {
    const config = await configFromGguf(gguf, source, options.dtype);
    const tokenizer = options.tokenizer ? undefined : tokenizerFromGguf(gguf, source);
    const tensors = weightsFromGguf(gguf, source, config, fileDtype(options.dtype));
    const tokens = gguf.metadata.get('tokenizer.ggml.tokens');
    if (tokenizer && Array.isArray(tokens) && tokens.length > (config.vocab_size as number))
      throw dataError(
        `${source}: its tokenizer has ${tokens.length} tokens, its embedding only ${config.vocab_size} rows`,
        { file: source },
      );
    await writeJson(join(folder, 'config.json'), config);
    await writeJson(
      join(folder, 'generation_config.json'),
      generationConfig(endOfTurn(gguf, source, config.vocab_size as number), specialIds(gguf, source)),
    );
    for (const [name, value] of Object.entries(tokenizer?.json ?? {})) await writeJson(join(folder, name), value);
    for (const [name, text] of Object.entries(tokenizer?.text ?? {})) await writeFileAtomic(join(folder, name), text);
    const written = await writeWeights(folder, tensors, options);
    return { ...written, rows: config.vocab_size as number, warnings: [] };
  } finally {
    await gguf.close();
  }
}

/** The id of the token that ends a turn, where the file names one. */
function endOfTurn(gguf: Gguf, file: string, rows: number): number | undefined {
  const key = 'tokenizer.ggml.eot_token_id';
  const f = fieldsOf(gguf.metadata, file);
  const id = f.number(key, undefined);
  if (id !== undefined && !(Number.isInteger(id) && id >= 0 && id < rows))
    throw f.error(key, `expected an id below ${rows}, found ${id}`);
  return id;
}

/** An answer ends at eos, or at the end of a turn where the file names another token for it. */
function generationConfig(endOfTurn: number | undefined, ids: ReturnType<typeof specialIds>): Record<string, unknown> {
  const ends = [...new Set([ids.eos_token_id, endOfTurn])].filter((id) => id !== undefined);
  return { ...ids, eos_token_id: ends.length > 1 ? ends : ends[0] };
}

/** Copies a folder's whole tokenizer; refused where it has tokens that the embedding has no rows for. */
async function copyTokenizer(from: string, to: string, rows: number): Promise<void> {
  const path = join(from, 'tokenizer.json');
  if (!exists(path)) throw dataError(`${from}: no tokenizer.json in it`, { file: from });
  const size = vocabularySize(await readJson(path, undefined, { anyKey: true }));
  if (size > rows)
    throw dataError(
      `${path}: the tokenizer has ${size} tokens, the embedding of the model only ${rows} rows; take the tokenizer that the model was trained with`,
      { file: path, expected: rows, actual: size },
    );
  await copyCompanions(from, to, (await companionsOf(from, { card: false })).filter(isTokenizerFile));
}

/** Highest id plus one in the contents of a tokenizer.json. */
function vocabularySize(json: unknown): number {
  const { model, added_tokens: added } = (json ?? {}) as Record<string, unknown>;
  const vocab = (model as { vocab?: unknown } | undefined)?.vocab;
  const ids = Array.isArray(vocab) ? [vocab.length - 1] : Object.values((vocab ?? {}) as object);
  const more = Array.isArray(added) ? added.map((token) => (token as { id?: unknown } | null)?.id) : [];
  return [...ids, ...more].reduce<number>((most, id) => (typeof id === 'number' ? Math.max(most, id) : most), -1) + 1;
}
