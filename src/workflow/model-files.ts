import { env } from 'node:process';
import * as z from 'zod';
import { checkText, parseOptions } from '../config/given-options.js';
import { memoryFor, namingMemory } from '../core/out-of-memory.js';
import { refuseInputsIn } from '../io/same-file.js';
import type { MergeResult } from '../lora/merge-folder.js';
import type { ImportResult } from '../model/import-options.js';
import type { PullResult } from '../model/pull.js';
import { type Hooks, reportProgress } from './hooks.js';

/**
 * How a model is turned into a Hugging Face folder.
 *
 * @example
 * const { dtype } = importModelOptionsSchema.parse({ out: 'models/base' });
 */
export const importModelOptionsSchema = z.strictObject({
  out: z.string().min(1).describe('folder to write; it must be empty or not exist'),
  dtype: z.enum(['bfloat16', 'float32']).default('bfloat16').describe('element type of the weights'),
  tokenizer: z.string().min(1).optional().describe('folder whose tokenizer replaces the one in the source'),
  overwrite: z.boolean().default(false).describe('replace a folder that is not empty'),
});

/** See {@link importModelOptionsSchema}. */
export type ImportModelOptions = z.input<typeof importModelOptionsSchema>;

/**
 * How a model is fetched from a hub.
 *
 * @example
 * const { revision } = pullModelOptionsSchema.parse({});
 */
export const pullModelOptionsSchema = z.strictObject({
  out: z.string().min(1).optional().describe('folder to write [models/NAME]'),
  revision: z.string().min(1).default('main').describe('branch, tag or commit'),
  endpoint: z.url().optional().describe('address of the hub or a mirror [HF_ENDPOINT, or https://huggingface.co]'),
  overwrite: z.boolean().default(false).describe('replace a folder that contains something else'),
});

/** See {@link pullModelOptionsSchema}. `token` is an access token for private and gated models [HF_TOKEN]. */
export type PullModelOptions = z.input<typeof pullModelOptionsSchema> & { readonly token?: string | undefined };

/**
 * How an adapter is added to its base model.
 *
 * @example
 * const { dtype } = mergeOptionsSchema.parse({ adapter: 'checkpoints/first/adapter', out: 'models/tuned' });
 */
export const mergeOptionsSchema = z.strictObject({
  adapter: z.string().min(1).describe('PEFT adapter folder, such as the one a run leaves'),
  out: z.string().min(1).describe('folder to write; it must be empty or not exist'),
  dtype: z
    .enum(['auto', 'float32', 'bfloat16', 'float16'])
    .default('auto')
    .describe("element type of the weights; auto keeps the base's. Only float32 keeps all of the adapter's change"),
});

/** See {@link mergeOptionsSchema}. */
export type MergeOptions = z.input<typeof mergeOptionsSchema>;

/** Warnings of a result go to the logger, too. */
function warnOf<T extends { readonly warnings: readonly string[] }>(result: T, { logger }: Hooks): T {
  for (const warning of result.warnings) logger?.warn(warning);
  return result;
}

/**
 * Turns a GGUF file (the first one of a split model) or a Hugging Face folder into a Hugging Face
 * folder: config.json, tokenizer, chat template, safetensors. It appears whole or not at all.
 * Throws data errors of the source.
 *
 * @example
 * const { tensors, parameters } = await importModel('models/tiny-llama', { out: 'models/base', dtype: 'float32' });
 */
export async function importModel(
  source: string,
  options: ImportModelOptions,
  hooks: Hooks = {},
): Promise<ImportResult> {
  checkText('source', source);
  const { out, ...rest } = parseOptions(importModelOptionsSchema, options);
  const { importModel: convert } = await import('../model/import.js');
  await refuseInputsIn(out, [source, ...(rest.tokenizer === undefined ? [] : [rest.tokenizer])]);
  const { signal, onProgress } = hooks;
  return warnOf(
    await convert(source, out, {
      ...rest,
      ...(onProgress && { progress: reportProgress(onProgress) }),
      ...(signal && { signal }),
    }),
    hooks,
  );
}

/**
 * Fetches a model (`ORG/NAME`) from the Hugging Face hub into a folder that appears whole or not at
 * all. What has come when it fails or is interrupted stays in `<out>.part`, and the next call
 * continues there. Every file is checked against the hub's hash.
 *
 * @example
 * const { files, commit } = await pullModel('org/name', { out: 'models/pulled' });
 */
export async function pullModel(
  name: string,
  { token, ...options }: PullModelOptions = {},
  { logger, signal, onProgress }: Hooks = {},
): Promise<PullResult & { readonly out: string }> {
  checkText('name', name);
  const { out = `models/${name.split('/').at(-1)}`, ...rest } = parseOptions(pullModelOptionsSchema, options);
  const { pullModel: fetch } = await import('../model/pull.js');
  const result = await fetch(name, out, {
    ...rest,
    endpoint: rest.endpoint ?? (env.HF_ENDPOINT || undefined),
    token: token ?? (env.HF_TOKEN || undefined),
    ...(logger && { logger }),
    ...(signal && { signal }),
    ...(onProgress && { progress: reportProgress(onProgress) }),
  });
  return { ...result, out };
}

/**
 * Writes a Hugging Face folder whose weights are the base model's with the adapter added, in
 * float32 rounded once to `dtype`. It appears whole or not at all. Throws data errors of both
 * folders.
 *
 * @example
 * const { merged, lost } = await mergeAdapter('models/tiny-llama', {
 *   adapter: 'checkpoints/first/adapter',
 *   out: 'models/tuned',
 * });
 */
export async function mergeAdapter(model: string, options: MergeOptions, hooks: Hooks = {}): Promise<MergeResult> {
  checkText('model', model);
  const { adapter, out, dtype } = parseOptions(mergeOptionsSchema, options);
  const { mergeAdapter: merge } = await import('../lora/merge-folder.js');
  const { signal, onProgress } = hooks;
  const bar = onProgress && progressOf(onProgress);
  const merging = () =>
    merge(model, adapter, out, { dtype, ...(signal && { signal }), ...(bar && { onTensor: bar.update }) });
  return warnOf(await namingMemory(memoryFor('merging'), merging).finally(() => bar?.finish()), hooks);
}

/** Progress in tensors, whose number is known with the first. */
function progressOf(onProgress: NonNullable<Hooks['onProgress']>) {
  let bar: ReturnType<ReturnType<typeof reportProgress>> | undefined;
  return {
    update(done: number, total: number) {
      bar ??= reportProgress(onProgress)({ label: 'merge', total, unit: 'tensors' });
      bar.update(done);
    },
    finish: () => bar?.finish(),
  };
}
