import { beforeAll, describe, expect, test } from 'vitest';
import { bfloat16, float32, type HostTensor } from '../../src/core/host-tensor.js';
import { toBfloat16, widened } from '../../src/io/float.js';
import { compile } from '../../src/program/compile.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import type { VariableValue } from '../../src/program/program.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { type Case, cases } from './contract/cases.js';
import { playAgain, playThrough } from './contract/play.js';

const captured = (compile: 'none' | 'parts', more: Partial<CompileOptions> = {}): CompileOptions => ({
  mode: 'captured',
  precision: 'float32',
  compile,
  ...more,
});

const rounded = (value: HostTensor): HostTensor<'float32'> =>
  widened(bfloat16(value.shape, toBfloat16(value.data as Float32Array)));

/** A case whose frozen matrices are those of a checkpoint in bfloat16. */
function ofCheckpoint({ spec, values, ...rest }: Case): Case {
  const fit = ([name, value]: VariableValue): VariableValue =>
    spec.variables[name]!.quantizable ? [name, rounded(value as HostTensor)] : [name, value];
  return { ...rest, spec, values: values.map(fit) };
}

beforeAll(() => testBackend());

describe.each(cases().slice(0, 2))('weights in 16 bits under float32 products: $name', (made) => {
  nativeOnly('give and change the same bits as weights in float32, in every entry', async () => {
    const whole = ofCheckpoint(made);
    const reference = await playThrough(whole, captured('none'));
    expect(reference.length).toBeGreaterThan(3);
    expect(await playAgain(whole, captured('none', { loadIn16bit: true }), reference)).toEqual(
      await playAgain(whole, captured('none'), reference),
    );
    // XLA takes a tenth of a second for each loop.
    const some = reference.filter(({ call }) => call.entry === 'trainStep' || call.entry === 'decode');
    expect(some.length).toBeGreaterThan(1);
    expect(await playAgain(whole, captured('parts', { loadIn16bit: true }), some)).toEqual(
      await playAgain(whole, captured('parts'), some),
    );
  });
});

nativeOnly('they are written as bfloat16, rounded where they are not, and read as float32', async () => {
  const [{ spec }] = cases() as [Case];
  const [name] = Object.entries(spec.variables).find(([, { quantizable }]) => quantizable)!;
  const { shape } = spec.variables[name]!;
  const value = float32(
    shape,
    Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => Math.sin(i)),
  );
  const program = await compile(spec, captured('none', { loadIn16bit: true }));
  try {
    expect(program.holds(name)).toBe('bfloat16');
    expect(program.holds('model.embed_tokens.weight')).toBe('float32');
    program.write([[name, value]]);
    expect((await program.read([name])).get(name)).toEqual(rounded(value));
    program.write([[name, bfloat16(shape, toBfloat16(value.data))]]);
    expect((await program.read([name])).get(name)).toEqual(rounded(value));
  } finally {
    program.dispose();
  }
});

test('an eager program refuses them', async () => {
  const [{ spec }] = cases() as [Case];
  const refused = compile(spec, { mode: 'eager', precision: 'float32', loadIn16bit: true });
  await expect(refused).rejects.toThrow('an eager program cannot keep weights in 16 bits');
});
