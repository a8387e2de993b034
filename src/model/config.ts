import * as z from 'zod';
import { dataError } from '../core/errors.js';

/** A whole number of at least 1 and at most so many: above the largest model there is, and low enough to be counted through. */
const upTo = (most: number) => z.number().int().min(1).max(most);

const factor = z.number().positive().max(1e6);

const ropeSchema = z.discriminatedUnion('rope_type', [
  z.object({ rope_type: z.literal('default') }),
  z.object({ rope_type: z.literal('linear'), factor }),
  z.object({ rope_type: z.literal('dynamic'), factor }),
  z.object({
    rope_type: z.literal('llama3'),
    factor,
    low_freq_factor: factor,
    high_freq_factor: factor,
    original_max_position_embeddings: upTo(2 ** 31),
  }),
]);

/** Scaling of the rotary position embedding, as config.json writes it. */
export type RopeScaling = z.infer<typeof ropeSchema>;

/** What the decoder needs of a model's config.json, with every default filled in. Field names are Hugging Face's. */
export interface ModelConfig {
  readonly model_type: 'llama' | 'mistral';
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  readonly max_position_embeddings: number;
  readonly rope_theta: number;
  readonly rope_scaling: RopeScaling;
  readonly sliding_window: number | undefined;
  readonly attention_bias: boolean;
  readonly mlp_bias: boolean;
  readonly tie_word_embeddings: boolean;
}

/** Fields of config.json whose other values would change the arithmetic: each must be absent or one of these. */
const ONLY: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu', 'swish'],
  attention_dropout: [0],
  pretraining_tp: [1, null],
  quantization_config: [null],
  partial_rotary_factor: [1, null],
  per_layer_config: [null],
  num_experts: [0, 1, null],
  num_local_experts: [0, 1, null],
  attn_logit_softcapping: [null],
  final_logit_softcapping: [null],
  logit_scale: [1, null],
};

/** What differs between the families, as their configuration classes in transformers have it when a field is missing. */
const FAMILIES = {
  llama: { num_key_value_heads: undefined, max_position_embeddings: 2048, rms_norm_eps: 1e-6 },
  mistral: { num_key_value_heads: 8, max_position_embeddings: 131072, rms_norm_eps: 1e-6 },
} as const;

const fileSchema = z.looseObject({
  model_type: z.enum(['llama', 'mistral']),
  vocab_size: upTo(2 ** 22),
  hidden_size: upTo(2 ** 17),
  intermediate_size: upTo(2 ** 20),
  num_hidden_layers: upTo(1024),
  num_attention_heads: upTo(1024),
  num_key_value_heads: upTo(1024).nullish(),
  head_dim: upTo(4096).nullish(),
  rms_norm_eps: z.number().positive().lt(1).nullish(),
  max_position_embeddings: upTo(2 ** 31).nullish(),
  rope_theta: z.number().positive().max(1e15).nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  sliding_window: upTo(2 ** 31).nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
});

/**
 * Reads the contents of a config.json. `file` is named in errors. Throws a data error that names the field when the
 * file asks for something the decoder does not do.
 */
export function parseModelConfig(json: unknown, file: string): ModelConfig {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw badField(file, json, parsed.error);
  const raw = parsed.data;
  for (const [field, allowed] of Object.entries(ONLY))
    if (raw[field] !== undefined && !allowed.includes(raw[field])) throw unsupported(file, field, raw[field], allowed);
  if (Array.isArray(raw.layer_types) && new Set(raw.layer_types).size > 1)
    throw unsupported(file, 'layer_types', raw.layer_types, ['one kind of attention in all layers']);
  const family = FAMILIES[raw.model_type];
  const given = raw.rope_parameters ?? raw.rope_scaling ?? {};
  if (raw.rope_parameters && raw.rope_scaling && ropeType(raw.rope_parameters) !== ropeType(raw.rope_scaling))
    throw unsupported(file, 'rope_scaling', raw.rope_scaling, ['the same as rope_parameters']);
  const config: ModelConfig = {
    model_type: raw.model_type,
    vocab_size: raw.vocab_size,
    hidden_size: raw.hidden_size,
    intermediate_size: raw.intermediate_size,
    num_hidden_layers: raw.num_hidden_layers,
    num_attention_heads: raw.num_attention_heads,
    num_key_value_heads: raw.num_key_value_heads ?? family.num_key_value_heads ?? raw.num_attention_heads,
    head_dim: raw.head_dim ?? raw.hidden_size / raw.num_attention_heads,
    rms_norm_eps: raw.rms_norm_eps ?? family.rms_norm_eps,
    max_position_embeddings: raw.max_position_embeddings ?? family.max_position_embeddings,
    rope_theta: raw.rope_theta ?? (typeof given.rope_theta === 'number' ? given.rope_theta : 10000),
    rope_scaling: ropeScaling(given, file),
    sliding_window:
      raw.model_type === 'mistral' && raw.sliding_window === undefined ? 4096 : (raw.sliding_window ?? undefined),
    attention_bias: raw.attention_bias ?? false,
    mlp_bias: raw.mlp_bias ?? false,
    tie_word_embeddings: raw.tie_word_embeddings ?? false,
  };
  checkSizes(config, file);
  return config;
}

const ropeType = (given: Record<string, unknown>): unknown => given.rope_type ?? given.type ?? 'default';

function ropeScaling(given: Record<string, unknown>, file: string): RopeScaling {
  const type = ropeType(given);
  if (given.partial_rotary_factor !== undefined && given.partial_rotary_factor !== 1)
    throw unsupported(file, 'rope_parameters.partial_rotary_factor', given.partial_rotary_factor, [1]);
  const parsed = ropeSchema.safeParse({ ...given, rope_type: type });
  if (parsed.success) return parsed.data;
  const known = ropeSchema.options.map((option) => option.shape.rope_type.value);
  if (!known.includes(type as (typeof known)[number])) throw unsupported(file, 'rope_scaling.rope_type', type, known);
  throw badField(file, given, parsed.error, 'rope_scaling.');
}

function checkSizes(config: ModelConfig, file: string): void {
  const { num_attention_heads: n, num_key_value_heads: k, head_dim: h } = config;
  if (n % k !== 0)
    throw dataError(
      `${file}: num_key_value_heads (${k}) must divide num_attention_heads (${n}); check the file against the model's source`,
      { file, field: 'num_key_value_heads' },
    );
  if (!Number.isInteger(h) || h % 2 !== 0)
    throw dataError(
      `${file}: head_dim must be an even whole number, got ${h}; check hidden_size and num_attention_heads`,
      {
        file,
        field: 'head_dim',
      },
    );
}

/** A value as JSON for an error, cut to 80 characters. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

function unsupported(file: string, field: string, value: unknown, allowed: readonly unknown[]) {
  const came = shown(value);
  const expected = allowed.filter((v) => v !== null).map((v) => (typeof v === 'string' ? v : JSON.stringify(v)));
  return dataError(
    `${file}: ${field} = ${came} is not supported; expected ${expected.length ? expected.join(' or ') : 'it to be absent'}. Choose another model, or one exported without it`,
    { file, field, actual: came },
  );
}

function badField(file: string, json: unknown, error: z.ZodError, prefix = '') {
  const issue = error.issues[0]!;
  const came = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], json);
  const field = prefix + issue.path.join('.');
  return dataError(
    `${file}: ${field || 'config.json'}: ${issue.message.replace(/, received .*/, '')}, got ${shown(came)}; phasetune loads Llama and Mistral decoders in Hugging Face's layout`,
    { file, field },
  );
}
