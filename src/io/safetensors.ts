import { dataError } from '../core/errors.js';
import type { HostTensor } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';
import { allocated } from './allocate.js';
import { refuseForeign } from './foreign.js';
import { openRanged, type RangedFile } from './ranged.js';
import { findWeights } from './safetensors-files.js';
import { MAX_HEADER_BYTES, parseHeader, type SafetensorsHeader, type TensorInfo } from './safetensors-header.js';
import { readBfloat16, readTensor, sameValues } from './safetensors-values.js';

export type { SafetensorsDtype, TensorInfo } from './safetensors-header.js';
export { type TensorToWrite, writeSafetensors, writeShardedSafetensors } from './safetensors-write.js';

/** One or more safetensors files, headers read, values read on demand. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The files' `__metadata__`, later shards over earlier. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The files, in the order of the index. */
  readonly files: readonly string[];
  /**
   * One tensor: F32, F16, BF16 and F64 as float32, I32 and I64 as int32 (a data error where it does
   * not fit). With `scratch` (at least as many elements) float values are put there and `data` is a
   * view of it, so that a model streams through one buffer; otherwise one new buffer of the
   * tensor's float32 size is used and nothing besides.
   */
  read(name: string, options?: { scratch?: Float32Array }): Promise<HostTensor>;
  /**
   * One tensor as bfloat16: BF16 as it is in the file, the other floats rounded (F64 through float32, as in torch).
   * `scratch` as above; besides the result it holds 1 MiB at most.
   */
  readBfloat16(name: string, options?: { scratch?: Uint16Array }): Promise<HostTensor<'bfloat16'>>;
  /** Whether two tensors of floats have the same shape and the same values as float32; NaN is like nothing. */
  same(name: string, other: string): Promise<boolean>;
  /** A tensor's bytes as they are in the file, little-endian. */
  readBytes(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file, a folder's shards by `model.safetensors.index.json`, or its
 * `model.safetensors` or `adapter_model.safetensors`. Only headers are read. Pickle files are
 * refused with how to convert them, links that leave the folder too. Whatever the file says, every
 * tensor is inside the file, none overlaps another, and a header takes little memory.
 */
export async function openSafetensors(path: string): Promise<Safetensors> {
  const { files, weightMap } = await findWeights(path);
  const open = new Map<string, { file: RangedFile; header: SafetensorsHeader }>();
  const close = async () => {
    for (const { file } of open.values()) await file.close();
  };
  try {
    for (const name of files) open.set(name, await openOne(name));
    const tensors = collect(path, open, weightMap);
    const info = (name: string): [TensorInfo, RangedFile] => {
      const t = tensors.get(name);
      if (!t) throw dataError(`${path}: no tensor ${name} in it`, { file: path, tensor: name });
      return [t, open.get(t.file)!.file];
    };
    const metadata = Object.assign({}, ...[...open.values()].map((o) => o.header.metadata)) as Record<string, string>;
    return {
      tensors,
      metadata,
      files,
      read: async (name, options) => readTensor(name, ...info(name), options?.scratch),
      readBfloat16: async (name, options) => readBfloat16(name, ...info(name), options?.scratch),
      same: async (name, other) => sameValues(...info(name), ...info(other)),
      async readBytes(name) {
        const [t, file] = info(name);
        const bytes = allocated(t.file, name, t.bytes, Uint8Array);
        await file.read(t.offset, bytes);
        return bytes;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openOne(path: string): Promise<{ file: RangedFile; header: SafetensorsHeader }> {
  const file = await openRanged(path);
  try {
    const start = new Uint8Array(Math.min(8, file.bytes));
    await file.read(0, start);
    refuseForeign(path, start, 'safetensors');
    if (file.bytes < 8)
      throw dataError(`${path} is cut off: expected at least 8 bytes, file has ${file.bytes}`, { file: path });
    const length = new DataView(start.buffer).getBigUint64(0, true);
    if (length > MAX_HEADER_BYTES)
      throw dataError(
        `${path}: not a safetensors file: its header would have ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`,
        { file: path },
      );
    if (8 + Number(length) > file.bytes)
      throw dataError(
        `${path} is cut off in its header: expected at least ${8 + Number(length)} bytes, file has ${file.bytes}`,
        {
          file: path,
          expected: 8 + Number(length),
          actual: file.bytes,
        },
      );
    const json = new Uint8Array(Number(length));
    await file.read(8, json);
    return { file, header: parseHeader(json, path, file.bytes) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function collect(
  path: string,
  open: ReadonlyMap<string, { header: SafetensorsHeader }>,
  weightMap?: ReadonlyMap<string, string>,
): Map<string, TensorInfo> {
  if (!weightMap) return new Map([...open.values()].flatMap((o) => [...o.header.tensors]));
  const tensors = new Map<string, TensorInfo>();
  for (const [name, file] of weightMap) {
    const info = open.get(file)!.header.tensors.get(name);
    if (!info)
      throw dataError(`${file}: no tensor ${shownName(name)} in it, though the index of ${path} says so`, {
        file,
        tensor: shownName(name),
      });
    tensors.set(name, info);
  }
  return tensors;
}
