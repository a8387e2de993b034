import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { show, shownName } from '../core/shown.js';
import { listFolder, readText, statPath } from './files.js';
import { isPickledWeights, pickleError } from './foreign.js';
import { checkSchema, parseJson, scanJson } from './json.js';
import { ownFile } from './own-files.js';

/** The safetensors files that make up a model or an adapter. */
interface WeightFiles {
  readonly files: readonly string[];
  /** From an index: which file each tensor is in. */
  readonly weightMap?: ReadonlyMap<string, string>;
}

/** Longest index that is read, in bytes: some hundred thousand tensors. */
const MAX_INDEX_BYTES = 16 << 20;

/**
 * The weights at a path: a safetensors file, an index, or a folder with `model.safetensors`,
 * `model.safetensors.index.json` or `adapter_model.safetensors`. Inside a folder, links that leave
 * it are refused (see `ownFile`); a folder with only pickled weights is refused with how to convert
 * them.
 */
export async function findWeights(path: string): Promise<WeightFiles> {
  const { kind } = await statPath(path);
  if (kind === 'missing')
    throw dataError(`${path}: no such file or folder; expected safetensors weights`, { file: path });
  if (kind !== 'folder') return path.endsWith('.index.json') ? readIndex(path) : { files: [path] };
  for (const name of ['model.safetensors', 'model.safetensors.index.json', 'adapter_model.safetensors']) {
    const file = await ownFile(path, name);
    if (file) return name.endsWith('.json') ? readIndex(file) : { files: [file] };
  }
  const pickle = (await listFolder(path)).find(isPickledWeights);
  if (pickle) throw pickleError(join(path, pickle));
  throw dataError(
    `${path}: no weights found; expected model.safetensors, model.safetensors.index.json or adapter_model.safetensors`,
    { file: path },
  );
}

/** A plain name: no folders, and nothing that a file system or a terminal takes for something else. */
const SHARD = /^[^/\\\p{C}\p{Zl}\p{Zp}]{1,200}\.safetensors$/u;

async function readIndex(path: string): Promise<WeightFiles> {
  const text = await readText(path, { maxBytes: MAX_INDEX_BYTES });
  const value = parseJson(text, path);
  const twice = scanJson(text).duplicateKey;
  if (twice !== undefined)
    throw dataError(`${path}: ${show(twice)} occurs twice`, { file: path, tensor: shownName(twice) });
  const index = checkSchema(value, z.looseObject({ weight_map: z.record(z.string(), z.string()) }), path);
  const folder = dirname(path);
  const weightMap = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(index.weight_map)) {
    if (!SHARD.test(shard))
      throw dataError(
        `${path}: tensor ${shownName(tensor)}: expected the name of a .safetensors file in this folder, found ${show(shard)}`,
        { file: path, tensor: shownName(tensor) },
      );
    weightMap.set(tensor, join(folder, shard));
  }
  const files = [...new Set(weightMap.values())].sort();
  for (const file of files)
    if (!(await ownFile(folder, basename(file))))
      throw dataError(`${file}: no such file, though ${path} lists it; copy or download it`, { file });
  if (files.length === 0) throw dataError(`${path}: field weight_map: expected tensors, found none`, { file: path });
  return { files, weightMap };
}
