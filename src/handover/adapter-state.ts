import { join } from 'node:path';
import { dataError, PhasetuneError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';
import { isOutOfMemory } from '../core/out-of-memory.js';
import { exists, hashFile } from '../io/files.js';
import { ownFile } from '../io/own-files.js';
import { openSafetensors, type SafetensorsDtype } from '../io/safetensors.js';
import { ADAPTER_FILES } from '../train/checkpoint.js';

/** What a matrix of an adapter's file came to. */
export interface MatrixState {
  readonly shape: readonly number[];
  readonly dtype: SafetensorsDtype;
  /** SHA-256 of its values as float32: equal values give equal hashes, whatever the file's type and order. */
  readonly values: string;
  readonly zero: boolean;
  /** The first element that is not finite. */
  readonly notFinite?: { readonly index: number; readonly value: number };
}

/** An adapter's weights, all of them read. */
export interface AdapterState {
  readonly file: string;
  /** Of the file. */
  readonly sha256: string;
  /** By the name that the file has for them. */
  readonly matrices: ReadonlyMap<string, MatrixState>;
}

/** Why the weights of an adapter's folder cannot be read. */
export interface UnreadableAdapter {
  readonly unreadable: 'missing' | 'no safetensors' | 'empty file' | 'broken file';
  readonly problem: string;
}

const [WEIGHTS] = ADAPTER_FILES;

/** True where there is anything to read: trainers write the configuration before they begin, the weights in the end. */
export const hasWeights = (folder: string): boolean =>
  [WEIGHTS, 'adapter_model.bin', `${WEIGHTS}.index.json`].some((name) => exists(join(folder, name)));

/**
 * Reads all weights of a PEFT adapter's folder, a matrix at a time: names and shapes as they are, whether they fit a
 * model or not. What is wrong with the file is the result, not an error.
 */
export async function readAdapterState(folder: string): Promise<AdapterState | UnreadableAdapter> {
  try {
    const file = await ownFile(folder, WEIGHTS);
    if (file === undefined) return withoutWeights(folder);
    const source = await openSafetensors(file);
    try {
      if (source.tensors.size === 0)
        return { unreadable: 'empty file', problem: `${file}: there is no matrix in the file` };
      const matrices = new Map<string, MatrixState>();
      for (const [name, { shape, dtype }] of source.tensors) {
        const { data } = await readFloats(source, name, dtype, file);
        matrices.set(name, { shape, dtype, ...stateOf(data) });
      }
      return { file, sha256: await hashFile(file), matrices };
    } finally {
      await source.close();
    }
  } catch (error) {
    if (!(error instanceof PhasetuneError) || isOutOfMemory(error)) throw error;
    return {
      unreadable:
        error.fields.actual === 0 || / at least 8 bytes, file has 0$/.test(error.problem)
          ? 'empty file'
          : 'broken file',
      problem: error.problem,
    };
  }
}

function withoutWeights(folder: string): UnreadableAdapter {
  const pickled = join(folder, 'adapter_model.bin');
  if (exists(pickled))
    return { unreadable: 'no safetensors', problem: `${pickled}: pickled weights, which are not read` };
  return { unreadable: 'missing', problem: `${folder}: no ${WEIGHTS} in it` };
}

const FLOATS: ReadonlySet<SafetensorsDtype> = new Set(['F32', 'F16', 'BF16', 'F64']);

async function readFloats(
  source: Awaited<ReturnType<typeof openSafetensors>>,
  name: string,
  dtype: SafetensorsDtype,
  file: string,
): Promise<{ data: Float32Array }> {
  if (!FLOATS.has(dtype))
    throw dataError(`${file}: ${name}: expected F32, F16, BF16 or F64, found ${dtype}`, { file, tensor: name });
  return (await source.read(name)) as { data: Float32Array };
}

function stateOf(data: Float32Array): Pick<MatrixState, 'values' | 'zero' | 'notFinite'> {
  const index = data.findIndex((value) => !Number.isFinite(value));
  return {
    values: sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    zero: data.every((value) => value === 0),
    ...(index >= 0 && { notFinite: { index, value: data[index]! } }),
  };
}
