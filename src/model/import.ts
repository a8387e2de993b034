import { join } from 'node:path';
import { dataError } from '../core/errors.js';
import { writeFileAtomic, writeFolderAtomic, writeJson } from '../io/atomic.js';
import { exists, listFolder, statPath } from '../io/files.js';
import { openGguf } from '../io/gguf.js';
import { copyOwnFile } from '../io/own-files.js';
import { configFromGguf, specialIds } from './gguf-config.js';
import { tokenizerFromGguf } from './gguf-tokenizer.js';
import { weightsFromGguf } from './gguf-weights.js';
import { convertFolder } from './import-folder.js';
import type { ImportOptions, ImportResult } from './import-options.js';
import { fileDtype, writeWeights } from './import-weights.js';

/** Files that make a tokenizer. */
const TOKENIZER_FILES =
  /^(tokenizer\.json|tokenizer_config\.json|tokenizer\.model|special_tokens_map\.json|added_tokens\.json|vocab\.json|merges\.txt|chat_template\.(jinja|json))$/;

/**
 * Turns a GGUF file or a Hugging Face folder into a Hugging Face folder (config.json, tokenizer, chat template,
 * safetensors) that appears whole or not at all. Weights stream through tensor by tensor.
 */
export async function importModel(source: string, out: string, options: ImportOptions): Promise<ImportResult> {
  const { kind } = await statPath(source);
  if (kind === 'missing')
    throw dataError(`${source}: no such file or folder; expected a GGUF file or a Hugging Face folder`, {
      file: source,
    });
  const fill = kind === 'folder' ? convertFolder : convertGguf;
  return writeFolderAtomic(
    out,
    async (folder) => {
      const { tensors, parameters } = await fill(source, folder, options);
      if (options.tokenizer) await copyTokenizer(options.tokenizer, folder);
      return { files: await listFolder(folder), tensors, parameters };
    },
    { replace: options.overwrite ?? false },
  );
}

async function convertGguf(
  source: string,
  folder: string,
  options: ImportOptions,
): Promise<{ tensors: number; parameters: number }> {
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
      generationConfig(gguf.metadata.get('tokenizer.ggml.eot_token_id'), specialIds(gguf, source)),
    );
    for (const [name, value] of Object.entries(tokenizer?.json ?? {})) await writeJson(join(folder, name), value);
    for (const [name, text] of Object.entries(tokenizer?.text ?? {})) await writeFileAtomic(join(folder, name), text);
    return await writeWeights(folder, tensors, options);
  } finally {
    await gguf.close();
  }
}

/** An answer ends at eos, or at the end of a turn where the file names another token for it. */
function generationConfig(endOfTurn: unknown, ids: ReturnType<typeof specialIds>): Record<string, unknown> {
  const ends = [...new Set([ids.eos_token_id, typeof endOfTurn === 'number' ? endOfTurn : undefined])].filter(
    (id) => id !== undefined,
  );
  return { ...ids, eos_token_id: ends.length > 1 ? ends : ends[0] };
}

async function copyTokenizer(from: string, to: string): Promise<void> {
  if (!exists(join(from, 'tokenizer.json'))) throw dataError(`${from}: no tokenizer.json in it`, { file: from });
  for (const name of await listFolder(from)) if (TOKENIZER_FILES.test(name)) await copyOwnFile(from, name, to);
}
