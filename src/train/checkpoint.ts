import { join } from 'node:path';
import * as z from 'zod';
import { dataError } from '../core/errors.js';
import type { HostTensor } from '../core/host-tensor.js';
import { writeFolderAtomic, writeJson } from '../io/atomic.js';
import { exists, fileError, hashFile, makeFolder, statPath } from '../io/files.js';
import { readJson } from '../io/json.js';
import { durationField } from '../io/manifest-fields.js';
import { openSafetensors, writeSafetensors } from '../io/safetensors.js';
import { type Adapter, concatenateAdapters, type Linears } from '../lora/adapter.js';
import type { BaseInfo } from '../lora/peft-config.js';
import { readAdapter, writeAdapter } from '../lora/peft-files.js';
import { count, lossRowSchema, originSchema, savedSchema, stageResultSchema } from './outcome.js';
import { progressSchema } from './progress.js';
import type { NamedTensors } from './tuner.js';

/** The model that adapters are for. */
export interface AdapterBase extends BaseInfo {
  readonly linears: Linears;
}

/** Schema of `trainer_state.json`: how far a run is. */
export const stateSchema = z.strictObject({
  schema: z.literal('phasetune/trainer-state'),
  version: z.literal(2),
  kind: z.enum(['begin', 'step', 'end', 'interrupted']),
  stage: z.number().int().min(1),
  steps: count,
  /** Hash of the stage's batch plan. */
  plan: z.string(),
  progress: progressSchema,
  /** Where the stage's weights came from. */
  origin: originSchema,
  /** Checkpoints whose own adapters were merged into the base before this stage began. */
  merged: z.array(savedSchema),
  /** Lines of `events.jsonl` before the event of this checkpoint. */
  events: count,
  /** Time that the run has taken, in seconds. */
  seconds: durationField,
  /** What came of the stages before. */
  stages: z.array(stageResultSchema),
  /** Rows of the forgetting matrix so far. */
  matrix: z.array(lossRowSchema),
});

/** See `stateSchema`. */
export type TrainerState = Omit<z.infer<typeof stateSchema>, 'schema' | 'version'>;

export const checkpointManifestSchema = z.strictObject({
  schema: z.literal('phasetune/checkpoint'),
  version: z.literal(1),
  files: z.record(z.string(), z.strictObject({ sha256: z.string(), bytes: count })),
});

/** PEFT's files, the weights first. */
export const ADAPTER_FILES = ['adapter_model.safetensors', 'adapter_config.json'] as const;

const [WEIGHTS, CONFIG] = ADAPTER_FILES;
const [OPTIMIZER, STATE, MANIFEST] = ['optimizer.safetensors', 'trainer_state.json', 'manifest.json'];
/** The stage's adapter alone, where `adapter_model.safetensors` also holds those that were merged into the base before. */
const OWN = 'stage-adapter';

/** What goes into a checkpoint. */
export interface CheckpointContent {
  /** The adapter in training, over the base with `merged` in it. */
  readonly own: Adapter;
  readonly merged: readonly Adapter[];
  readonly optimizer: NamedTensors;
  readonly state: TrainerState;
}

/**
 * Writes a checkpoint folder beside its place and moves it there; `manifest.json` with the hash of each file comes last. A
 * folder that is there already gives way. `adapter_model.safetensors` always fits the original base: merged adapters and the stage's own, joined. Returns its hash.
 */
export async function writeCheckpoint(folder: string, content: CheckpointContent, base: AdapterBase): Promise<string> {
  const { own, merged, optimizer, state } = content;
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
      return writeManifest(temporary, files);
    },
    { replace: true },
  );
}

/** Returns the hash of the first file. A file that is gone as soon as it was written could not be written: its folder was removed. */
async function writeManifest(folder: string, names: readonly string[]): Promise<string> {
  const files: z.infer<typeof checkpointManifestSchema>['files'] = {};
  for (const name of names) {
    const path = join(folder, name);
    const failed = (error: Error) => Promise.reject(fileError('write', path, error.cause ?? error));
    files[name] = { sha256: await hashFile(path).catch(failed), bytes: (await statPath(path)).bytes };
  }
  await writeJson(join(folder, MANIFEST), { schema: 'phasetune/checkpoint', version: 1, files });
  return files[names[0]!]!.sha256;
}

/** A checkpoint read back. */
export interface Checkpoint {
  /** SHA-256 of `adapter_model.safetensors`. */
  readonly sha256: string;
  /** The stage's own adapter, over the base with `state.merged` in it. */
  readonly own: Adapter;
  readonly state: TrainerState;
  /** Reads the optimizer's moments. */
  optimizer(): Promise<NamedTensors>;
}

/**
 * Reads a checkpoint folder, checking every file against its hash first. Throws a data error that says which file is missing
 * or differs.
 */
export async function readCheckpoint(folder: string, linears: Linears): Promise<Checkpoint> {
  const path = join(folder, MANIFEST);
  if (!exists(path))
    throw dataError(`${folder}: not a whole checkpoint (no ${MANIFEST} in it); expected a folder stage-N/step-NNNNNN`, {
      file: path,
    });
  const { files } = await readJson(path, checkpointManifestSchema);
  for (const [file, { sha256 }] of Object.entries(files)) await checkFile(join(folder, file), sha256);
  const { schema: _, version: __, ...state } = await readJson(join(folder, STATE), stateSchema);
  const own = await readAdapter(files[`${OWN}/${WEIGHTS}`] ? join(folder, OWN) : folder, linears);
  return { sha256: files[WEIGHTS]!.sha256, own, state, optimizer: () => readMoments(join(folder, OPTIMIZER)) };
}

async function checkFile(file: string, expected: string): Promise<void> {
  if (!exists(file))
    throw dataError(`${file}: missing, though the manifest beside it lists it; restore it or train the stage again`, {
      file,
    });
  const actual = await hashFile(file);
  if (actual !== expected)
    throw dataError(
      `${file}: changed since it was written (expected SHA-256 ${expected.slice(0, 12)}..., got ${actual.slice(0, 12)}...); restore it or train the stage again`,
      { file, expected, actual },
    );
}

async function readMoments(file: string): Promise<NamedTensors> {
  const source = await openSafetensors(file);
  try {
    const tensors = new Map<string, HostTensor>();
    for (const name of source.tensors.keys()) tensors.set(name, await source.read(name));
    return tensors;
  } finally {
    await source.close();
  }
}
