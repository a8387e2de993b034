import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toBfloat16 } from '../../src/io/float.js';
import { openSafetensors, writeSafetensors } from '../../src/io/safetensors.js';

const FIXTURES = 'tests/fixtures/safetensors';
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-bfloat16-'));
  file = join(folder, 'model.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

const bytesOf = (data: ArrayBufferView) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
const same = (a: ArrayBufferView, b: ArrayBufferView) => bytesOf(a).equals(bytesOf(b));

test.each(['f64', 'f32', 'f16', 'bf16'])('%s gives torch’s bits, with a scratch buffer and without', async (name) => {
  const weights = await openSafetensors(`${FIXTURES}/bfloat16.safetensors`);
  const { shape } = weights.tensors.get(name)!;
  const expected = await weights.readBytes(`${name}.bfloat16`);
  const scratch = new Uint16Array(shape[0]! + 3).fill(9);
  for (const options of [undefined, { scratch }]) {
    const got = await weights.readBfloat16(name, options);
    expect([got.dtype, got.shape]).toEqual(['bfloat16', shape]);
    expect(same(got.data, expected)).toBe(true);
    if (options) expect(got.data.buffer).toBe(scratch.buffer);
  }
  expect([...scratch.slice(shape[0])]).toEqual([9, 9, 9]);
  const small = new Uint16Array(shape[0]! - 1);
  await expect(weights.readBfloat16(name, { scratch: small })).rejects.toThrow(`scratch holds ${shape[0]! - 1}`);
  await weights.close();
});

test('keeps BF16 as it lies in the file, NaN payloads too', async () => {
  const patterns = Uint16Array.from({ length: 65535 }, (_, i) => i + 1);
  await writeSafetensors(file, [{ name: 'x', dtype: 'BF16', shape: [65535], data: new Uint8Array(patterns.buffer) }]);
  const weights = await openSafetensors(file);
  expect(same((await weights.readBfloat16('x')).data, patterns)).toBe(true);
  await weights.close();
});

test.each(['F64', 'F32', 'F16'] as const)('%s is rounded in parts without a seam', async (dtype) => {
  const n = 2 * 65536 + 1;
  const values = Float64Array.from({ length: n }, (_, i) => i - 65536);
  const data = dtype === 'F64' ? new Uint8Array(values.buffer) : Float32Array.from(values);
  await writeSafetensors(file, [{ name: 'x', dtype, shape: [n], data }]);
  const weights = await openSafetensors(file);
  const floats = (await weights.read('x')).data as Float32Array;
  expect(same((await weights.readBfloat16('x')).data, toBfloat16(floats))).toBe(true);
  if (dtype !== 'F16') expect([floats[0], floats[65536], floats[n - 1]]).toEqual([-65536, 0, 65536]);
  await weights.close();
});

test('an empty tensor and a scalar come through, integers are refused', async () => {
  const weights = await openSafetensors(`${FIXTURES}/types.safetensors`);
  expect((await weights.readBfloat16('empty')).shape).toEqual([0, 4]);
  expect(await weights.readBfloat16('scalar')).toEqual({
    shape: [],
    dtype: 'bfloat16',
    data: Uint16Array.of(0x4020),
  });
  for (const name of ['i32', 'i64', 'u8'])
    await expect(weights.readBfloat16(name)).rejects.toThrow(`tensor ${name}: expected F32, F16 or BF16, found`);
  await expect(weights.readBfloat16('nope')).rejects.toMatchObject({ code: 'data', fields: { tensor: 'nope' } });
  await weights.close();
});
