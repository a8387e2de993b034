import { dataError, type PhasetuneError } from '../core/errors.js';
import { sizeOf } from '../core/host-tensor.js';
import { show, shownName } from '../core/shown.js';
import type { Gguf, GgufValue } from '../io/gguf.js';

/** Contents of a config.json, field by field. */
export type ConfigJson = Record<string, unknown>;

/** Reads typed fields of a GGUF file's metadata; a missing or wrong one is a data error that names file and field. */
export interface Fields {
  number(key: string): number;
  number<D>(key: string, fallback: D): number | D;
  text(key: string): string;
  text<D>(key: string, fallback: D): string | D;
  flag(key: string, fallback: boolean): boolean;
  list(key: string, kind: 'number'): number[];
  list(key: string, kind: 'string'): string[];
  has(key: string): boolean;
  error(key: string, what: string): PhasetuneError;
}

/** Typed access to the metadata of a GGUF file; `file` is named in errors. */
export function fieldsOf(metadata: ReadonlyMap<string, GgufValue>, file: string): Fields {
  const error = (key: string, what: string) =>
    dataError(`${file}: field ${shownName(key)}: ${what}`, { file, field: shownName(key) });
  const get = (key: string, kind: string, fallback?: [unknown]): unknown => {
    const value = metadata.get(key);
    if (value === undefined && fallback) return fallback[0];
    if (typeof value === 'number' && !Number.isFinite(value)) throw error(key, `expected a number, found ${value}`);
    if (typeof value === kind) return value;
    throw error(
      key,
      `expected a ${kind}, found ${value === undefined ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value}`,
    );
  };
  return {
    number: (key: string, ...fallback: unknown[]) =>
      get(key, 'number', fallback.length ? [fallback[0]] : undefined) as number,
    text: (key: string, ...fallback: unknown[]) =>
      get(key, 'string', fallback.length ? [fallback[0]] : undefined) as string,
    flag: (key, fallback) => get(key, 'boolean', [fallback]) as boolean,
    list(key: string, kind: string) {
      const value = metadata.get(key);
      if (!Array.isArray(value) || !value.every((v) => typeof v === kind))
        throw error(key, `expected a list of ${kind}s`);
      return value as never[];
    },
    has: (key) => metadata.has(key),
    error,
  };
}

/**
 * Features of the architecture "llama" that Hugging Face's Llama and Mistral do not have: a file
 * that uses one is refused.
 */
const FOREIGN = ['expert_count', 'attention.scale', 'logit_scale', 'embedding_scale', 'residual_scale'];

/** Fields of the architecture that are read here, and those that change nothing. */
const KNOWN: ReadonlySet<string> = new Set([
  ...FOREIGN,
  'attention.causal',
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.layer_norm_epsilon',
  'attention.layer_norm_rms_epsilon',
  'attention.sliding_window',
  'attention.value_length',
  'block_count',
  'context_length',
  'embedding_length',
  'expert_used_count',
  'feed_forward_length',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scale_linear',
  'rope.scaling.factor',
  'rope.scaling.finetuned',
  'rope.scaling.original_context_length',
  'rope.scaling.type',
  'tensor_data_layout',
  'vocab_size',
]);

/** Throws a data error for a feature that is not done. */
function checkArchitecture(f: Fields): void {
  for (const name of FOREIGN)
    if (f.number(`llama.${name}`, 0) !== 0)
      throw f.error(`llama.${name}`, 'this kind of model is not supported, it is neither Llama nor Mistral');
  if (!f.flag('llama.attention.causal', true))
    throw f.error(
      'llama.attention.causal',
      'expected true, found false: a model whose tokens see those after them is not supported',
    );
}

/** Throws a data error for a field of the architecture that is set and not known: it may change the arithmetic. */
function refuseUnknown(gguf: Gguf, f: Fields): void {
  for (const [key, value] of gguf.metadata)
    if (key.startsWith('llama.') && !KNOWN.has(key.slice('llama.'.length)) && value && !isEmptyList(value))
      throw f.error(key, `expected it to be absent, found ${show(value)}: its effect on the model is not known here`);
}

const isEmptyList = (value: GgufValue): boolean => Array.isArray(value) && value.length === 0;

/**
 * The config.json of a GGUF file of architecture "llama": model_type `llama`, or `mistral` where the file has a sliding
 * window. Field names are Hugging Face's.
 */
