import { beforeAll, describe, expect } from 'vitest';
import { nativeBackend } from '../../src/backend/raw/native-op.js';
import { bfloat16, float32, int32 } from '../../src/core/host-tensor.js';
import { toBfloat16, widened } from '../../src/io/float.js';
import { compile } from '../../src/program/compile.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import type { Program, ProgramSpec, VariableValue } from '../../src/program/program.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

// Matrices of an even and an odd number of elements, larger than what small-tensor special cases are made for.
const spec: ProgramSpec = {
  variables: {
    even: { shape: [64, 66], dtype: 'float32', role: 'frozen' },
    odd: { shape: [65, 67], dtype: 'float32', role: 'frozen' },
    norm: { shape: [67], dtype: 'float32', role: 'frozen' },
    moment: { shape: [5, 3], dtype: 'float32', role: 'state' },
    count: { shape: [2], dtype: 'int32', role: 'state' },
  },
  entries: {},
};
const SIZES = { even: 64 * 66, odd: 65 * 67 } as const;
const MODES: readonly (readonly [CompileOptions['mode'], CompileOptions['precision']])[] = [
  ['eager', 'float32'],
  ['captured', 'float32'],
  ['captured', 'bfloat16'],
];

/** Every finite bfloat16 pattern comes up, in some order, with zeros, subnormals and infinities. */
const patterns = (size: number) =>
  Uint16Array.from({ length: size }, (_, i) => {
    const bits = (i * 40503) & 0xffff;
    return (bits & 0x7f80) === 0x7f80 ? bits & 0xff80 : bits;
  });
const matrix = (name: 'even' | 'odd') => bfloat16(spec.variables[name]!.shape, patterns(SIZES[name]));
const thirds = (size: number) => Float32Array.from({ length: size }, (_, i) => (i - 7) / 3);
const read = async (program: Program, name: string) => (await program.read([name])).get(name)!;
const bits = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
/** Handles in the native library, which TensorFlow.js does not count when they are lost. */
const handles = (): number => (nativeBackend().binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
beforeAll(() => testBackend());

describe.each(MODES)('%s %s', (mode, precision) => {
  const programOf = (variables = spec) => compile(variables, { mode, precision });
  const low = precision === 'bfloat16';

  nativeOnly('bfloat16 goes in and comes out bit for bit, for an odd number of elements too', async () => {
    const program = await programOf();
    program.write([
      ['even', matrix('even')],
      ['odd', matrix('odd')],
    ]);
    for (const name of ['even', 'odd'] as const) {
      expect(program.holds(name)).toBe(low ? 'bfloat16' : 'float32');
      const value = await read(program, name);
      expect([value.dtype, value.shape]).toEqual(['float32', spec.variables[name]!.shape]);
      expect(bits(value.data).equals(bits(widened(matrix(name)).data))).toBe(true);
    }
    program.dispose();
  });

  nativeOnly('float32 is rounded where bfloat16 is held, and only there', async () => {
    const program = await programOf();
    program.write([
      ['odd', float32([65, 67], thirds(SIZES.odd))],
      ['norm', float32([67], thirds(67))],
      ['moment', float32([5, 3], thirds(15))],
      ['count', int32([2], [-1, 2 ** 31 - 1])],
    ]);
    const rounded = widened(bfloat16([65, 67], toBfloat16(thirds(SIZES.odd))));
    expect((await read(program, 'odd')).data).toEqual(low ? rounded.data : thirds(SIZES.odd));
    expect((await read(program, 'norm')).data).toEqual(thirds(67));
    expect((await read(program, 'moment')).data).toEqual(thirds(15));
    expect(await read(program, 'count')).toEqual(int32([2], [-1, 2 ** 31 - 1]));
    expect(['norm', 'moment', 'count'].map((name) => program.holds(name))).toEqual(['float32', 'float32', 'int32']);
    expect(() => program.holds('other')).toThrow('no variable other');
    program.dispose();
  });

  nativeOnly('values that come one after another may all come in one array', async () => {
    const buffer = new ArrayBuffer(4 * SIZES.even);
    const name = (i: number) => `w${i}`;
    const variables = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [name(i), spec.variables.even!]));
    const many = await programOf({ variables, entries: {} });
    async function* values(): AsyncGenerator<VariableValue> {
      for (let i = 0; i < 5; i++) {
        if (low) yield [name(i), bfloat16([64, 66], new Uint16Array(buffer, 0, SIZES.even).fill(0x3f80 + i))];
        else yield [name(i), float32([64, 66], new Float32Array(buffer, 0, SIZES.even).fill(1 + i / 128))];
      }
    }
    const before = handles();
    await many.load(values());
    new Uint8Array(buffer).fill(0xff);
    const read = await many.read(Object.keys(variables));
    for (let i = 0; i < 5; i++) expect(read.get(name(i))!.data).toEqual(new Float32Array(SIZES.even).fill(1 + i / 128));
    // Eager variables are handles of their own, those of a graph are not.
    expect(handles() - before).toBe(mode === 'eager' ? 5 : 0);
    many.dispose();
  });

  nativeOnly('an array may be reused after write, however it is aligned', async () => {
    const program = await programOf();
    // The library shares the memory of an array that begins at a multiple of 64 bytes: one of these does.
    const buffer = new ArrayBuffer(4 * SIZES.even);
    for (let offset = 0; offset < 64; offset += 4) {
      const data = new Uint16Array(buffer, offset, SIZES.even).fill(0x4000);
      program.write([['even', bfloat16([64, 66], data)]]);
      data.fill(0xffff);
      expect((await read(program, 'even')).data).toEqual(new Float32Array(SIZES.even).fill(2));
      const one = new Float32Array(buffer, offset, 67).fill(3);
      program.write([['norm', float32([67], one)]]);
      one.fill(Number.NaN);
      expect((await read(program, 'norm')).data).toEqual(new Float32Array(67).fill(3));
    }
    program.dispose();
  });

  nativeOnly(
    'a wrong value among those that are loaded, or a source that fails, is told; nothing is kept of it',
    async () => {
      const program = await programOf();
      program.write([['norm', float32([67], thirds(67))]]);
      const before = handles();
      async function* wrong(): AsyncGenerator<VariableValue> {
        yield ['moment', float32([5, 3], thirds(15))];
        yield ['odd', bfloat16([64, 66], patterns(SIZES.even))];
      }
      await expect(program.load(wrong())).rejects.toThrow('odd: expected float32 [65,67], got bfloat16 [64,66]');
      async function* failing(): AsyncGenerator<VariableValue> {
        yield ['norm', float32([67], new Float32Array(67))];
        throw new Error('the disk is gone');
      }
      await expect(program.load(failing())).rejects.toThrow('the disk is gone');
      if (mode === 'captured') expect(handles()).toBe(before);
      await program.load((async function* () {})());
      expect(() => program.write([['count', bfloat16([2], new Uint16Array(2))]])).toThrow('count: expected int32 [2]');
      program.dispose();
    },
  );
});
