import { beforeAll, describe, expect, test } from 'vitest';
import { nativeBackend } from '../../src/backend/raw/native-op.js';
import * as tf from '../../src/backend/tf.js';
import { PhasetuneError } from '../../src/core/errors.js';
import { bfloat16, float32, type HostTensor, sizeOf } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { toBfloat16, widened } from '../../src/io/float.js';
import { matrixNames } from '../../src/lora/adapter.js';
import { mergeInto, merging } from '../../src/lora/merge.js';
import { loraOptions } from '../../src/lora/options.js';
import { loadParameters, modelVariables, openModelFolder } from '../../src/model/load.js';
import { quantizeRows } from '../../src/program/captured/quantize-rows.js';
import { compile } from '../../src/program/compile.js';
import type { CompileOptions } from '../../src/program/compile-options.js';
import type { Program, ProgramSpec, VariableValue } from '../../src/program/program.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { dequantizedNf4 } from '../helpers/nf4.js';
import { TINY } from '../helpers/tokens.js';
import { expectFloat32, float32Disturbance } from './contract/agreement.js';
import { type Case, cases } from './contract/cases.js';
import { type Played, playAgain, playDisturbed, playThrough } from './contract/play.js';

const EAGER = { mode: 'eager', precision: 'float32' } as const;
const captured = (
  precision: CompileOptions['precision'],
  compile: CompileOptions['compile'] = 'none',
): CompileOptions => ({
  mode: 'captured',
  precision,
  compile,
});

/** What a matrix is once it was held in 8 bits. */
function dequantized(value: HostTensor<'float32'>): HostTensor<'float32'> {
  const { data, scales, shape } = quantizeRows(value);
  return float32(
    shape,
    Float32Array.from(data, (q, i) => q * scales[Math.floor(i / shape[1])]!),
  );
}

/** Ways to hold weights in fewer bits than products take, and what a matrix is once it was held so. */
const WAYS = [
  { bits: 8, option: { loadIn8bit: true }, dequantized },
  { bits: 4, option: { loadIn4bit: true }, dequantized: dequantizedNf4 },
] as const;
type Way = (typeof WAYS)[number];

// An odd number of elements, which fills no whole number of words, and one that does.
const SHAPES = { odd: [65, 67], even: [64, 66] } as const;
type Name = keyof typeof SHAPES;
const spec: ProgramSpec = {
  variables: {
    odd: { shape: SHAPES.odd, dtype: 'float32', role: 'frozen', quantizable: true },
    even: { shape: SHAPES.even, dtype: 'float32', role: 'frozen', quantizable: true },
    embedding: { shape: [5, 4], dtype: 'float32', role: 'frozen' },
  },
  entries: {
    use: {
      inputs: { x: { shape: [null, 67], dtype: 'float32' } },
      run: ({ odd }, { x }) => {
        const y = tf.matMul(x! as tf.Tensor2D, odd! as tf.Tensor2D, false, true);
        return { outputs: { y, odd: odd!, row: tf.slice(odd!, [64, 0], [1, 67]) } };
      },
    },
  },
};

const normals = (name: string, shape: readonly number[]): HostTensor<'float32'> => {
  const { normal } = random(4, name);
  return float32(shape, Float32Array.from({ length: sizeOf(shape) }, normal));
};
const weights = { odd: normals('odd', SHAPES.odd), even: normals('even', SHAPES.even) };

