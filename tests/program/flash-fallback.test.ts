import { beforeAll, expect, test } from 'vitest';
import { float32, int32, sizeOf } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import { loraOptions } from '../../src/lora/options.js';
import { parseModelConfig } from '../../src/model/config.js';
import { optimOptions } from '../../src/optim/options.js';
import { flashProblem } from '../../src/program/captured/flash-problem.js';
import { compile } from '../../src/program/compile.js';
import type { Attention, CompileOptions } from '../../src/program/compile-options.js';
import type { VariableValue } from '../../src/program/program.js';
import { loraSpec } from '../../src/train/lora-spec.js';
import { lossFeeds } from '../../src/train/loss-feeds.js';
import { nativeOnly, testBackend } from '../helpers/backend.js';

beforeAll(async () => {
  await testBackend();
});

const CONFIG = parseModelConfig(
  {
    model_type: 'llama',
    vocab_size: 64,
    hidden_size: 32,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: false,
  },
  'config.json',
);
const ROW = { id: 'row', ids: Int32Array.from([3, 9, 27, 4, 12, 36]), mask: new Uint8Array(6).fill(1), trained: 5 };
const FEEDS = {
  ...lossFeeds({ lines: [[ROW, ROW], [ROW]], shape: { lines: 2, length: 16, targets: 16 } }, 1 / 15),
  seed: int32([], [1]),
  learningRate: float32([], [0.01]),
  step: float32([], [1]),
  lossLimit: float32([], [Number.POSITIVE_INFINITY]),
};

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
  const { spec } = loraSpec(CONFIG, {
    lora: loraOptions.parse({ rank: 2 }),
    optim: optimOptions.parse({}),
    compile: options,
  });
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
