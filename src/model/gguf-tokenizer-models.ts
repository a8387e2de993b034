import { show } from '../core/shown.js';
import type { Fields } from './gguf-config.js';

/** A JSON value. */
export type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };

/** The tokens of a GGUF file and their types, by id. */
export interface TokenVocabulary {
  readonly fields: Fields;
  readonly tokens: readonly string[];
  readonly types: readonly number[];
}

/** The parts of a tokenizer.json that depend on the kind of tokenizer. */
export interface TokenizerModel {
  readonly normalizer: Json;
  readonly preTokenizer: Json;
  readonly decoder: Json;
  readonly model: Json;
  /** Whether a text begins with the bos token when the file does not say so. */
  readonly addsBos: boolean;
  readonly prefixSpace: boolean;
}

const NORMAL = 1;
const UNUSED = 5;

/** How a byte-level tokenizer cuts text before merging. */
interface Splitting {
  /** llama.cpp's names for it, in `tokenizer.ggml.pre`. */
  readonly names: readonly string[];
  readonly preTokenizer: Json;
  /** A piece that is a token as a whole is not merged from bytes. */
  readonly ignoreMerges: boolean;
  readonly addsBos: boolean;
}

const byteLevel = (useRegex: boolean): Json => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

const splitBy = (pattern: string): Json => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
    byteLevel(false),
  ],
});

/** As in the tokenizer.json of GPT-2, SmolLM (digits one by one), Llama 3 and Mistral Nemo. */
const SPLITTINGS: readonly Splitting[] = [
  { names: ['gpt-2', 'phi-2'], preTokenizer: byteLevel(true), ignoreMerges: false, addsBos: false },
  {
    names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell'],
    preTokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)] },
    ignoreMerges: false,
    addsBos: false,
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'pixtral'],
    preTokenizer: splitBy(
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ),
    ignoreMerges: true,
    addsBos: true,
  },
  {
    names: ['tekken'],
    preTokenizer: splitBy(
      '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|' +
        '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|' +
        '\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
    ),
    ignoreMerges: true,
    addsBos: true,
  },
];

/** Tokens that text can become, with their ids. Unused ones only pad the embedding. */
function vocabOf({ tokens, types, fields }: TokenVocabulary): Map<string, number> {
  const vocab = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    if (types[id] === UNUSED) continue;
    if (vocab.has(token))
      throw fields.error(
        'tokenizer.ggml.tokens',
        `token ${show(token)} occurs twice (ids ${vocab.get(token)} and ${id})`,
      );
    vocab.set(token, id);
  }
  return vocab;
}

const bpe = (
  vocab: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
  options: Record<string, Json>,
): Json => ({
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
  ...options,
  vocab: Object.fromEntries(vocab),
  merges,
});

/**
 * A byte-level BPE tokenizer (`tokenizer.ggml.model` gpt2): merges as in the file, splitting by
 * `tokenizer.ggml.pre`.
 */
export function byteLevelModel(vocabulary: TokenVocabulary): TokenizerModel {
  const { fields } = vocabulary;
  const pre = fields.text('tokenizer.ggml.pre', 'default');
  const splitting = SPLITTINGS.find((s) => s.names.includes(pre));
  if (!splitting) {
    const known = SPLITTINGS.flatMap((s) => s.names).join(', ');
    throw fields.error(
      'tokenizer.ggml.pre',
      `expected one of ${known}, found ${show(pre)}; set \`tokenizer\` to a folder with its tokenizer.json`,
    );
  }
  const vocab = vocabOf(vocabulary);
  const merges = fields.list('tokenizer.ggml.merges', 'string').map((merge, i): [string, string] => {
    const [left, right, more] = merge.split(' ');
    if (!left || !right || more !== undefined || !vocab.has(left) || !vocab.has(right) || !vocab.has(left + right))
      throw fields.error(
        'tokenizer.ggml.merges',
        `entry ${i}: expected two tokens that make a third, found ${show(merge)}`,
      );
    return [left, right];
  });
  return {
    normalizer: null,
    preTokenizer: splitting.preTokenizer,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: bpe(vocab, merges, { ignore_merges: splitting.ignoreMerges }),
    addsBos: splitting.addsBos,
    prefixSpace: false,
  };
}

/**
 * A SentencePiece BPE tokenizer (`tokenizer.ggml.model` llama) as transformers writes Llama 2's:
 * spaces as U+2581, one put before the text, unknown characters as bytes, merges recovered from the
 * scores.
 */
export function piecesModel(vocabulary: TokenVocabulary): TokenizerModel {
  const { fields, tokens } = vocabulary;
  const scores = fields.list('tokenizer.ggml.scores', 'number');
  if (scores.length !== tokens.length)
    throw fields.error(
      'tokenizer.ggml.scores',
      `expected ${tokens.length} entries as in tokenizer.ggml.tokens, found ${scores.length}`,
    );
  const vocab = vocabOf(vocabulary);
  const prefixSpace = fields.flag('tokenizer.ggml.add_space_prefix', true);
  const space = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const unknown = tokens[fields.number('tokenizer.ggml.unknown_token_id', 0)];
  return {
    normalizer: { type: 'Sequence', normalizers: prefixSpace ? [{ type: 'Prepend', prepend: '▁' }, space] : [space] },
    preTokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefixSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: bpe(vocab, mergesOf(vocabulary, scores), { unk_token: unknown, fuse_unk: true, byte_fallback: true }),
    addsBos: true,
    prefixSpace,
  };
}

/**
 * Most work of recovering merges, as characters that are looked at: the square of each token's
 * length, summed. 32,000 tokens add up to some millions; a few texts of a million characters among
 * the tokens would take hours.
 */
const MAX_WORK = 1 << 25;

/**
 * Every way to make a token of two others, best score first, then longer parts first (transformers'
 * `generate_merges`).
 */
function mergesOf({ tokens, types, fields }: TokenVocabulary, scores: readonly number[]): [string, string][] {
  const ids = new Map(tokens.flatMap((token, id) => (types[id] === NORMAL ? [[token, id]] : [])) as [string, number][]);
  let work = 0;
  for (const token of ids.keys()) work += token.length ** 2;
  if (work > MAX_WORK)
    throw fields.error(
      'tokenizer.ggml.tokens',
      'its tokens are too long to be pieces of words; set `tokenizer` to a folder with its tokenizer.json',
    );
  const merges: { parts: [string, string]; score: number; left: number; right: number }[] = [];
  for (const [token, id] of ids) {
    const ways: [left: number, right: number][] = [];
    // Between the halves of a character neither part is a token, as both come from UTF-8.
    for (let cut = 1; cut < token.length; cut++) {
      const left = ids.get(token.slice(0, cut));
      const right = left === undefined ? undefined : ids.get(token.slice(cut));
      if (left !== undefined && right !== undefined) ways.push([left, right]);
    }
    ways.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [left, right] of ways) {
      const parts: [string, string] = [tokens[left]!, tokens[right]!];
      merges.push({ parts, score: scores[id]!, left: [...parts[0]].length, right: [...parts[1]].length });
    }
  }
  merges.sort((a, b) => b.score - a.score || b.left - a.left || b.right - a.right);
  return merges.map((m) => m.parts);
}
