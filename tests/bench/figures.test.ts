import { describe, expect, it } from 'vitest';
import { bytesPerToken } from '../../src/bench/decode.js';
import { tokenFlop } from '../../src/bench/flop.js';
import { SHAPE_NAMES, shapeConfig } from '../../src/bench/shapes.js';
import { median } from '../../src/bench/timing.js';
import { sizeOf } from '../../src/core/host-tensor.js';
import { parameterShapes } from '../../src/model/parameters.js';

const paramsOf = (choice: Parameters<typeof shapeConfig>[0]) =>
  [...parameterShapes(shapeConfig(choice)).values()].reduce((n, shape) => n + sizeOf(shape), 0);

describe('shapes', () => {
  it('have as many parameters as transformers counts', () => {
    // LlamaForCausalLM(LlamaConfig(...)) of transformers 5.23.0, sum of numel.
    expect(Object.fromEntries(SHAPE_NAMES.map((shape) => [shape, paramsOf({ shape })]))).toEqual({
      'tiny-10m': 6450432,
      'small-33m': 33694208,
      'smollm2-135m': 134515008,
      'smollm2-360m': 361821120,
      'tinyllama-1.1b': 1100048384,
      'llama-3-8b': 8030261248,
    });
  });

  it('grow in layers, width and vocabulary', () => {
    const wide = shapeConfig({ shape: 'smollm2-135m', width: 1152, layers: 2, vocab: 1000 });
    expect(wide).toMatchObject({ num_attention_heads: 18, num_key_value_heads: 6, head_dim: 64 });
    expect(wide).toMatchObject({ intermediate_size: 3072, num_hidden_layers: 2, vocab_size: 1000 });
  });

  it('refuse a width that heads cannot follow, and say which they can', () => {
    expect(() => shapeConfig({ shape: 'smollm2-135m', width: 640 })).toThrow(
      '`width`: expected a multiple of 192, so that smollm2-135m has whole heads, got 640',
    );
    expect(shapeConfig({ shape: 'smollm2-135m', width: 192 }).num_key_value_heads).toBe(1);
  });
});

describe('the work of a step', () => {
  it('is counted by hand for one layer', () => {
    const config = shapeConfig({ shape: 'small-33m', layers: 1 });
    const linears = 4 * 512 * 512 + 3 * 512 * 1376;
    const adapters = 8 * (4 * (512 + 512) + 3 * (512 + 1376));
    const frozen = 4 * (linears + 8192 * 512);
    expect(tokenFlop(config, 8, 128)).toEqual({ frozen, all: frozen + 6 * adapters + 6 * 512 * 128 });
  });
});

describe('the weights that a token reads', () => {
  const options = (precision: 'bfloat16' | 'float32', loadIn8bit = false) =>
    ({ mode: 'captured', precision, loadIn8bit, loadIn4bit: false, compile: 'none', attention: 'math' }) as const;
  const norms = 512 + 2 * 512;
  const linears = 4 * 512 * 512 + 3 * 512 * 1376;

  it('are all but an embedding that is only looked up', () => {
    const config = shapeConfig({ shape: 'small-33m', layers: 1 });
    expect(bytesPerToken(config, options('float32'))).toBe(4 * (linears + norms + 8192 * 512));
    const tied = { ...config, tie_word_embeddings: true };
    expect(bytesPerToken(tied, options('float32'))).toBe(4 * (linears + norms + 8192 * 512));
  });

  it('take the bytes in which they are held', () => {
    const config = shapeConfig({ shape: 'small-33m', layers: 1 });
    const inBfloat16 = bytesPerToken(config, options('bfloat16'));
    // Norms stay in float32, however little that is.
    expect(inBfloat16).toBeGreaterThanOrEqual(2 * (linears + norms + 8192 * 512));
    expect(inBfloat16).toBeLessThanOrEqual(2 * (linears + 2 * norms + 8192 * 512));
    expect(bytesPerToken(config, options('bfloat16', true))).toBeLessThan(inBfloat16 - 0.9 * linears);
  });
});

describe('the median', () => {
  it('is the middle value, or the mean of the two', () => {
    expect(median([9, 1, 2])).toBe(2);
    expect(median([4, 1, 9, 2])).toBe(3);
  });
});
