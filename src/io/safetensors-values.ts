import { dataError } from '../core/errors.js';
import { bfloat16, float32, type HostTensor, int32, sizeOf } from '../core/host-tensor.js';
import { shownName } from '../core/shown.js';
import { allocated } from './allocate.js';
import { toBfloat16, widen } from './float.js';
import type { RangedFile } from './ranged.js';
import type { TensorInfo } from './safetensors-header.js';

/** Elements converted together where the result has no room for what is read. */
const PART = 1 << 16;

/** A tensor's values as float32, or int32 where the file has integers; see `Safetensors.read`. */
export async function readTensor(
  name: string,
  t: TensorInfo,
  file: RangedFile,
  scratch?: Float32Array,
): Promise<HostTensor> {
  if (t.dtype === 'I32' || t.dtype === 'I64') return readIntegers(name, t, file);
  checkFloats(name, t);
  const data = placeFor(name, t, scratch, Float32Array);
  await readFloats(t, file, data, 0);
  return float32(t.shape, data);
}

/** A tensor's values as bfloat16 bit patterns; see `Safetensors.readBfloat16`. */
export async function readBfloat16(
  name: string,
  t: TensorInfo,
  file: RangedFile,
  scratch?: Uint16Array,
): Promise<HostTensor<'bfloat16'>> {
  checkFloats(name, t);
  const data = placeFor(name, t, scratch, Uint16Array);
  if (t.dtype === 'BF16') await file.read(t.offset, bytesOf(data));
  else {
    const part = new Float32Array(Math.min(PART, data.length));
    for (let i = 0; i < data.length; i += part.length) {
      const floats = part.subarray(0, Math.min(part.length, data.length - i));
      await readFloats(t, file, floats, i);
      toBfloat16(floats, data.subarray(i, i + floats.length));
    }
  }
  return bfloat16(t.shape, data);
}

/** Whether two tensors of floats are the same; see `Safetensors.same`. At most 512 KiB of them are in memory. */
export async function sameValues(a: TensorInfo, fileA: RangedFile, b: TensorInfo, fileB: RangedFile): Promise<boolean> {
  if (a.shape.join() !== b.shape.join()) return false;
  const size = sizeOf(a.shape);
  const [partA, partB] = [new Float32Array(Math.min(PART, size)), new Float32Array(Math.min(PART, size))];
  for (let from = 0; from < size; from += PART) {
    const [x, y] = [partA.subarray(0, size - from), partB.subarray(0, size - from)];
    await readFloats(a, fileA, x, from);
    await readFloats(b, fileB, y, from);
    if (!x.every((value, i) => value === y[i])) return false;
  }
  return true;
}

function checkFloats(name: string, { dtype, file }: TensorInfo): void {
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F64')
    throw dataError(`${file}: tensor ${shownName(name)}: expected F32, F16 or BF16, found ${dtype}`, {
      file,
      tensor: shownName(name),
    });
}

/** Where the values go: a view of the scratch array, or an array of their size. */
function placeFor<T extends { readonly length: number; subarray(from: number, to: number): T }>(
  name: string,
  t: TensorInfo,
  scratch: T | undefined,
  ArrayOf: new (length: number) => T,
): T {
  const size = sizeOf(t.shape);
  if (!scratch) return allocated(t.file, name, size, ArrayOf);
  if (scratch.length < size)
    throw new RangeError(`scratch holds ${scratch.length} elements, tensor ${name} needs ${size}`);
  return scratch.subarray(0, size);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);

/** Fills `data` with the elements from `first` on. */
async function readFloats(t: TensorInfo, file: RangedFile, data: Float32Array, first: number): Promise<void> {
  const raw = bytesOf(data);
  if (t.dtype === 'F32') await file.read(t.offset + first * 4, raw);
  else if (t.dtype === 'F64') await readDoubles(t, file, data, first);
  else {
    // The 16-bit values are read into the last half of the buffer and widened in place.
    const half = raw.subarray(data.length * 2);
    await file.read(t.offset + first * 2, half);
    widen(new Uint16Array(half.buffer, half.byteOffset, data.length), data, t.dtype === 'F16' ? 'F16' : 'BF16');
  }
}

async function readDoubles(t: TensorInfo, file: RangedFile, data: Float32Array, first: number): Promise<void> {
  const part = new Float64Array(Math.min(PART, data.length));
  for (let i = 0; i < data.length; i += part.length) {
    const doubles = part.subarray(0, Math.min(part.length, data.length - i));
    await file.read(t.offset + (first + i) * 8, bytesOf(doubles));
    data.set(doubles, i);
  }
}

async function readIntegers(name: string, t: TensorInfo, file: RangedFile): Promise<HostTensor> {
  const raw = allocated(t.file, name, t.bytes, Uint8Array);
  await file.read(t.offset, raw);
  if (t.dtype === 'I32') return int32(t.shape, new Int32Array(raw.buffer));
  const wide = new BigInt64Array(raw.buffer);
  const data = new Int32Array(wide.length);
  for (let i = 0; i < wide.length; i++) {
    data[i] = Number(wide[i]);
    if (BigInt(data[i]!) !== wide[i])
      throw dataError(`${t.file}: tensor ${shownName(name)}: value ${wide[i]} does not fit 32 bits`, {
        file: t.file,
        tensor: shownName(name),
      });
  }
  return int32(t.shape, data);
}
