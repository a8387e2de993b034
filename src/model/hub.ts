import * as z from 'zod';
import { dataError, PhasetuneError } from '../core/errors.js';
import type { HubClient } from './hub-client.js';

/** A file of a model on the hub. */
export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of the content for a large file, git's blob hash (a SHA-1) for a small one; lower-case hexadecimal. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

/** A model at one commit. */
export interface HubModel {
  readonly name: string;
  readonly commit: string;
  readonly files: readonly HubFile[];
}

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const count = z.number().int().min(0);
const listing = z.object({
  sha: hex(40),
  siblings: z.array(
    z.union([
      z.object({ rfilename: z.string(), lfs: z.object({ sha256: hex(64), size: count }) }),
      z.object({ rfilename: z.string(), size: count, blobId: hex(40) }),
    ]),
  ),
});

/** Asks the hub which files a model has at a revision (branch, tag or commit), with their sizes and hashes. */
export async function findModel(client: HubClient, name: string, revision: string): Promise<HubModel> {
  const path = `api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const answer = listing.safeParse(await client.getJson(path, `${name} at revision ${revision}`));
  if (!answer.success) {
    const { path: field, message } = answer.error.issues[0]!;
    throw new PhasetuneError(
      'endpoint',
      `${client.endpoint}/${path}: not the answer of a hub: ${field.join('.')}: ${message}`,
    );
  }
  const files = answer.data.siblings.map(
    (file): HubFile =>
      'lfs' in file
        ? { name: file.rfilename, bytes: file.lfs.size, hash: { kind: 'sha256', hex: file.lfs.sha256 } }
        : { name: file.rfilename, bytes: file.size, hash: { kind: 'git', hex: file.blobId } },
  );
  return { name, commit: answer.data.sha, files };
}

/** Settings, tokenizer, templates and licence; of the top folder only, since the model's other exports are below it. */
const SIDE_FILE =
  /^((config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|adapter_config)\.json|merges\.txt|tokenizer\.model|chat_template\.jinja|(LICENSE|NOTICE)[\w.-]*|additional_chat_templates\/[\w-]+\.jinja)$/;

/**
 * The files that are needed: settings, tokenizer, chat templates, and the weights as safetensors,
 * in one file or in shards. A model without them is a data error that says what it has instead.
 */
export function neededFiles(model: HubModel): HubFile[] {
  const names = new Set(model.files.map((f) => f.name));
  const weights = names.has('model.safetensors')
    ? /^model\.safetensors$/
    : names.has('model.safetensors.index.json')
      ? /^model(\.safetensors\.index\.json|-\d+-of-\d+\.safetensors)$/
      : /^adapter_model\.safetensors$/;
  if (![...names].some((name) => weights.test(name))) throw noWeights(model.name, [...names]);
  if (!names.has('config.json') && !names.has('adapter_config.json'))
    throw dataError(`${model.name}: no config.json in it; expected a model that transformers opens`);
  return model.files.filter((f) => SIDE_FILE.test(f.name) || weights.test(f.name));
}

function noWeights(model: string, names: readonly string[]): PhasetuneError {
  const pickle = names.find((name) => /\.(bin|pth|pt)$/.test(name));
  const gguf = names.find((name) => name.endsWith('.gguf'));
  if (gguf)
    return dataError(`${model} has GGUF files (${gguf}), which are not fetched`, {
      remedies: [{ task: 'model import', options: { out: 'DIR' }, note: 'on one that you downloaded' }],
    });
  if (pickle)
    return dataError(
      `${model}: its weights are pickled (${pickle}), which can run any code when opened, and are not fetched; convert them in Python: ` +
        `AutoModelForCausalLM.from_pretrained("${model}").save_pretrained("DIR", safe_serialization=True)`,
    );
  return dataError(`${model}: no weights in it; expected model.safetensors`);
}
