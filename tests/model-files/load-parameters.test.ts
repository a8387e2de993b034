import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { float32, type HostTensor, sizeOf } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { copyFile } from '../../src/io/files.js';
import { toBfloat16 } from '../../src/io/float.js';
import { openSafetensors, type SafetensorsDtype, writeSafetensors } from '../../src/io/safetensors.js';
import { matrixNames } from '../../src/lora/adapter.js';
import { mergeInto, merging } from '../../src/lora/merge.js';
import { loraOptions } from '../../src/lora/options.js';
import { loadParameters, openModelFolder } from '../../src/model/load.js';
import type { Program, VariableValue } from '../../src/program/program.js';

// Three layers of 24 hidden units and 53 tokens, of which the largest matrix has 53 * 24 elements.
const SOURCE = 'tests/fixtures/logits/llama-grouped';
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phasetune-load-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The model, its weights written in another type. */
async function writeModel(dtype: SafetensorsDtype): Promise<void> {
  const source = await openSafetensors(SOURCE);
  const tensors = [];
  for (const [name, { shape }] of source.tensors)
    tensors.push({ name, shape, dtype, data: (await source.read(name)).data as Float32Array });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  await copyFile(join(SOURCE, 'config.json'), join(folder, 'config.json'));
  await source.close();
}

const isMatrix = (name: string) => !name.endsWith('norm.weight');

/** What a program that holds matrices in bfloat16 is given, and the buffers that it came in. */
function holder(holds: (name: string) => 'float32' | 'bfloat16') {
  const given = new Map<string, VariableValue[1]>();
  const buffers = new Set<ArrayBufferLike>();
  const program: Pick<Program, 'holds' | 'load'> = {
    holds,
    async load(values) {
      for await (const [name, value] of values) {
        buffers.add(value.data.buffer);
        given.set(name, { ...value, data: value.data.slice() } as VariableValue[1]);
      }
    },
  };
  return { program, given, buffers };
}

const low = (name: string) => (isMatrix(name) ? 'bfloat16' : 'float32');

describe.each<SafetensorsDtype>(['F32', 'F16', 'BF16'])('from a file of %s', (dtype) => {
  test('a program gets each weight in the type that it holds it in, and nothing else', async () => {
    await writeModel(dtype);
    const [model, weights] = [await openModelFolder(folder), await openSafetensors(folder)];
    const { program, given } = holder(low);
    await loadParameters(program, model);
    expect([...given.keys()].sort()).toEqual([...weights.tensors.keys()].sort());
    for (const [name, value] of given) {
      const exact = (await weights.read(name)).data as Float32Array;
      expect(value.dtype).toBe(low(name));
      expect(value.data).toEqual(isMatrix(name) ? toBfloat16(exact) : exact);
    }
    await model.close();
    await weights.close();
  });

  test.each<['float32' | 'bfloat16', number]>([
    ['float32', 4],
    ['bfloat16', 2],
  ])('all weights as %s come through one buffer, of the largest one’s size', async (held, bytes) => {
    await writeModel(dtype);
    const model = await openModelFolder(folder);
    const { program, buffers } = holder(() => held);
    await loadParameters(program, model);
    expect([...buffers].map(({ byteLength }) => byteLength)).toEqual([53 * 24 * bytes]);
    await model.close();
  });
});

test('what the file has in bfloat16 comes byte for byte', async () => {
  await writeModel('BF16');
  const [model, weights] = [await openModelFolder(folder), await openSafetensors(folder)];
  for await (const [name, { dtype, data }] of model.parameters(() => 'bfloat16')) {
    expect(dtype).toBe('bfloat16');
    expect(Buffer.from(data.buffer, data.byteOffset, data.byteLength)).toEqual(
      Buffer.from(await weights.readBytes(name)),
    );
  }
  await model.close();
  await weights.close();
});

test('adapters are added in float32, one after the other, and the sum is rounded once', async () => {
  await writeModel('BF16');
  const [model, weights] = [await openModelFolder(folder), await openSafetensors(folder)];
  const module = 'model.layers.1.mlp.down_proj';
  const [outputs, inputs] = weights.tensors.get(`${module}.weight`)!.shape as [number, number];
  const names = matrixNames(module);
  const adapters = [1, 2].map((seed) => {
    const { normal } = random(seed);
    const drawn = (shape: number[]) =>
      float32(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, () => 0.1 * normal()),
      );
    const tensors = new Map<string, HostTensor>([
      [names.a, drawn([3, inputs])],
      [names.b, drawn([outputs, 3])],
    ]);
    return { options: loraOptions.parse({ rank: 3, alpha: 5 }), tensors };
  });
  const { program, given, buffers } = holder(low);
  await loadParameters(program, model, merging(adapters));
  expect(buffers.size).toBe(1);
  for (const name of weights.tensors.keys()) {
    const value = await weights.read(name);
    const before = toBfloat16(value.data as Float32Array);
    for (const adapter of adapters) mergeInto(name, value, adapter);
    const { data } = given.get(name)!;
    expect(data).toEqual(isMatrix(name) ? toBfloat16(value.data as Float32Array) : value.data);
    if (name === `${module}.weight`) expect(data).not.toEqual(before);
  }
  await model.close();
  await weights.close();
});
