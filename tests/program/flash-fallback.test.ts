import { beforeAll, expect, test } from 'vitest';
import { float32, sizeOf } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { flashProblem } from '../../src/program/captured/flash-problem.js';
import { compile } from '../../src/program/compile.js';
import type { Attention, CompileOptions } from '../../src/program/compile-options.js';
import type { VariableValue } from '../../src/program/program.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';
import { cases } from './contract/cases.js';
import { shapesOf } from './contract/play.js';
import { FEEDS, flashSpec } from './flash-step.js';

beforeAll(async () => {
  await testBackend();
});

/** What two steps give, and what is left in all variables. */
async function played(attention: Attention, more: Partial<CompileOptions> = {}) {
  const warnings: string[] = [];
  const options: CompileOptions = {
    mode: 'captured',
    precision: 'bfloat16',
    compile: 'whole',
    attention,
    warn: (message) => warnings.push(message),
    ...more,
  };
  const spec = flashSpec(options);
  const program = await compile(spec, options);
  try {
    program.write(
      Object.entries(spec.variables).flatMap(([name, { shape, role }]): VariableValue[] => {
        const { normal } = random(1, name);
        const value = () =>
          float32(
            shape,
            Float32Array.from({ length: sizeOf(shape) }, () => 0.2 * normal()),
          );
        return role === 'state' ? [] : [[name, value()]];
      }),
    );
    const results = [];
    for (let i = 0; i < 2; i++) results.push(await program.run('trainStep', FEEDS, ['loss', 'gradNorm']));
    return { results, variables: await program.read(Object.keys(program.variables)), warnings };
  } finally {
    program.dispose();
  }
}

nativeOnly('where a device has no flash attention, training continues without it, and says so once', async () => {
  const [flash, recompute] = [await played('flash'), await played('recompute')];
  expect(flash.warnings).toEqual([expect.stringContaining('continuing with `attention: recompute`')]);
  expect(recompute.warnings).toEqual([]);
  expect(flash.results).toEqual(recompute.results);
  expect(flash.variables).toEqual(recompute.variables);
});

nativeOnly('weights that are held in 8 bits are the same afterwards', async () => {
  const [flash, recompute] = [
    await played('flash', { loadIn8bit: true }),
    await played('recompute', { loadIn8bit: true }),
  ];
  expect(flash.warnings).toHaveLength(1);
  expect(flash.results).toEqual(recompute.results);
  expect(flash.variables).toEqual(recompute.variables);
});

nativeOnly('heads that cuDNN has no kernel for are computed without it, and the program says so once', async () => {
  const warnings: string[] = [];
  const options = {
    mode: 'captured',
    precision: 'bfloat16',
    compile: 'whole',
    attention: 'flash',
    warn: (message: string) => warnings.push(message),
  } as const;
  const { spec, calls } = cases('flash')[0]!;
  const program = await compile(spec, { ...options, shapes: shapesOf(calls) });
  program.dispose();
  const tokens = new Set(warnings.map((warning) => Number(/lines of (\d+) tokens/.exec(warning)![1])));
  expect(tokens.size).toBe(warnings.length);
  expect(warnings[0]).toContain('cuDNN has no flash attention for heads of 12 numbers in lines of');
});

test.each([
  'No registered implementation for untyped custom call to __cudnn$fmhaSoftmaxBackward for Host',
  'CUDNN_STATUS_NOT_SUPPORTED in external/xla/stream_executor/cuda/cuda_dnn.cc: the graph is not supported',
  'INTERNAL: [cudnn_frontend] Error: No valid execution plans built.',
])('%s: attention must be computed otherwise', (message) => {
  expect(flashProblem(new Error(message))).toBeDefined();
});

test.each([
  'Out of memory while trying to allocate 17179869184 bytes.',
  'No registered implementation for untyped custom call to __other for Host',
  'Could not find the node "e0.out.loss"',
])('%s: the call fails', (message) => {
  expect(flashProblem(new Error(message))).toBeUndefined();
});
