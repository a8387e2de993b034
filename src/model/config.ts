import * as z from 'zod';
import { dataError } from '../core/errors.js';
import { badField, unsupported } from './config-errors.js';
import { checkFields } from './config-fields.js';
import { type RopeScaling, readRope, ropeFields } from './rope-config.js';

export type { RopeScaling } from './rope-config.js';

/** A whole number from 1 to a limit above the largest model there is, and low enough to loop over. */
const upTo = (most: number) => z.number().int().min(1).max(most);

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

/**
 * What differs between the families, as their configuration classes in transformers have it when a
 * field is missing.
 */
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
  ...ropeFields,
  layer_types: z.array(z.string()).max(1024).nullish(),
  use_sliding_window: z.boolean().nullish(),
  sliding_window: upTo(2 ** 31).nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
});

type RawConfig = z.infer<typeof fileSchema>;

/**
 * Reads the contents of a config.json. `file` is named in errors. Throws a data error that names the field when the
 * file asks for something the decoder does not do, or has a field that is set and not known.
 */
export function parseModelConfig(json: unknown, file: string): ModelConfig {
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw badField(file, json, parsed.error);
  const raw = parsed.data;
  checkFields(raw, fileSchema.shape, file);
  const family = FAMILIES[raw.model_type];
  const heads = raw.num_attention_heads;
  const maxPositions = raw.max_position_embeddings ?? family.max_position_embeddings;
  const config: ModelConfig = {
    model_type: raw.model_type,
    vocab_size: raw.vocab_size,
    hidden_size: raw.hidden_size,
    intermediate_size: raw.intermediate_size,
    num_hidden_layers: raw.num_hidden_layers,
    num_attention_heads: heads,
    num_key_value_heads:
      raw.num_key_value_heads === undefined
        ? (family.num_key_value_heads ?? heads)
        : (raw.num_key_value_heads ?? heads),
    head_dim: raw.head_dim ?? raw.hidden_size / heads,
    rms_norm_eps: raw.rms_norm_eps ?? family.rms_norm_eps,
    max_position_embeddings: maxPositions,
    ...readRope(raw, maxPositions, file),
    sliding_window: slidingWindow(raw, file),
    attention_bias: raw.attention_bias ?? false,
    mlp_bias: raw.mlp_bias ?? false,
    tie_word_embeddings: raw.tie_word_embeddings ?? false,
  };
  for (const field of ['attention_bias', 'mlp_bias'] as const)
    if (raw.model_type === 'mistral' && config[field])
      throw unsupported(file, field, true, [false], 'Mistral has no biases; model_type llama has');
  checkSizes(config, file);
  return config;
}

/**
 * How far back a query sees, in tokens; undefined for all of its text. A window is what Mistral
 * has, in all layers or in none; a Llama with one means another thing to each program that reads
 * it, unless another field says that it is not used.
 */
function slidingWindow(raw: RawConfig, file: string): number | undefined {
  const { model_type, sliding_window: given, layer_types: types, use_sliding_window: used } = raw;
  const window = model_type === 'mistral' && given === undefined ? 4096 : (given ?? undefined);
  const kinds = new Set(types ?? []);
  const refuse = (field: string, value: unknown, expected: string, advice?: string) =>
    unsupported(file, field, value, [expected], advice);
  if (types && types.length !== raw.num_hidden_layers)
    throw refuse('layer_types', types, `one entry for each of num_hidden_layers = ${raw.num_hidden_layers}`);
  if (kinds.size > 1) throw refuse('layer_types', types, 'one kind of attention in all layers');
  const [kind] = kinds;
  if (kind === 'full_attention') return undefined;
  if (kind !== undefined && (kind !== 'sliding_attention' || model_type === 'llama' || window === undefined))
    throw refuse(
      'layer_types',
      types,
      'full_attention, or with model_type mistral and a sliding_window sliding_attention',
    );
  if (window === undefined) return undefined;
  if (model_type === 'llama') {
    if (used === false) return undefined;
    throw refuse(
      'sliding_window',
      given,
      'null',
      'Llama has no window: remove it if the model was trained without, or set model_type to mistral if with',
    );
  }
  if (used === false)
    throw refuse(
      'use_sliding_window',
      used,
      'sliding_window to be null with it',
      'Programs differ in which of the two they follow; set sliding_window to null if the model was trained without a window, otherwise remove use_sliding_window',
    );
  return window;
}

function checkSizes(config: ModelConfig, file: string): void {
  const { num_attention_heads: n, num_key_value_heads: k, head_dim: h, rope_scaling } = config;
  // Its exponent is h / (h - 2).
  if (rope_scaling.rope_type === 'dynamic' && h === 2)
    throw unsupported(file, 'rope_scaling.rope_type', 'dynamic', ['another one where head_dim is 2']);
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
