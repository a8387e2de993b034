import { join, resolve } from 'node:path';
import { PhasetuneError, usageError } from '../core/errors.js';
import { hashFile, listFolder, remove, statPath } from '../io/files.js';
import { moveTo, openResumable } from '../io/resumable.js';
import { formatBytes } from '../telemetry/format.js';
import { silentLogger } from '../telemetry/logger.js';
import type { ProgressBar, ProgressTask } from '../telemetry/progress.js';
import { findModel, type HubFile, type HubModel, neededFiles } from './hub.js';
import { type HubClient, type HubSettings, hubClient } from './hub-client.js';

/** How a model is fetched from a hub. */
export interface PullOptions extends HubSettings {
  /** Branch, tag or commit; default main. */
  readonly revision?: string;
  /** Replaces an output folder that holds something else; default false. */
  readonly overwrite?: boolean;
  readonly progress?: (task: ProgressTask) => ProgressBar;
}

/** What was fetched. */
export interface PullResult {
  readonly commit: string;
  readonly files: readonly string[];
  readonly bytes: number;
  /** False when the folder held this very model already. */
  readonly fetched: boolean;
}

/**
 * Fetches the files of a model that are needed here from the Hugging Face hub into a folder that
 * appears whole or not at all. What was fetched before it fails or is interrupted stays in
 * `<out>.part`, and the next call continues there. Every file is checked with the hub's hash.
 */
export async function pullModel(name: string, out: string, options: PullOptions = {}): Promise<PullResult> {
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name))
    throw usageError(
      `expected a model's name on the hub such as HuggingFaceTB/SmolLM2-135M-Instruct, got ${JSON.stringify(name)}`,
    );
  const client = hubClient(options);
  return pullFrom(client, name, out, options).finally(client.close);
}

async function pullFrom(client: HubClient, name: string, out: string, options: PullOptions): Promise<PullResult> {
  const logger = options.logger ?? silentLogger;
  const model = await findModel(client, name, options.revision ?? 'main');
  const files = neededFiles(model);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const result = { commit: model.commit, files: files.map((file) => file.name), bytes };
  const occupied = await isOccupied(out);
  if (occupied && (await holds(out, files))) return { ...result, fetched: false };
  if (occupied && !options.overwrite)
    throw usageError(`folder ${out} exists and holds something else; choose another place or remove it first`, {
      file: out,
    });
  logger.info(`${name} at ${model.commit.slice(0, 12)}: ${files.length} files, ${formatBytes(bytes)}`);
  const part = `${resolve(out)}.part`;
  const progress = options.progress?.({ label: 'download', total: bytes, unit: formatBytes });
  try {
    let done = 0;
    for (const file of files) {
      await fetchFile(client, model, file, part, (inFile) => progress?.update(done + inFile, file.name));
      done += file.bytes;
    }
    progress?.update(bytes);
  } finally {
    progress?.finish();
  }
  await removeStrays(part, files);
  if (occupied) await remove(out);
  await moveTo(part, out);
  return { ...result, fetched: true };
}

async function isOccupied(path: string): Promise<boolean> {
  const { kind } = await statPath(path);
  if (kind === 'missing') return false;
  if (kind !== 'folder') throw usageError(`${path} is a file; expected the name of a folder to write`, { file: path });
  return (await listFolder(path)).length > 0;
}

async function holds(folder: string, files: readonly HubFile[]): Promise<boolean> {
  for (const file of files) if (!(await isWhole(join(folder, file.name), file))) return false;
  return true;
}

async function isWhole(path: string, { bytes, hash }: HubFile): Promise<boolean> {
  const { kind, bytes: size } = await statPath(path);
  if (kind !== 'file' || size !== bytes) return false;
  const digest = hash.kind === 'sha256' ? await hashFile(path) : await hashFile(path, 'sha1', `blob ${bytes}\0`);
  return digest === hash.hex;
}

/**
 * Brings one file into the folder, unless it is there. Content that does not have the hub's hash is
 * fetched once more from the beginning.
 */
async function fetchFile(
  client: HubClient,
  { name, commit }: HubModel,
  file: HubFile,
  folder: string,
  onBytes: (done: number) => void,
): Promise<void> {
  const target = join(folder, file.name);
  if (await isWhole(target, file)) return;
  // With the hash in its name, a part can never be continued with another version of the file.
  const partial = `${target}.${file.hash.hex.slice(0, 12)}.part`;
  const path = `${name}/resolve/${commit}/${file.name.split('/').map(encodeURIComponent).join('/')}`;
  for (let attempt = 1; ; attempt++) {
    const sink = await openResumable(partial);
    const watched = {
      get bytes() {
        return sink.bytes;
      },
      restart: sink.restart,
      append: async (chunk: Uint8Array) => {
        await sink.append(chunk);
        onBytes(sink.bytes);
      },
    };
    await client.download(path, file.name, watched, file.bytes).finally(sink.close);
    if (await isWhole(partial, file)) return moveTo(partial, target);
    await remove(partial);
    if (attempt === 2)
      throw new PhasetuneError(
        'endpoint',
        `${file.name}: what ${client.endpoint} sends does not have the hash that it names, twice; try again later, or another endpoint`,
        {
          file: file.name,
          expected: file.hash.hex,
        },
      );
  }
}

/** Removes files of another version, left by an earlier call. */
async function removeStrays(folder: string, files: readonly HubFile[], below = ''): Promise<void> {
  const known = new Set(files.map((file) => file.name));
  for (const name of await listFolder(join(folder, below))) {
    const path = below + name;
    if ((await statPath(join(folder, path))).kind === 'folder') await removeStrays(folder, files, `${path}/`);
    else if (!known.has(path)) await remove(join(folder, path));
  }
}
