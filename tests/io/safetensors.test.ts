import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/core/hash.js';
import {
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
  writeShardedSafetensors,
} from '../../src/io/safetensors.js';
import { temporaryFolder } from '../helpers/folder.js';

const fixtures = new URL('../fixtures/safetensors/', import.meta.url).pathname;
let folder: string;
let file: string;
beforeEach(() => {
  folder = temporaryFolder('safetensors');
  file = join(folder, 'model.safetensors');
});

/** A file from a header as text (or object) and bytes of data. */
function written(header: unknown, data = new Uint8Array(0)): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(file, Buffer.concat([length, json, data]));
  return file;
}

const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
const bits = (data: ArrayBufferView) => new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);

describe('reading', () => {
  it('gives the same numbers from each type that holds them', async () => {
    const weights = await openSafetensors(join(fixtures, 'types.safetensors'));
    const exact = (await weights.read('f32')).data;
    expect((await weights.read('f64')).data).toEqual(exact);
    for (const [name, precision] of [
      ['f16', 2 ** -11],
      ['bf16', 2 ** -8],
    ] as const) {
      const { data, shape } = await weights.read(name);
      expect(shape).toEqual([3, 5]);
      expect([...data.slice(0, 4)]).toEqual([Infinity, -Infinity, 0, -0]);
      for (let i = 5; i < 15; i++) expect(Math.abs(data[i]! / exact[i]! - 1)).toBeLessThanOrEqual(precision);
    }
    expect((await weights.read('i64')).data).toEqual(Int32Array.of(-3, -2, -1, 0, 1, 2, 3));
    expect((await weights.read('i32')).data).toEqual(Int32Array.of(-3, -2, -1, 0, 1, 2, 3));
    expect(await weights.read('scalar')).toEqual({ shape: [], dtype: 'float32', data: Float32Array.of(2.5) });
    expect((await weights.read('empty')).shape).toEqual([0, 4]);
    expect(await weights.readBytes('u8')).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 5, 6));
    expect(weights.metadata).toEqual({ who: 'torch', note: 'grüße' });
    await expect(weights.read('u8')).rejects.toThrow('tensor u8: expected F32, F16 or BF16, found U8');
    await expect(weights.read('nope')).rejects.toMatchObject({ code: 'data', fields: { tensor: 'nope' } });
    await weights.close();
  });

  it('widens every one of the 65,536 halves as numpy does', async () => {
    const reference = await openSafetensors(join(fixtures, 'rounded.safetensors'));
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    await writeSafetensors(file, [{ name: 'x', dtype: 'F16', shape: [65536], data: new Uint8Array(patterns.buffer) }]);
    const ours = await openSafetensors(file);
    const { data } = await ours.read('x');
    expect(data.filter(Number.isNaN).length).toBe(2 * 1023);
    expect(sha256(new Uint8Array(data.map((v) => (Number.isNaN(v) ? 0 : v)).buffer as ArrayBuffer))).toBe(
      reference.metadata.halves,
    );
    await ours.close();
    await reference.close();
  });

  it.each(['f32', 'f16', 'bf16', 'f64'])('%s goes into a scratch buffer and not beyond', async (name) => {
    const weights = await openSafetensors(join(fixtures, 'types.safetensors'));
    const scratch = new Float32Array(20).fill(9);
    const { data } = await weights.read(name, { scratch });
    expect(data.buffer).toBe(scratch.buffer);
    expect(data).toEqual((await weights.read(name)).data);
    expect([...scratch.slice(15)]).toEqual([9, 9, 9, 9, 9]);
    await expect(weights.read(name, { scratch: new Float32Array(14) })).rejects.toThrow('scratch holds 14');
    await weights.close();
  });
});

