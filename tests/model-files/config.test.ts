import { describe, expect, test } from 'vitest';
import { parseModelConfig } from '../../src/model/config.js';

const LLAMA = {
  model_type: 'llama',
  vocab_size: 64,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};
const MISTRAL = { model_type: 'mistral', num_key_value_heads: 2 };
const LLAMA3 = {
  rope_scaling: {
    rope_type: 'llama3',
    factor: 4,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 16,
  },
};
const parse = (extra: object) => parseModelConfig({ ...LLAMA, ...extra }, 'm/config.json');

describe('config.json', () => {
  test('what a file leaves out is what transformers takes for the family', () => {
    expect(parse({})).toMatchObject({
      num_key_value_heads: 4,
      head_dim: 6,
      rms_norm_eps: 1e-6,
      rope_theta: 10000,
      rope_scaling: { rope_type: 'default' },
      max_position_embeddings: 2048,
      sliding_window: undefined,
      attention_bias: false,
      tie_word_embeddings: false,
    });
    expect(parse({ model_type: 'mistral', num_attention_heads: 8, head_dim: 8 })).toMatchObject({
      num_key_value_heads: 8,
      sliding_window: 4096,
      max_position_embeddings: 131072,
    });
    expect(parse({ model_type: 'mistral', num_attention_heads: 8, head_dim: 8, sliding_window: null })).toMatchObject({
      sliding_window: undefined,
    });
  });

  test('RoPE is read from the old fields and the new', () => {
    const scaling = { factor: 4, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 16 };
    const old = parse({ rope_theta: 500, rope_scaling: { type: 'llama3', ...scaling } });
    const current = parse({ rope_parameters: { rope_type: 'llama3', rope_theta: 500, ...scaling } });
    expect(old).toEqual(current);
    expect(old).toMatchObject({ rope_theta: 500, rope_scaling: { rope_type: 'llama3', ...scaling } });
  });

  test('what several fields say about the window is put together as transformers does', () => {
    const windowOf = (extra: object) => parse(extra).sliding_window;
    const [full, sliding] = ['full_attention', 'sliding_attention'].map((kind) => [kind, kind]);
    expect(windowOf({ ...MISTRAL, sliding_window: 8 })).toBe(8);
    expect(windowOf({ ...MISTRAL, sliding_window: 8, layer_types: sliding })).toBe(8);
    expect(windowOf({ ...MISTRAL, sliding_window: 8, layer_types: full })).toBeUndefined();
    expect(windowOf({ ...MISTRAL, sliding_window: null, use_sliding_window: false })).toBeUndefined();
    expect(windowOf({ sliding_window: 8, use_sliding_window: false })).toBeUndefined();
    expect(windowOf({ sliding_window: 8, layer_types: full })).toBeUndefined();
    expect(windowOf({ sliding_window: null })).toBeUndefined();
  });

  test('what stands twice and is the same is read, and the trained positions from where they stand', () => {
    const { rope_scaling: inner } = LLAMA3;
    const expected = { rope_theta: 500, rope_scaling: inner };
    expect(
      parse({ rope_theta: 500, rope_scaling: inner, rope_parameters: { ...inner, rope_theta: 500 } }),
    ).toMatchObject(expected);
    const { original_max_position_embeddings: trained, ...without } = inner;
    expect(parse({ rope_theta: 500, rope_scaling: without, original_max_position_embeddings: trained })).toMatchObject(
      expected,
    );
    expect(parse({ rope_scaling: without, max_position_embeddings: 128 }).rope_scaling).toMatchObject({
      original_max_position_embeddings: 128,
    });
    expect(parse({ rope_theta: 500, rope_scaling: {}, rope_parameters: null })).toMatchObject({ rope_theta: 500 });
  });

  test('what programs note down, and fields of other models that are off, change nothing', () => {
    const plain = parse({});
    for (const extra of [
      { pretraining_tp: 2, architectures: ['LlamaForCausalLM'], torch_dtype: 'bfloat16', use_cache: false },
      { _name_or_path: 'a/b', transformers_version: '4.40.0', unsloth_fixed: true, unsloth_version: '2024.9' },
      { bos_token_id: 1, eos_token_id: [2, 3], pad_token_id: 0, initializer_range: 0.02, temperature: 0.6 },
      { rope_interleaved: false, is_llama_config: true, qk_layernorm: false, attn_logit_softcapping: null },
      { 'transformers.js_config': { kv_cache_dtype: { fp16: 'float16' } }, id2label: { 0: 'A' }, auto_map: { A: 'b' } },
      { version: '1', author: 'A', eos_token: '</s>', multiple_of: 256, ffn_dim_multiplier: 1.3, n_ctx: 4096 },
      { use_sliding_window: false, max_window_layers: 28, sliding_window: null, num_experts: 0, resid_pdrop: 0.0 },
    ])
      expect(parse(extra), JSON.stringify(extra)).toEqual(plain);
    expect(parse({ ...MISTRAL, num_key_value_heads: null }).num_key_value_heads).toBe(4);
  });

  test.each([
    ['hidden_act', { hidden_act: 'gelu' }],
    ['attention_dropout', { attention_dropout: 0.1 }],
    ['is_causal', { is_causal: false }],
    ['sliding_window', { sliding_window: 8 }],
    ['layer_types', { sliding_window: 8, layer_types: ['sliding_attention', 'sliding_attention'] }],
    ['layer_types', { layer_types: ['full_attention'] }],
    ['use_sliding_window', { ...MISTRAL, sliding_window: 8, use_sliding_window: false }],
    ['attention_bias', { ...MISTRAL, attention_bias: true }],
    ['embedding_multiplier', { embedding_multiplier: 12 }],
    ['position_embedding_type', { position_embedding_type: 'alibi' }],
    ['a_field_of_tomorrow', { a_field_of_tomorrow: [1] }],
    ['partial_rotary_factor', { partial_rotary_factor: 0.5 }],
    [
      'rope_parameters.rope_theta',
      { rope_theta: 500000, rope_parameters: { rope_type: 'default', rope_theta: 10000 } },
    ],
    ['rope_scaling.rope_theta', { rope_theta: 500000, rope_scaling: { type: 'linear', factor: 2, rope_theta: 10000 } }],
    [
      'rope_scaling',
      { rope_scaling: { rope_type: 'linear', factor: 2 }, rope_parameters: { rope_type: 'linear', factor: 4 } },
    ],
    [
      'rope_parameters.rope_theta',
      {
        rope_scaling: { rope_type: 'linear', factor: 2 },
        rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 100 },
      },
    ],
    ['rope_scaling.type', { rope_scaling: { type: 'linear', rope_type: 'dynamic', factor: 2 } }],
    ['rope_scaling.factor', { rope_scaling: { rope_type: 'default', factor: 2 } }],
    ['rope_scaling.attention_factor', { rope_scaling: { rope_type: 'linear', factor: 2, attention_factor: 0.5 } }],
    ['rope_scaling.original_max_position_embeddings', { ...LLAMA3, original_max_position_embeddings: 32 }],
    ['rope_scaling.rope_theta', { rope_scaling: { rope_type: 'linear', factor: 2, rope_theta: '1e4' } }],
    ['quantization_config', { quantization_config: { bits: 4 } }],
    ['num_local_experts', { num_local_experts: 8 }],
    ['final_logit_softcapping', { final_logit_softcapping: 30 }],
    ['layer_types', { layer_types: ['full_attention', 'sliding_attention'] }],
    ['rope_scaling.rope_type', { rope_scaling: { rope_type: 'yarn', factor: 2 } }],
    ['rope_scaling', { rope_parameters: { rope_type: 'default' }, rope_scaling: { rope_type: 'yarn', factor: 2 } }],
    ['rope_parameters.partial_rotary_factor', { rope_parameters: { partial_rotary_factor: 0.5 } }],
    ['model_type', { model_type: 'qwen2' }],
    ['num_key_value_heads', { num_key_value_heads: 3 }],
    ['head_dim', { head_dim: 5 }],
    ['rope_scaling.rope_type', { head_dim: 2, rope_scaling: { rope_type: 'dynamic', factor: 2 } }],
    ['hidden_size', { hidden_size: '24' }],
  ])('%s that the decoder does not do is refused by the name of the field', (field, extra) => {
    const escaped = field.replace('.', '\\.');
    expect(() => parse(extra)).toThrow(
      expect.objectContaining({
        code: 'data',
        message: expect.stringMatching(new RegExp(`^m/config\\.json: ${escaped}`)),
      }),
    );
  });
});

