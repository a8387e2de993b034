import { dirname, join } from 'node:path';
import { dataError } from '../core/errors.js';
import { type HostTensor, sizeOf } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';
import { allocated } from './allocate.js';
import { refuseForeign } from './foreign.js';
import { type GgufHeader, type GgufTensor, type GgufValue, readGgufHeader } from './gguf-header.js';
import { openRanged, type RangedFile } from './ranged.js';

export type { GgufTensor, GgufValue } from './gguf-header.js';

/** A GGUF model, headers read, values read on demand. */
export interface Gguf {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** One tensor, dequantised to float32; `scratch` as for safetensors. Besides the result it holds 1 MiB at most. */
  read(name: string, options?: { scratch?: Float32Array }): Promise<HostTensor>;
  close(): Promise<void>;
}

/** Bytes of blocks per read. */
const PART = 1 << 20;

/**
 * Opens a GGUF file; of a split model (`…-00001-of-00003.gguf`) the first file is given and the
 * others are found beside it.
 */
export async function openGguf(path: string): Promise<Gguf> {
  const open = new Map<string, { file: RangedFile; header: GgufHeader }>();
  const close = async () => {
    for (const { file } of open.values()) await file.close();
  };
  try {
    for (const name of await splitFiles(path)) {
      const file = await openRanged(name);
      open.set(name, { file, header: { metadata: new Map(), tensors: new Map() } });
      await checkStart(file);
      open.set(name, { file, header: readGgufHeader(file) });
    }
    const tensors = new Map<string, GgufTensor>();
    for (const { header } of open.values())
      for (const [name, tensor] of header.tensors) {
        if (tensors.has(name))
          throw dataError(`${tensor.file}: tensor ${shownName(name)} is in another part too`, {
            file: tensor.file,
            tensor: shownName(name),
          });
        tensors.set(name, tensor);
      }
    const { metadata } = open.values().next().value!.header;
    checkSplit(path, metadata, open.size);
    return {
      metadata,
      tensors,
      async read(name, options) {
        const tensor = tensors.get(name);
        if (!tensor) throw dataError(`${path}: no tensor ${name} in it`, { file: path, tensor: name });
        return readTensor(name, tensor, open.get(tensor.file)!.file, options?.scratch);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function checkStart(file: RangedFile): Promise<void> {
  const start = new Uint8Array(Math.min(8, file.bytes));
  await file.read(0, start);
  refuseForeign(file.path, start, 'GGUF');
}

/** Most parts that a model may be split into. */
const MAX_PARTS = 1000;

function splitFiles(path: string): string[] {
  const [, prefix, part, total] = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/.exec(path) ?? [];
  if (!total) return [path];
  if (Number(part) !== 1)
    throw dataError(`${path} is part ${Number(part)} of ${Number(total)}; give the first part`, { file: path });
  if (Number(total) < 1 || Number(total) > MAX_PARTS)
    throw dataError(`${path}: by its name one of ${Number(total)} parts; expected 1 to ${MAX_PARTS}`, { file: path });
  return Array.from(
    { length: Number(total) },
    (_, i) => `${prefix}-${String(i + 1).padStart(5, '0')}-of-${total}.gguf`,
  );
}

function checkSplit(path: string, metadata: ReadonlyMap<string, GgufValue>, files: number): void {
  const expected = Number(metadata.get('split.count') ?? 0);
  if (expected > 1 && expected !== files)
    throw dataError(
      `${path} is one of ${expected} parts; expected them as ${join(dirname(path), `NAME-00001-of-${String(expected).padStart(5, '0')}.gguf`)}`,
      { file: path, expected, actual: files },
    );
}

async function readTensor(name: string, t: GgufTensor, file: RangedFile, scratch?: Float32Array): Promise<HostTensor> {
  const size = sizeOf(t.shape);
  if (scratch && scratch.length < size)
    throw new RangeError(`scratch holds ${scratch.length} elements, tensor ${name} needs ${size}`);
  const data = scratch ? scratch.subarray(0, size) : allocated(t.file, name, size, Float32Array);
  if (t.type.name === 'F32') {
    await file.read(t.offset, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return { shape: t.shape, dtype: 'float32', data };
  }
  const { size: elements, bytes, dequantise } = t.type;
  const part = new Uint8Array(Math.min(t.bytes, Math.floor(PART / bytes) * bytes));
  for (let done = 0, to = 0; done < t.bytes; done += part.length) {
    const now = part.subarray(0, Math.min(part.length, t.bytes - done));
    await file.read(t.offset + done, now);
    for (let offset = 0; offset < now.length; offset += bytes, to += elements) dequantise(now, offset, data, to);
  }
  return { shape: t.shape, dtype: 'float32', data };
}
