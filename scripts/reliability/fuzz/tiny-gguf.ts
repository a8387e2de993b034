import { type Field, ggufFile } from './gguf-file.js';
import { floats, noise } from './noise.js';

const MODEL: readonly Field[] = [
  ['general.architecture', 'text', 'llama'],
  ['llama.block_count', 'u32', 1],
  ['llama.context_length', 'u32', 64],
  ['llama.embedding_length', 'u32', 32],
  ['llama.feed_forward_length', 'u32', 32],
  ['llama.attention.head_count', 'u32', 4],
  ['llama.attention.head_count_kv', 'u32', 2],
  ['llama.attention.layer_norm_rms_epsilon', 'f32', 1e-5],
  ['llama.rope.freq_base', 'f32', 10000],
  ['tokenizer.ggml.bos_token_id', 'u32', 1],
  ['tokenizer.ggml.eos_token_id', 'u32', 2],
  ['tokenizer.chat_template', 'text', '{{ messages[0].content }}'],
  ['tokenizer.chat_template.tool_use', 'text', '{{ messages }}'],
];

/**
 * A Llama of one layer, 32 wide, for eight tokens; norms in F32, matrices in Q8_0. `fields` are its
 * tokenizer, and what is to be otherwise: of a field given twice the last counts.
 */
export function tinyGguf(fields: readonly Field[]): Uint8Array {
  const matrix = (name: string, rows: number) => ({ name, shape: [32, rows], type: 8, data: blocks(rows, name) });
  const norm = (name: string) => ({ name, shape: [32], type: 0, data: floats(32, name) });
  const layer = ['attn_q', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'].map((name) =>
    matrix(`blk.0.${name}.weight`, 32),
  );
  const all = new Map([...MODEL, ...fields].map((field) => [field[0], field]));
  return ggufFile(
    [...all.values()],
    [
      matrix('token_embd.weight', 8),
      ...layer,
      matrix('blk.0.attn_k.weight', 16),
      matrix('blk.0.attn_v.weight', 16),
      ...['blk.0.attn_norm.weight', 'blk.0.ffn_norm.weight', 'output_norm.weight'].map(norm),
    ],
  );
}

/** Blocks of Q8_0: a scale of 1/128 as float16, and 32 bytes of noise. */
function blocks(count: number, name: string): Uint8Array {
  const bytes = noise(count * 34, name);
  for (let at = 0; at < bytes.length; at += 34) bytes.set([0x00, 0x20], at);
  return bytes;
}

/** A SentencePiece tokenizer of eight tokens. */
export const PIECES: readonly Field[] = [
  ['tokenizer.ggml.model', 'text', 'llama'],
  ['tokenizer.ggml.tokens', 'text', ['<unk>', '<s>', '</s>', 'a', 'b', 'ab', '▁', '▁ab']],
  ['tokenizer.ggml.scores', 'f32', [0, 0, 0, -1, -2, -3, -4, -5]],
  ['tokenizer.ggml.token_type', 'i32', [2, 3, 3, 1, 1, 1, 1, 1]],
];

/** A byte-level tokenizer of eight tokens. */
export const BYTE_LEVEL: readonly Field[] = [
  ['tokenizer.ggml.model', 'text', 'gpt2'],
  ['tokenizer.ggml.pre', 'text', 'smollm'],
  ['tokenizer.ggml.tokens', 'text', ['<unk>', '<s>', '</s>', 'a', 'b', 'ab', 'Ġ', 'Ġab']],
  ['tokenizer.ggml.token_type', 'i32', [3, 3, 3, 1, 1, 1, 1, 1]],
  ['tokenizer.ggml.merges', 'text', ['a b', 'Ġ ab']],
];