describe('writing', () => {
  it.each(['F16', 'BF16'] as const)('%s rounds every kind of float32 as torch does', async (dtype) => {
    const reference = await openSafetensors(join(fixtures, 'rounded.safetensors'));
    const { data, shape } = await reference.read('f32');
    await writeSafetensors(file, [{ name: 'x', dtype, shape, data: data as Float32Array }]);
    const ours = await openSafetensors(file);
    expect(await ours.readBytes('x')).toEqual(await reference.readBytes(dtype.toLowerCase()));
    await ours.close();
    await reference.close();
  });

  it.each(['F16', 'BF16', 'F32'] as const)('%s keeps NaN and its sign', async (dtype) => {
    const nan = Float32Array.of(1, 2, 3, 4);
    // Quiet, signalling, negative, and one whose payload is only in the low bits.
    bits(nan).set([0x7fc00000, 0x7fa00000, 0xffc12345, 0x7f800001]);
    await writeSafetensors(file, [{ name: 'x', dtype, shape: [4], data: nan }]);
    const weights = await openSafetensors(file);
    const { data } = await weights.read('x');
    expect([...data].every(Number.isNaN)).toBe(true);
    expect([...bits(data)].map((b) => b >>> 31)).toEqual([0, 0, 1, 0]);
    await weights.close();
  });

  it('lays wider types first so that every tensor is aligned, and says format pt', async () => {
    await writeSafetensors(
      file,
      [
        { name: 'bytes', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
        { name: 'half', dtype: 'BF16', shape: [1], data: Float32Array.of(1) },
        { name: 'whole', dtype: 'F32', shape: [1], data: () => Promise.resolve(Float32Array.of(2)) },
        { name: 'number', dtype: 'I32', shape: [1], data: Int32Array.of(-1) },
      ],
      { by: 'test' },
    );
    const weights = await openSafetensors(file);
    expect([...weights.tensors.keys()]).toEqual(['whole', 'number', 'half', 'bytes']);
    for (const t of weights.tensors.values()) expect(t.offset % (t.bytes / t.shape[0]!)).toBe(0);
    expect(weights.metadata).toEqual({ format: 'pt', by: 'test' });
    expect(weights.tensors.get('whole')!.offset % 8).toBe(0);
    await weights.close();
  });

  it('asks for values one tensor at a time', async () => {
    let alive = 0;
    let most = 0;
    const lazy = (name: string): TensorToWrite => ({
      name,
      dtype: 'F32',
      shape: [1000],
      data: async () => {
        most = Math.max(most, ++alive);
        return new Float32Array(1000);
      },
    });
    const tensors = (async function* () {
      for (let i = 0; i < 5; i++) {
        const t = lazy(`t${i}`);
        yield {
          ...t,
          data: async () => (t.data as () => Promise<Float32Array>)().finally(() => setImmediate(() => alive--)),
        };
      }
    })();
    await writeSafetensors(file, tensors);
    expect(most).toBe(1);
  });

  it('leaves the old file alone when a tensor does not fill its shape or cannot be read', async () => {
    await writeSafetensors(file, [{ name: 'x', dtype: 'F32', shape: [1], data: Float32Array.of(1) }]);
    const before = readFileSync(file);
    await expect(
      writeSafetensors(file, [{ name: 'x', dtype: 'F32', shape: [2], data: Float32Array.of(1) }]),
    ).rejects.toThrow('tensor x: shape [2] needs 2 elements, got 1');
    const failing = () => Promise.reject(new Error('source is gone'));
    await expect(writeSafetensors(file, [{ name: 'x', dtype: 'F32', shape: [1], data: failing }])).rejects.toThrow(
      'source is gone',
    );
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  it('refuses a name given twice', async () => {
    const x: TensorToWrite = { name: 'x', dtype: 'F32', shape: [1], data: Float32Array.of(1) };
    await expect(writeSafetensors(file, [x, x])).rejects.toThrow('x is taken');
  });
});

describe('shards', () => {
  const tensors = ['a', 'b', 'c', 'd'].map(
    (name, i): TensorToWrite => ({ name, dtype: 'F32', shape: [10], data: new Float32Array(10).fill(i) }),
  );

  it('are cut at the limit, indexed, and read back as one', async () => {
    const names = await writeShardedSafetensors(folder, tensors, { maxShardBytes: 100 });
    expect(names).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    expect(JSON.parse(readFileSync(join(folder, names[2]!), 'utf8'))).toEqual({
      metadata: { total_size: 160 },
      weight_map: { a: names[0], b: names[0], c: names[1], d: names[1] },
    });
    const weights = await openSafetensors(folder);
    expect([...weights.tensors.keys()]).toEqual(['a', 'b', 'c', 'd']);
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries())
      expect((await weights.read(name)).data).toEqual(new Float32Array(10).fill(i));
    await weights.close();
  });

  it('are one plain file when they fit', async () => {
    expect(await writeShardedSafetensors(folder, tensors, { maxShardBytes: 160 })).toEqual(['model.safetensors']);
  });

  const index = (map: Record<string, string> | string) =>
    writeFileSync(
      join(folder, 'model.safetensors.index.json'),
      typeof map === 'string' ? map : JSON.stringify({ weight_map: map }),
    );

  it.each<[what: string, map: Record<string, string> | string, message: RegExp]>([
    [
      'a shard out of the folder',
      { a: '../secret.safetensors' },
      /tensor a: expected the name of a \.safetensors file in this folder/,
    ],
    ['an absolute shard', { a: '/etc/x.safetensors' }, /tensor a: expected the name of a \.safetensors file/],
    ['a shard of another kind', { a: 'pytorch_model.bin' }, /tensor a: expected the name of a \.safetensors file/],
    ['a missing shard', { a: 'gone.safetensors' }, /gone\.safetensors: no such file, though .*index\.json lists it/],
    [
      'a tensor that its shard lacks',
      { z: 'part.safetensors' },
      /part\.safetensors: no tensor z in it, though the index/,
    ],
    ['a tensor listed twice', '{"weight_map": {"a": "part.safetensors", "a": "part.safetensors"}}', /"a" occurs twice/],
    ['no weight map', '{}', /field weight_map/],
    ['broken JSON', '{"weight_map": {', /index\.json:1:17: not valid JSON, found the end/],
  ])('%s is refused', async (_what, map, message) => {
    await writeSafetensors(join(folder, 'part.safetensors'), tensors);
    index(map);
    await expect(openSafetensors(folder)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(message),
    });
  });
});

describe('a hostile or broken file', () => {
  const data = new Uint8Array(16);
  it.each<[what: string, header: unknown, message: RegExp]>([
    ['no JSON', '{"a"', /header is not valid UTF-8 JSON/],
    [
      'bytes that are not UTF-8',
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('latin1'),
      /tensor .*expected dtype|not valid UTF-8/,
    ],
    ['a list', '[]', /expected a JSON object as its header/],
    ['null', 'null', /expected a JSON object as its header/],
    [
      'an unknown type',
      { a: { ...f32([4], 0, 16), dtype: 'F7' } },
      /tensor a: expected dtype to be one of .* found "F7"/,
    ],
    ['a type from the prototype', { a: { ...f32([4], 0, 16), dtype: 'constructor' } }, /tensor a: expected dtype/],
    [
      'a negative size',
      { a: f32([-4], 0, 16) },
      /tensor a: expected shape to be a list of at most 8 whole numbers, found \[-4\]/,
    ],
    ['a broken size', { a: f32([1.5], 0, 16) }, /tensor a: expected shape/],
    [
      'a size that overflows',
      { a: f32([2 ** 40, 2 ** 40], 0, 16) },
      /tensor a: shape .* needs .* bytes, data_offsets \[0, 16\] hold 16/,
    ],
    ['a size that overflows back to zero', { a: f32([2 ** 53, 2 ** 53, 0], 0, 0) }, /tensor a/],
    ['a negative offset', { a: f32([4], -16, 0) }, /tensor a: expected data_offsets/],
    [
      'offsets the wrong way round',
      { a: f32([4], 16, 0) },
      /tensor a: expected data_offsets to be \[begin, end\], found \[16,0\]/,
    ],
    [
      'three offsets',
      { a: { dtype: 'F32', shape: [4], data_offsets: [0, 16, 16] } },
      /tensor a: expected data_offsets/,
    ],
    [
      'a size that does not match',
      { a: f32([3], 0, 16) },
      /tensor a: shape \[3\] of F32 needs 12 bytes, data_offsets \[0, 16\] hold 16/,
    ],
    ['tensors that overlap', { a: f32([3], 0, 12), b: f32([3], 4, 16) }, /tensor b: overlaps a/],
    ['the same place twice', { a: f32([4], 0, 16), b: f32([4], 0, 16) }, /tensor b: overlaps a/],
    ['a hole', { a: f32([1], 0, 4), b: f32([2], 8, 16) }, /tensor b: leaves a hole after a/],
    ['an end beyond the file', { a: f32([5], 0, 20) }, /tensor a is cut off: expected \d+ bytes, file has \d+/],
    ['bytes nobody names', { a: f32([3], 0, 12) }, /expected \d+ bytes, file has \d+/],
    [
      'a name twice',
      `{"a": ${JSON.stringify(f32([4], 0, 16))}, "a": ${JSON.stringify(f32([4], 0, 16))}}`,
      /"a" occurs twice/,
    ],
    [
      'the name __proto__',
      `{"__proto__": ${JSON.stringify(f32([4], 0, 16))}}`,
      /tensor __proto__: a tensor may not have this name/,
    ],
    [
      'metadata that is no text',
      { __metadata__: { a: 1 }, a: f32([4], 0, 16) },
      /expected __metadata__ to map text to text/,
    ],
    ['a tensor that is null', { a: null }, /tensor a: expected dtype/],
  ])('%s is refused with one clear line', async (_what, header, message) => {
    const error = await openSafetensors(written(header, data)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'data', fields: { file }, message: expect.stringMatching(message) });
    expect((error as Error).message).toContain(file);
    expect((error as Error).message).not.toContain('\n');
  });

  it('bytes in the header that are no UTF-8 are refused', async () => {
    writeFileSync(
      file,
      Buffer.concat([Buffer.from([7, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]),
    );
    await expect(openSafetensors(file)).rejects.toThrow('not valid UTF-8 JSON');
  });

  it.each<[what: string, bytes: () => Uint8Array, message: RegExp]>([
    ['an empty file', () => new Uint8Array(0), /is cut off: expected at least 8 bytes, file has 0/],
    ['a file cut off in its length', () => new Uint8Array(5), /is cut off: expected at least 8 bytes, file has 5/],
    [
      'a header of 200 MB',
      () => Uint8Array.of(0, 0, 0, 12, 0, 0, 0, 0),
      /header would have 201326592 bytes, at most 2097152/,
    ],
    [
      'a header length of 2^63',
      () => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128),
      /header would have 9223372036854775808 bytes/,
    ],
    [
      'a file cut off in its header',
      () => Uint8Array.of(100, 0, 0, 0, 0, 0, 0, 0, 123),
      /cut off in its header: expected at least 108 bytes, file has 9/,
    ],
    [
      'a GGUF file',
      () => Buffer.from('GGUF\u0003\0\0\0\0\0\0\0'),
      /is a GGUF file; expected a folder; run `model import` first/,
    ],
    ['a Git LFS pointer', () => Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /Git LFS pointer/],
    ['a zipped pickle', () => Buffer.from('PK\u0003\u0004\0\0\0\0\0\0'), /pickled weights/],
  ])('%s is named', async (_what, bytes, message) => {
    writeFileSync(file, bytes());
    await expect(openSafetensors(file)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringMatching(message),
    });
  });

  it('a folder without weights, and a path that is not there', async () => {
    await expect(openSafetensors(folder)).rejects.toThrow('no weights found; expected model.safetensors');
    await expect(openSafetensors(join(folder, 'none'))).rejects.toThrow('no such file or folder');
  });

  it('a folder with only pickled weights, not mistaking a trainer state for them', async () => {
    mkdirSync(join(folder, 'x'));
    writeFileSync(join(folder, 'training_args.bin'), '');
    await expect(openSafetensors(folder)).rejects.toThrow('no weights found');
    writeFileSync(join(folder, 'pytorch_model.bin.index.json'), '{}');
    await expect(openSafetensors(folder)).rejects.toThrow(/pickled weights.*save_pretrained/);
  });
});
