import { join } from 'node:path';
import * as z from 'zod';
import { dataError } from '../core/errors.js';
import type { HostTensor } from '../core/host-tensor.js';
import { exists, hashFile } from '../io/files.js';
import { readJson } from '../io/json.js';
import { durationField } from '../io/manifest-fields.js';
import { openSafetensors } from '../io/safetensors.js';
import type { Adapter, Linears } from '../lora/adapter.js';
import { readAdapter } from '../lora/peft-files.js';
import { count, lossRowSchema, originSchema, savedSchema, stageResultSchema } from './outcome.js';
import { progressSchema } from './progress.js';
import type { NamedTensors } from './tuner.js';

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

/** See {@link stateSchema}. */
export type TrainerState = Omit<z.infer<typeof stateSchema>, 'schema' | 'version'>;

/** Schema of a checkpoint's `manifest.json`: its files, written last. */
export const checkpointManifestSchema = z.strictObject({
  schema: z.literal('phasetune/checkpoint'),
  version: z.literal(1),
  files: z.record(z.string(), z.strictObject({ sha256: z.string(), bytes: count })),
});

/** See {@link checkpointManifestSchema}. */
export type CheckpointManifest = z.infer<typeof checkpointManifestSchema>;

/** What a manifest says about a file. */
export type ManifestEntry = CheckpointManifest['files'][string];

/** PEFT's files, the weights first. */
export const ADAPTER_FILES = ['adapter_model.safetensors', 'adapter_config.json'] as const;

/** The other files of a checkpoint; `OWN` is the folder of the stage's adapter alone, where `adapter_model.safetensors` also holds those that were merged into the base before. */
export const CHECKPOINT_FILES = {
  OPTIMIZER: 'optimizer.safetensors',
  STATE: 'trainer_state.json',
  MANIFEST: 'manifest.json',
  OWN: 'stage-adapter',
} as const;

const [WEIGHTS] = ADAPTER_FILES;
const { OPTIMIZER, STATE, MANIFEST, OWN } = CHECKPOINT_FILES;

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
export const readCheckpoint = (folder: string, linears: Linears): Promise<Checkpoint> =>
  openCheckpoint(folder, linears, ({ sha256 }, name) => checkHash(join(folder, name), sha256));

/** See {@link readCheckpoint}; `check` is given the name of each file and what the manifest says about it. */
export async function openCheckpoint(
  folder: string,
  linears: Linears,
  check: (entry: ManifestEntry, name: string) => Promise<void>,
): Promise<Checkpoint> {
  const path = join(folder, MANIFEST);
  if (!exists(path))
    throw dataError(
      `${folder}: not a complete checkpoint (no ${MANIFEST} in it); expected a folder stage-N/step-NNNNNN`,
      {
        file: path,
      },
    );
  const { files } = await readJson(path, checkpointManifestSchema);
  for (const [file, entry] of Object.entries(files)) {
    refuseMissing(join(folder, file));
    await check(entry, file);
  }
  const { schema: _, version: __, ...state } = await readJson(join(folder, STATE), stateSchema);
  const own = await readAdapter(files[`${OWN}/${WEIGHTS}`] ? join(folder, OWN) : folder, linears);
  return { sha256: files[WEIGHTS]!.sha256, own, state, optimizer: () => readMoments(join(folder, OPTIMIZER)) };
}

function refuseMissing(file: string): void {
  if (!exists(file))
    throw dataError(`${file}: missing, though the manifest beside it lists it; restore it or train the stage again`, {
      file,
    });
}

async function checkHash(file: string, expected: string): Promise<void> {
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
    // Together: one by one, what is waited for is the way to the disk and back.
    const read = [...source.tensors.keys()].map(async (name) => [name, await source.read(name)] as const);
    return new Map<string, HostTensor>(await Promise.all(read));
  } finally {
    await source.close();
  }
}
