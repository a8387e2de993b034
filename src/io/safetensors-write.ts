import { join } from 'node:path';
import { sizeOf } from '../core/host-tensor.js';
import { type AtomicFile, withAtomicFile, writeJson } from './atomic.js';
import { toBfloat16, toFloat16 } from './float.js';
import { DTYPE_BYTES, type SafetensorsDtype } from './safetensors-header.js';

/** Values of a tensor: float32 is rounded to the dtype asked for; a Uint8Array is bytes already in that dtype. */
type TensorData = Float32Array | Int32Array | Uint8Array;

/**
 * A tensor to be written. As a function `data` is called once, when its turn comes, so that a model
 * can stream through.
 */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: TensorData | (() => TensorData | Promise<TensorData>);
}

type Tensors = Iterable<TensorToWrite> | AsyncIterable<TensorToWrite>;

/** Elements converted together: a conversion needs 2 MiB besides the tensor. */
const PART = 1 << 20;

/**
 * Writes one safetensors file, streamed and atomic. The layout is the format's own: wider types
 * first, then in the order given. `format: pt` is added to the metadata, without which transformers
 * refuses a file.
 */
export async function writeSafetensors(
  path: string,
  tensors: Tensors,
  metadata: Record<string, string> = {},
): Promise<void> {
  await writeOne(path, await inOrder(tensors), metadata);
}

/**
 * Writes `<base>.safetensors` into a folder, or, when the tensors exceed `maxShardBytes` (default 5
 * GB, as transformers), `<base>-00001-of-0000N.safetensors` and so on with
 * `<base>.safetensors.index.json`. Returns the names of the files.
 */
export async function writeShardedSafetensors(
  folder: string,
  tensors: Tensors,
  options: { maxShardBytes?: number; base?: string; metadata?: Record<string, string> } = {},
): Promise<string[]> {
  const { maxShardBytes = 5e9, base = 'model', metadata = {} } = options;
  const all = await inOrder(tensors, false);
  const shards: TensorToWrite[][] = [[]];
  let filled = 0;
  for (const tensor of all) {
    const bytes = bytesOf(tensor);
    if (filled > 0 && filled + bytes > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(tensor);
    filled += bytes;
  }
  if (shards.length === 1) {
    await writeSafetensors(join(folder, `${base}.safetensors`), all, metadata);
    return [`${base}.safetensors`];
  }
  const number = (n: number) => String(n).padStart(5, '0');
  const names = shards.map((_, i) => `${base}-${number(i + 1)}-of-${number(shards.length)}.safetensors`);
  for (const [i, shard] of shards.entries()) await writeSafetensors(join(folder, names[i]!), shard, metadata);
  await writeJson(join(folder, `${base}.safetensors.index.json`), {
    metadata: { total_size: all.reduce((sum, t) => sum + bytesOf(t), 0) },
    weight_map: Object.fromEntries(shards.flatMap((shard, i) => shard.map((t) => [t.name, names[i]!]))),
  });
  return [...names, `${base}.safetensors.index.json`];
}

const bytesOf = (t: TensorToWrite) => sizeOf(t.shape) * DTYPE_BYTES[t.dtype];

async function inOrder(tensors: Tensors, sort = true): Promise<TensorToWrite[]> {
  const all: TensorToWrite[] = [];
  const names = new Set(['__metadata__', '__proto__']);
  for await (const tensor of tensors) {
    if (names.has(tensor.name)) throw new RangeError(`tensor name ${tensor.name} is taken or not allowed`);
    names.add(tensor.name);
    all.push(tensor);
  }
  return sort ? all.sort((a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype]) : all;
}

async function writeOne(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Record<string, string>,
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  let offset = 0;
  for (const t of tensors) {
    header[t.name] = { dtype: t.dtype, shape: t.shape, data_offsets: [offset, offset + bytesOf(t)] };
    offset += bytesOf(t);
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Padded with spaces to a multiple of eight, so that the data is aligned in a mapped file.
  const start = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(start.length - 8), true);
  start.set(json, 8);
  await withAtomicFile(path, async (file) => {
    await file.write(start);
    for (const t of tensors) await writeData(file, t, typeof t.data === 'function' ? await t.data() : t.data);
  });
}

async function writeData(file: AtomicFile, t: TensorToWrite, data: TensorData): Promise<void> {
  const elements = data instanceof Uint8Array ? data.length / DTYPE_BYTES[t.dtype] : data.length;
  if (elements !== sizeOf(t.shape))
    throw new RangeError(
      `tensor ${t.name}: shape [${t.shape.join(', ')}] needs ${sizeOf(t.shape)} elements, got ${elements}`,
    );
  if (data instanceof Uint8Array) return file.write(data);
  const convert = converter(t, data);
  for (let i = 0; i < data.length; i += PART) await file.write(convert(i, Math.min(data.length, i + PART)));
}

function converter(t: TensorToWrite, data: Float32Array | Int32Array): (from: number, to: number) => Uint8Array {
  if ((t.dtype === 'F32' && data instanceof Float32Array) || (t.dtype === 'I32' && data instanceof Int32Array))
    return (from, to) => new Uint8Array(data.buffer, data.byteOffset + from * 4, (to - from) * 4);
  if (data instanceof Float32Array && (t.dtype === 'BF16' || t.dtype === 'F16')) {
    const round = t.dtype === 'BF16' ? toBfloat16 : toFloat16;
    return (from, to) => new Uint8Array(round(data.subarray(from, to)).buffer);
  }
  throw new RangeError(`tensor ${t.name}: cannot write a ${data.constructor.name} as ${t.dtype}`);
}
