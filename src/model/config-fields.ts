import { unsupported } from './config-errors.js';

/** Fields of config.json whose other values would change the arithmetic: each must be absent or one of these. */
const ONLY: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu', 'swish', null],
  attention_dropout: [0, null],
  is_causal: [true, null],
  is_encoder_decoder: [false, null],
  is_llama_config: [true, false, null],
  quantization_config: [null],
  per_layer_config: [null],
  num_experts: [0, 1, null],
  num_local_experts: [0, 1, null],
  logit_scale: [1, null],
};

/** Fields that say nothing about the sums: what transformers and other programs note down about a model. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  'architectures',
  'attn_implementation',
  'auto_map',
  'base_model',
  'begin_suppress_tokens',
  'chunk_size_feed_forward',
  'context_length',
  'cross_attention_hidden_size',
  'dtype',
  'ffn_dim_multiplier',
  'finetuning_task',
  'gradient_checkpointing',
  'id2label',
  'initializer_range',
  'is_decoder',
  'keys_to_ignore_at_inference',
  'label2id',
  'language',
  'license',
  'max_seq_len',
  'max_seq_length',
  'max_sequence_length',
  'max_window_layers',
  'model_max_length',
  'model_name',
  'model_size',
  'multiple_of',
  'n_ctx',
  'n_positions',
  'name_or_path',
  'neftune_noise_alpha',
  'num_labels',
  'output_attentions',
  'output_hidden_states',
  'output_past',
  'padding_side',
  'prefix',
  // A product that is cut into parts and added up: the same sums. transformers looks at it no more.
  'pretraining_tp',
  'problem_type',
  'return_dict',
  'return_dict_in_generate',
  'seed',
  'seq_length',
  'sep_token_id',
  'suppress_tokens',
  'tags',
  'task_specific_params',
  'tie_encoder_decoder',
  'tie_last_hidden_states',
  'tokenizer_class',
  'tokenizer_config',
  'torch_dtype',
  'torchscript',
  'trained_on',
  'transformers.js_config',
  'unsloth_fixed',
  'use_bfloat16',
  'use_cache',
]);

/** Options of transformers' `generate` that old files keep here: how an answer is chosen is said by the command. */
const GENERATION: ReadonlySet<string> = new Set([
  'bad_words_ids',
  'decoder_start_token_id',
  'diversity_penalty',
  'do_sample',
  'early_stopping',
  'encoder_no_repeat_ngram_size',
  'exponential_decay_length_penalty',
  'forced_bos_token_id',
  'forced_eos_token_id',
  'length_penalty',
  'max_length',
  'max_new_tokens',
  'min_length',
  'no_repeat_ngram_size',
  'num_beam_groups',
  'num_beams',
  'num_return_sequences',
  'output_scores',
  'remove_invalid_values',
  'repetition_penalty',
  'temperature',
  'top_k',
  'top_p',
  'typical_p',
]);

/**
 * Names that say by themselves that they only note something down: versions, ids of tokens, private
 * notes of a program.
 */
const NOTES = new RegExp(
  [
    '^_|^unsloth_|flash_att',
    '(?:^|_)(?:version|path|name|date|url|repo|commit|revision|author|comment|description)s?$',
    '^(?:bos|eos|pad|unk|cls|mask|sep)_token(?:_ids?)?$',
  ].join('|'),
);

const isUnset = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === 0 ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/**
 * Throws a data error for a field that may change the arithmetic and is not in `read`: one with a
 * value that the decoder does not do, and every unknown one that is set. An unknown field may not
 * be ignored: the model would answer differently than it was trained to.
 */
export function checkFields(
  raw: Readonly<Record<string, unknown>>,
  read: Readonly<Record<string, unknown>>,
  file: string,
): void {
  for (const [field, value] of Object.entries(raw)) {
    const allowed = Object.hasOwn(ONLY, field) ? ONLY[field] : undefined;
    if (allowed && !allowed.includes(value)) throw unsupported(file, field, value, allowed);
    if (allowed || Object.hasOwn(read, field) || BOOKKEEPING.has(field) || GENERATION.has(field)) continue;
    if (isUnset(value) || NOTES.test(field)) continue;
    throw unsupported(
      file,
      field,
      value,
      [null],
      'Its effect on the model is not known here; remove it from the file if it has none, or choose another model',
    );
  }
}