describe('sizes that no model has are refused at once, by name', () => {
  test.each([
    [{ hidden_size: 1e12 }, 'hidden_size: Too big: expected number to be <=131072, got 1000000000000'],
    [{ num_hidden_layers: 1e9 }, 'num_hidden_layers: Too big: expected number to be <=1024, got 1000000000'],
    [{ num_hidden_layers: 0 }, 'num_hidden_layers: Too small: expected number to be >=1, got 0'],
    [{ num_attention_heads: 0 }, 'num_attention_heads: Too small: expected number to be >=1, got 0'],
    [{ num_attention_heads: -4 }, 'num_attention_heads: Too small: expected number to be >=1, got -4'],
    [{ num_attention_heads: 5 }, 'num_key_value_heads (5) must divide|head_dim must be an even whole number, got 4.8'],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads (3) must divide num_attention_heads (4)'],
    [{ intermediate_size: 40.5 }, 'intermediate_size: Invalid input: expected int, got 40.5'],
    [{ vocab_size: 2 ** 40 }, 'vocab_size: Too big'],
    [{ vocab_size: '64' }, 'vocab_size: Invalid input: expected number, got "64"'],
    [{ hidden_size: null }, 'hidden_size: Invalid input: expected number, got null'],
    [{ head_dim: 1e6 }, 'head_dim: Too big'],
    [{ rope_theta: 1e300 }, 'rope_theta: Too big'],
    [{ rms_norm_eps: -1 }, 'rms_norm_eps: Too small'],
    [{ max_position_embeddings: 2 ** 50 }, 'max_position_embeddings: Too big'],
    [{ rope_scaling: { rope_type: 'linear', factor: 1e30 } }, 'rope_scaling.factor: Too big'],
    [{ hidden_act: 'x'.repeat(10_000) }, 'hidden_act = "xxxx'],
  ])('%j', (extra, message) => {
    let told = '';
    try {
      parse(extra);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(message.split('|').some((part) => told.includes(`m/config.json: ${part}`))).toBe(true);
    expect(told.length).toBeLessThan(400);
  });
});
