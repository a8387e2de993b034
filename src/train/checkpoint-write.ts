import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { dataError, isDataError, PhasetuneError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import { isOutOfMemory } from '../core/out-of-memory.js';
import { writeFolderAtomic, writeJson } from '../io/atomic.js';
import { copyFile, hashFile, makeFolder, statPath } from '../io/files.js';
import { writeSafetensors } from '../io/safetensors.js';
import { type Adapter, concatenateAdapters, type Linears } from '../lora/adapter.js';
import type { BaseInfo } from '../lora/peft-config.js';
import { readAdapter, writeAdapter } from '../lora/peft-files.js';
import {
  ADAPTER_FILES,
  CHECKPOINT_FILES,
  type CheckpointManifest,
  type ManifestEntry,
  openCheckpoint,
  type TrainerState,
} from './checkpoint.js';
import type { NamedTensors } from './tuner.js';

const [WEIGHTS, CONFIG] = ADAPTER_FILES;
const { OPTIMIZER, STATE, MANIFEST, OWN } = CHECKPOINT_FILES;

/** The model that adapters are for. */
export interface AdapterBase extends BaseInfo {
  readonly linears: Linears;
}

/** What goes into a checkpoint. */
export interface CheckpointContent {
  /** The adapter in training, over the base with `merged` in it. */
  readonly own: Adapter;
  readonly merged: readonly Adapter[];
  readonly optimizer: NamedTensors;
  readonly state: TrainerState;
}

/**
 * Writes a checkpoint to a temporary folder, reads it back, and moves it to its place; `manifest.json` with
 * the hash of each file is written last. It replaces an older folder only if it could be read.
 * `adapter_model.safetensors` always fits the original base: merged adapters and the stage's own, joined.
 * Returns its hash.
 */
export async function writeCheckpoint(folder: string, content: CheckpointContent, base: AdapterBase): Promise<string> {
  const { own, merged, optimizer, state } = content;
  checkFinite(folder, own);
  return writeFolderAtomic(
    folder,
    async (temporary) => {
      const files: string[] = [WEIGHTS, CONFIG, OPTIMIZER, STATE];
      const whole = merged.length > 0 ? concatenateAdapters([...merged, own], base.linears) : own;
      await writeAdapter(temporary, whole, base.linears, base);
      if (merged.length > 0) {
        files.push(`${OWN}/${WEIGHTS}`, `${OWN}/${CONFIG}`);
        await makeFolder(join(temporary, OWN));
        await writeAdapter(join(temporary, OWN), own, base.linears, { name: null });
      }
      const moments = [...optimizer].map(([name, { shape, data }]) => ({ name, shape, data, dtype: 'F32' as const }));
      await writeSafetensors(join(temporary, OPTIMIZER), moments);
      await writeJson(join(temporary, STATE), { schema: 'phasetune/trainer-state', version: 2, ...state });
      return readingBack(folder, async () => {
        const written = await writeManifest(temporary, files);
        await checkWritten(temporary, written, { ...content, whole }, base.linears);
        return written[WEIGHTS]!.sha256;
      });
    },
    { replace: true },
  );
}

async function writeManifest(folder: string, names: readonly string[]): Promise<CheckpointManifest['files']> {
  const files: CheckpointManifest['files'] = {};
  for (const name of names) {
    const path = join(folder, name);
    files[name] = { sha256: await hashFile(path), bytes: (await statPath(path)).bytes };
  }
  await writeJson(join(folder, MANIFEST), { schema: 'phasetune/checkpoint', version: 1, files });
  return files;
}

/** Throws where a matrix has a number that is not finite: no such adapter can be read, nor used for anything. */
function checkFinite(folder: string, { tensors }: Adapter): void {
  for (const [name, { data }] of tensors) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0)
      throw new PhasetuneError(
        'failed',
        `${folder}: nothing was saved, because the adapter is unusable: element ${at} of ${name} is ${data[at]}, so training has diverged; the checkpoints before it were kept`,
        {
          file: folder,
          tensor: name,
          remedies: [{ option: 'optim.learningRate', change: 'lower', note: 'and start again' }],
        },
      );
  }
}

/**
 * Reads what was written, as a resumed run does, and compares it with what it should be; the hashes are of the
 * files as they are.
 */
async function checkWritten(
  folder: string,
  files: CheckpointManifest['files'],
  { own, optimizer, state, whole }: CheckpointContent & { readonly whole: Adapter },
  linears: Linears,
): Promise<void> {
  const asListed = async (entry: ManifestEntry, name: string) => {
    if (!isDeepStrictEqual(entry, files[name])) throw differs(join(folder, MANIFEST));
  };
  const read = await openCheckpoint(folder, linears, asListed);
  if (!isDeepStrictEqual(asWritten(read.state), asWritten(state))) throw differs(join(folder, STATE));
  checkSame(join(folder, OPTIMIZER), await read.optimizer(), optimizer);
  if (!isDeepStrictEqual(scaleOf(read.own), scaleOf(own))) throw differs(join(folder, CONFIG));
  checkSame(join(folder, whole === own ? WEIGHTS : `${OWN}/${WEIGHTS}`), read.own.tensors, own.tensors);
  if (whole !== own) checkSame(join(folder, WEIGHTS), (await readAdapter(folder, linears)).tensors, whole.tensors);
}

/** The options of an adapter that its matrices do not show. */
const scaleOf = ({ options: { alpha, dropout, rsLora } }: Adapter) => ({ alpha, dropout, rsLora });

const asWritten = (state: TrainerState): unknown => JSON.parse(jsonText(state));

/** Compares every bit, so that NaN equals itself. */
function checkSame(file: string, read: NamedTensors, written: NamedTensors): void {
  for (const [name, { shape, data }] of written) {
    const found = read.get(name);
    if (found?.shape.join() !== shape.join() || !bytesOf(found.data).equals(bytesOf(data))) throw differs(file);
  }
  if (read.size !== written.size) throw differs(file);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

const differs = (file: string) => dataError(`${file}: its content is not what was written`, { file });

/** Lets `check` read what was written to a place; where it does not read back the error says so. */
async function readingBack<T>(place: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    if (!isDataError(cause) || isOutOfMemory(cause)) throw cause;
    throw new PhasetuneError(
      'failed',
      `cannot write ${place}: it does not read back as it was written (${cause.message}); what was there before was kept`,
      {
        file: place,
        remedies: [{ advice: 'check the disk, then continue from the last whole checkpoint with `resume`' }],
      },
      { cause },
    );
  }
}

/** Copies a checkpoint's adapter to another folder, which it replaces once the copy was read back. */
export async function copyAdapter(from: string, to: string, linears: Linears): Promise<void> {
  const copy = async (temporary: string) => {
    for (const name of ADAPTER_FILES) await copyFile(join(from, name), join(temporary, name));
    await readingBack(to, async () => {
      for (const name of ADAPTER_FILES)
        if ((await hashFile(join(temporary, name))) !== (await hashFile(join(from, name))))
          throw differs(join(temporary, name));
      await readAdapter(temporary, linears);
    });
  };
  await writeFolderAtomic(to, copy, { replace: true });
}