const read = async (program: Program, name: string) => (await program.read([name])).get(name)!;
const handles = (): number => (nativeBackend().binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
beforeAll(() => testBackend());

const each = WAYS.flatMap((way) => (['float32', 'bfloat16'] as const).map((precision) => ({ ...way, precision })));

describe.each(each)('variables in $bits bits, $precision', ({ bits, option, dequantized, precision }) => {
  const low = (options: CompileOptions): CompileOptions => ({ ...options, ...option });

  nativeOnly('are rounded when they are written or loaded, once, and read as float32', async () => {
    const program = await compile(spec, low(captured(precision)));
    expect((await read(program, 'odd')).data).toEqual(new Float32Array(65 * 67));
    program.write(Object.entries(weights));
    for (const name of ['odd', 'even'] as const) {
      // What is to be rounded is not rounded to bfloat16 first.
      expect(program.holds(name)).toBe('float32');
      expect(await read(program, name)).toEqual(dequantized(weights[name]));
    }
    expect(program.holds('embedding')).toBe(precision);
    const halved = bfloat16(SHAPES.odd, toBfloat16(weights.odd.data));
    async function* source(): AsyncGenerator<VariableValue> {
      yield ['even', normals('other', SHAPES.even)];
      yield ['odd', halved];
    }
    await program.load(source());
    expect(await read(program, 'even')).toEqual(dequantized(normals('other', SHAPES.even)));
    expect(await read(program, 'odd')).toEqual(dequantized(widened(halved)));
    program.dispose();
  });

  nativeOnly('a value that is not finite is reported with its name and row, and changes nothing', async () => {
    const program = await compile(spec, low(captured(precision)));
    program.write([['odd', weights.odd]]);
    const before = handles();
    const broken = float32(SHAPES.odd, weights.odd.data.with(3 * 67 + 1, Number.NaN));
    const write = () =>
      program.write([
        ['even', weights.even],
        ['odd', broken],
      ]);
    expect(write).toThrow(PhasetuneError);
    expect(write).toThrow(`odd: cannot be held in ${bits} bits: row 3: expected finite values, found NaN`);
    expect(await read(program, 'odd')).toEqual(dequantized(weights.odd));
    expect((await read(program, 'even')).data).toEqual(new Float32Array(64 * 66));
    expect(handles()).toBe(before);
    program.dispose();
  });

  nativeOnly('whatever an entry does with them it does with what they were rounded to', async () => {
    const rounded: Record<Name, HostTensor<'float32'>> = { odd: dequantized(weights.odd), even: weights.even };
    const x = normals('x', [3, 67]);
    const run = async (options: CompileOptions, values: Record<Name, HostTensor>) => {
      const program = await compile(spec, options);
      program.write(Object.entries(values));
      const outputs = await program.run('use', { x }, ['y', 'odd', 'row']);
      // A shape that comes unforeseen.
      const again = await program.run('use', { x: float32([1, 67], x.data.slice(0, 67)) }, ['odd']);
      program.dispose();
      return { y: outputs.y!, row: outputs.row!, odd: outputs.odd!, again: again.odd! };
    };
    const expected = await run(captured(precision), rounded);
    const plain = await run(low(captured(precision)), weights);
    const compiled = await run(low(captured(precision, 'parts')), weights);
    expect(plain.y).toEqual(expected.y);
    expect(compiled.y).toEqual(expected.y);
    for (const { odd, again, row } of [plain, compiled]) {
      // Not by way of bfloat16, unlike what is held in it.
      expect(odd).toEqual(rounded.odd);
      expect(again).toEqual(rounded.odd);
      expect(row.data).toEqual(rounded.odd.data.slice(64 * 67));
    }
  });
});

/** A case in which every matrix that may be held in fewer bits has the values that it has in them. */
function fitting({ spec, values, ...rest }: Case, { dequantized }: Way): Case {
  const fit = ([name, value]: VariableValue): VariableValue =>
    spec.variables[name]!.quantizable ? [name, dequantized(value as HostTensor<'float32'>)] : [name, value];
  return { ...rest, spec, values: values.map(fit) };
}

// XLA takes a tenth of a second for each loop.
const compiledOnes = ({ call }: Played) => call.entry === 'trainStep' || call.entry === 'decode';

const played = WAYS.flatMap((way) =>
  cases()
    .slice(0, 2)
    .map((made) => ({ ...made, made, way })),
);

describe.each(played)('$way.bits bits: $name', ({ made, way }) => {
  nativeOnly(
    'weights give and change what the same weights held whole do: eagerly in float32, to the bit in the same type',
    async () => {
      const whole = fitting(made, way);
      const reference = await playThrough(whole, EAGER);
      const disturbed = await playDisturbed(whole, reference, float32Disturbance(whole), 3);
      const low = (options: CompileOptions): CompileOptions => ({ ...options, ...way.option });
      for (const [i, played] of (await playAgain(made, low(captured('float32')), reference)).entries())
        expectFloat32(whole, played, reference[i]!, disturbed[i]!);
      const some = reference.filter(compiledOnes);
      expect(some.length).toBeGreaterThan(1);
      const plain = await playAgain(whole, captured('bfloat16'), reference);
      expect(await playAgain(made, low(captured('bfloat16')), reference)).toEqual(plain);
      // Which clusters there are does not depend on the case.
      if (made.name !== cases()[0]!.name) return;
      const compiled = captured('bfloat16', 'parts');
      expect(await playAgain(made, low(compiled), some)).toEqual(await playAgain(whole, compiled, some));
      const [step] = some as [Played];
      const parts = captured('float32', 'parts');
      expect(await playAgain(made, low(parts), [step])).toEqual(await playAgain(whole, parts, [step]));
      // A product that XLA compiles sums in another order where it makes a factor on the way.
      const [played] = await playAgain(made, low(captured('float32', 'whole')), [step]);
      expectFloat32(whole, played!, step, disturbed[reference.indexOf(step)]!);
    },
  );
});

describe.each(WAYS)('$bits bits', ({ option, dequantized }) => {
  nativeOnly('adapters are merged into the weights in float32, and the sum is rounded once', async () => {
    const model = await openModelFolder(TINY);
    const options = loraOptions.parse({ rank: 2, alpha: 4 });
    const module = 'model.layers.1.mlp.down_proj';
    const [name, { a, b }] = [`${module}.weight`, matrixNames(module)];
    const { shape } = modelVariables(model.config).variables[name]!;
    const adapter = {
      options,
      tensors: new Map([
        [a, normals('a', [2, shape[1]!])],
        [b, normals('b', [shape[0]!, 2])],
      ]),
    };
    const program = await compile(modelVariables(model.config), { ...captured('bfloat16'), ...option });
    await loadParameters(program, model, merging([adapter]));
    for await (const [parameter, value] of model.parameters()) {
      const whole = value as HostTensor<'float32'>;
      if (parameter === name) mergeInto(name, whole, adapter);
      const { quantizable } = modelVariables(model.config).variables[parameter]!;
      expect(await read(program, parameter), parameter).toEqual(quantizable ? dequantized(whole) : whole);
    }
    program.dispose();
    await model.close();
  });
});

test('every projection inside the layers may be held in fewer bits, and nothing else', async () => {
  const model = await openModelFolder(TINY);
  const allowed = Object.entries(modelVariables(model.config).variables).filter(([, { quantizable }]) => quantizable);
  expect(allowed).toHaveLength(7 * model.config.num_hidden_layers);
  for (const [name, { shape, role }] of allowed) {
    expect(name).toMatch(/^model\.layers\.\d+\.(self_attn|mlp)\.\w+_proj\.weight$/);
    expect([shape.length, role]).toEqual([2, 'frozen']);
  }
  await model.close();
});

test.each(WAYS)('an eager program refuses $bits bits', async ({ bits, option }) => {
  const refused = compile(spec, { ...EAGER, ...option });
  await expect(refused).rejects.toThrow(`an eager program cannot keep weights in ${bits} bits`);
});