export async function configFromGguf(gguf: Gguf, file: string, dtype: string): Promise<ConfigJson> {
  const f = fieldsOf(gguf.metadata, file);
  const architecture = f.text('general.architecture');
  if (architecture !== 'llama')
    throw f.error(
      'general.architecture',
      `expected llama (Llama and Mistral models), found ${show(architecture)}: this kind of model is not supported`,
    );
  checkArchitecture(f);
  const hidden = f.number('llama.embedding_length');
  const heads = f.number('llama.attention.head_count');
  const headDim = f.number('llama.attention.key_length', hidden / heads);
  if (f.number('llama.attention.value_length', headDim) !== headDim)
    throw f.error('llama.attention.value_length', `expected ${headDim} as llama.attention.key_length`);
  if (f.number('llama.rope.dimension_count', headDim) !== headDim)
    throw f.error(
      'llama.rope.dimension_count',
      `expected the head size ${headDim}; a partly rotated head is not supported`,
    );
  const window = f.number('llama.attention.sliding_window', 0);
  const scaling = await ropeScaling(gguf, f, headDim);
  const mistral = window > 0;
  const has = (name: string) => gguf.tensors.has(name);
  const embedding = gguf.tensors.get('token_embd.weight');
  if (!embedding) throw dataError(`${file}: no tensor token_embd.weight in it; expected a whole model`, { file });
  const config = {
    architectures: [mistral ? 'MistralForCausalLM' : 'LlamaForCausalLM'],
    attention_bias: mistral ? undefined : has('blk.0.attn_q.bias'),
    attention_dropout: 0,
    ...specialIds(gguf, file),
    head_dim: headDim,
    hidden_act: 'silu',
    hidden_size: hidden,
    initializer_range: 0.02,
    intermediate_size: f.number('llama.feed_forward_length'),
    max_position_embeddings: f.number('llama.context_length'),
    mlp_bias: mistral ? undefined : has('blk.0.ffn_down.bias'),
    model_type: mistral ? 'mistral' : 'llama',
    num_attention_heads: heads,
    num_hidden_layers: f.number('llama.block_count'),
    num_key_value_heads: f.number('llama.attention.head_count_kv', heads),
    rms_norm_eps: shortest(f.number('llama.attention.layer_norm_rms_epsilon')),
    rope_scaling: scaling,
    rope_theta: shortest(f.number('llama.rope.freq_base', 10000)),
    sliding_window: mistral ? window : undefined,
    tie_word_embeddings: !has('output.weight'),
    torch_dtype: dtype,
    use_cache: true,
    vocab_size: embedding.shape[0],
  };
  // Last: where a needed field is missing, that is the error, and not a field of a similar name.
  refuseUnknown(gguf, f);
  return config;
}

/** Ids of the special tokens under config.json's names; the defaults are those of a SentencePiece vocabulary. */
export function specialIds(
  gguf: Gguf,
  file: string,
): { bos_token_id?: number; eos_token_id?: number; pad_token_id?: number } {
  const f = fieldsOf(gguf.metadata, file);
  const isPieces = f.text('tokenizer.ggml.model', '') === 'llama';
  const entries = [
    ['bos_token_id', f.number('tokenizer.ggml.bos_token_id', isPieces ? 1 : undefined)],
    ['eos_token_id', f.number('tokenizer.ggml.eos_token_id', isPieces ? 2 : undefined)],
    ['pad_token_id', f.number('tokenizer.ggml.padding_token_id', undefined)],
  ];
  return Object.fromEntries(entries.filter(([, id]) => id !== undefined));
}

/** The shortest decimal that is this float32: 1e-5 for 9.99999974e-6, as the original config had it. */
function shortest(x: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === Math.fround(x)) return short;
  }
  return x;
}

async function ropeScaling(gguf: Gguf, f: Fields, headDim: number): Promise<Record<string, unknown> | undefined> {
  if (gguf.tensors.has('rope_freqs.weight')) return llama3Scaling(gguf, f, headDim);
  // Where a factor has no type, llama.cpp takes it as linear.
  const hasFactor = f.has('llama.rope.scale_linear') || f.has('llama.rope.scaling.factor');
  const type = f.text('llama.rope.scaling.type', hasFactor ? 'linear' : 'none');
  const factor = f.number('llama.rope.scaling.factor', f.number('llama.rope.scale_linear', 1));
  if (type === 'none' || (type === 'linear' && factor === 1)) return undefined;
  if (type === 'linear') return { rope_type: 'linear', factor: shortest(factor) };
  throw f.error(
    'llama.rope.scaling.type',
    `expected none or linear, found ${show(type)}: this scaling is not supported`,
  );
}

/**
 * A GGUF file keeps Llama 3.1's rotary scaling only as the divisor of each frequency. The rule
 * behind it is known except for its factor, the greatest divisor; the divisors it gives must be
 * those in the file.
 */
async function llama3Scaling(gguf: Gguf, f: Fields, headDim: number): Promise<Record<string, unknown>> {
  if (sizeOf(gguf.tensors.get('rope_freqs.weight')!.shape) !== headDim / 2)
    throw f.error('rope_freqs.weight', `expected ${headDim / 2} values, half of the head size`);
  const { data } = await gguf.read('rope_freqs.weight');
  const theta = f.number('llama.rope.freq_base', 10000);
  // Five digits: the divisors are single precision, and may have been divided.
  const factor = Number((data as Float32Array).reduce((most, found) => Math.max(most, found), 0).toPrecision(5));
  const rule = {
    rope_type: 'llama3',
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
  const fits = data.every((found, i) => Math.abs(found - divisor(i)) <= 1e-4 * found);
  if (!fits)
    throw f.error(
      'rope_freqs.weight',
      `expected Llama 3's scaling with factors 1, 4 and 8192 positions; this one is not supported`,
    );
  return rule;

  function divisor(i: number): number {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    const turns = rule.original_max_position_embeddings / wavelength;
    if (turns > rule.high_freq_factor) return 1;
    if (turns < rule.low_freq_factor) return factor;
    const smooth = (turns - rule.low_freq_factor) / (rule.high_freq_factor - rule.low_freq_factor);
    return 1 / ((1 - smooth) / factor + smooth);
  }
}
