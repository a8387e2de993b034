import { expect, test } from 'vitest';
import { float32 } from '../../src/core/host-tensor.js';
import { random } from '../../src/core/random.js';
import {
  type Adapter,
  adapterSpecs,
  concatenateAdapters,
  initAdapter,
  matrixNames,
  moduleOf,
} from '../../src/lora/adapter.js';
import { mergeInto } from '../../src/lora/merge.js';
import { loraOptions, scalingOf } from '../../src/lora/options.js';
import { targetModules } from '../../src/lora/targets.js';
import { gamma } from '../helpers/rounding.js';

const linears = new Map(
  [0, 1].flatMap((i) => [
    [`model.layers.${i}.self_attn.q_proj`, { outputs: 6, inputs: 8 }],
    [`model.layers.${i}.self_attn.v_proj`, { outputs: 4, inputs: 8 }],
    [`model.layers.${i}.mlp.down_proj`, { outputs: 8, inputs: 10 }],
  ]),
) as Map<string, { outputs: number; inputs: number }>;

/** An adapter whose A and B are both non-zero. */
function filled(seed: number, given: Record<string, unknown>): Adapter {
  const options = loraOptions.parse(given);
  const specs = adapterSpecs(linears, options);
  const { normal } = random(seed);
  const tensors = new Map(
    [...specs].map(([name, shape]) => [
      name,
      float32(
        shape,
        Array.from({ length: shape[0]! * shape[1]! }, () => normal()),
      ),
    ]),
  );
  return { options, tensors };
}

test('the defaults are what the help says, and unknown keys are refused', () => {
  expect(loraOptions.parse({})).toEqual({ rank: 8, alpha: 16, dropout: 0, targets: 'all-linear', rsLora: false });
  expect(loraOptions.safeParse({ r: 8 }).success).toBe(false);
  expect(loraOptions.safeParse({ dropout: 1 }).success).toBe(false);
});

test('scale is alpha / rank, and alpha / sqrt(rank) with rsLoRA', () => {
  expect(scalingOf({ alpha: 16, rank: 4, rsLora: false })).toBe(4);
  expect(scalingOf({ alpha: 16, rank: 4, rsLora: true })).toBe(8);
});

test('targets match whole names and ends after a dot, as PEFT does, in the model’s order', () => {
  const modules = [...linears.keys()];
  expect(targetModules(modules, 'all-linear')).toEqual(modules);
  expect(targetModules(modules, ['v_proj', 'model.layers.1.mlp.down_proj'])).toEqual([
    'model.layers.0.self_attn.v_proj',
    'model.layers.1.self_attn.v_proj',
    'model.layers.1.mlp.down_proj',
  ]);
  expect(targetModules(modules, ['mlp.down_proj'])).toHaveLength(2);
});

test('a target that matches nothing is refused with the possible names', () => {
  const modules = linears.keys();
  expect(() => targetModules(modules, ['q_proj', 'qproj'])).toThrow(
    '`lora.targets`: "qproj" matches no projection of this model (did you mean "q_proj"?); expected all-linear or some of q_proj, v_proj, down_proj',
  );
  // `proj` ends every name, but not after a dot.
  expect(() => targetModules(linears.keys(), ['proj'])).toThrow(/"proj" matches no projection/);
});

test('specs have PEFT’s file names and shapes', () => {
  const specs = [...adapterSpecs(linears, { rank: 3, targets: ['v_proj'] })];
  expect(specs).toEqual([
    ['base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight', [3, 8]],
    ['base_model.model.model.layers.0.self_attn.v_proj.lora_B.weight', [4, 3]],
    ['base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight', [3, 8]],
    ['base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight', [4, 3]],
  ]);
  expect(specs.map(([name]) => moduleOf(name))).toEqual([0, 0, 1, 1].map((i) => `model.layers.${i}.self_attn.v_proj`));
  expect(moduleOf('model.layers.0.self_attn.v_proj.weight')).toBeUndefined();
});

test('a fresh adapter has uniform A within 1/sqrt(inputs), its own for each name, and B zero', () => {
  const specs = adapterSpecs(new Map([...'ab'].map((name) => [name, { outputs: 5, inputs: 400 }])), {
    rank: 50,
    targets: 'all-linear',
  });
  const first = new Map(initAdapter(specs, 7));
  expect(new Map(initAdapter(specs, 7))).toEqual(first);
  const a = first.get(matrixNames('a').a)!.data as Float32Array;
  expect(a).not.toEqual(new Map(initAdapter(specs, 8)).get(matrixNames('a').a)!.data);
  expect(a).not.toEqual(first.get(matrixNames('b').a)!.data);
  expect(Math.max(...a)).toBeLessThanOrEqual(0.05);
  expect(Math.max(...a)).toBeGreaterThan(0.0499);
  expect(Math.min(...a)).toBeLessThan(-0.0499);
  const variance = a.reduce((sum, x) => sum + x * x, 0) / a.length;
  // A uniform distribution's is bound^2 / 3; four standard errors of 20,000 draws are 3.6 %.
  expect(Math.abs(variance / (0.05 ** 2 / 3) - 1)).toBeLessThan(0.036);
  expect(first.get(matrixNames('a').b)!.data.every((x) => x === 0)).toBe(true);
});

test('joined adapters change every weight as they do one after the other', () => {
  const adapters = [
    filled(1, { rank: 2, alpha: 3, targets: ['q_proj', 'down_proj'] }),
    filled(2, {
      rank: 5,
      alpha: 7,
      rsLora: true,
      targets: ['model.layers.1.self_attn.v_proj', 'q_proj'],
      dropout: 0.1,
    }),
  ];
  const joined = concatenateAdapters(adapters, linears);
  expect(joined.options).toMatchObject({ rank: 7, alpha: 7, rsLora: false, dropout: 0.1 });
  expect([...joined.tensors].map(([name, { shape }]) => [name, shape])).toEqual([
    ...adapterSpecs(linears, joined.options),
  ]);
  expect(joined.tensors.size).toBe(2 * 5);
  for (const [module, { outputs, inputs }] of linears) {
    const weight = () => float32([outputs, inputs], new Float32Array(outputs * inputs));
    const [together, inTurn] = [weight(), weight()];
    mergeInto(`${module}.weight`, together, joined);
    for (const adapter of adapters) mergeInto(`${module}.weight`, inTurn, adapter);
    // Products of normal numbers, at most 4 times 4 by the scale each, over all ranks, and one more
    // to add them to the weight.
    const limit = 2 * gamma(joined.options.rank + 2) * joined.options.rank * 16 * 7;
    for (const [i, x] of inTurn.data.entries()) expect(Math.abs(together.data[i]! - x)).toBeLessThan(limit);
    const changed = module !== 'model.layers.0.self_attn.v_proj';
    expect(inTurn.data.some((x) => x !== 0)).toBe(changed);
  }
});

test('joining adapters of all projections gives all-linear again', () => {
  const joined = concatenateAdapters([filled(1, { rank: 1 }), filled(2, { rank: 2 })], linears);
  expect(joined.options.targets).toBe('all-linear');
});
