import { show } from '../core/shown.js';
import type { Gguf } from '../io/gguf.js';
import { fieldsOf, specialIds } from './gguf-config.js';
import { byteLevelModel, type Json, piecesModel, type TokenVocabulary } from './gguf-tokenizer-models.js';

/** The tokenizer files of a Hugging Face folder, by name: JSON values, and the chat template as text. */
export interface TokenizerFiles {
  readonly json: Readonly<Record<string, Json>>;
  readonly text: Readonly<Record<string, string>>;
}

/** Token types of a GGUF vocabulary (llama.cpp's `llama_token_type`). */
const CONTROL = 3;
const USER_DEFINED = 4;

/**
 * The tokenizer of a GGUF file as Hugging Face writes it: tokenizer.json, tokenizer_config.json,
 * and chat_template.jinja where the file has one. Throws a data error that names the field where
 * the file's kind of tokenizer is not known.
 */
export function tokenizerFromGguf(gguf: Gguf, file: string): TokenizerFiles {
  const f = fieldsOf(gguf.metadata, file);
  if (!f.has('tokenizer.ggml.model') && !f.has('tokenizer.ggml.tokens'))
    throw f.error(
      'tokenizer.ggml.tokens',
      'there is no tokenizer in the file; set `tokenizer` to a folder with its tokenizer.json',
    );
  const vocabulary: TokenVocabulary = {
    fields: f,
    tokens: f.list('tokenizer.ggml.tokens', 'string'),
    types: f.list('tokenizer.ggml.token_type', 'number'),
  };
  const { tokens, types } = vocabulary;
  if (types.length !== tokens.length)
    throw f.error(
      'tokenizer.ggml.token_type',
      `expected ${tokens.length} entries as in tokenizer.ggml.tokens, found ${types.length}`,
    );
  const kind = f.text('tokenizer.ggml.model');
  if (kind !== 'gpt2' && kind !== 'llama')
    throw f.error(
      'tokenizer.ggml.model',
      `expected gpt2 or llama, found ${show(kind)}; set \`tokenizer\` to a folder with its tokenizer.json`,
    );
  const model = kind === 'gpt2' ? byteLevelModel(vocabulary) : piecesModel(vocabulary);
  const special = specialTokens(vocabulary, {
    ...specialIds(gguf, file),
    ...(kind === 'llama' && { unk_token_id: 0 }),
  });
  const before = f.flag('tokenizer.ggml.add_bos_token', model.addsBos) ? special.bos : undefined;
  const after = f.flag('tokenizer.ggml.add_eos_token', false) ? special.eos : undefined;
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary, special),
    normalizer: model.normalizer,
    pre_tokenizer: model.preTokenizer,
    post_processor: template(before, after),
    decoder: model.decoder,
    model: model.model,
  };
  const config = {
    add_bos_token: before !== undefined,
    add_eos_token: after !== undefined,
    add_prefix_space: model.prefixSpace,
    bos_token: special.bos?.text,
    clean_up_tokenization_spaces: false,
    eos_token: special.eos?.text,
    model_max_length: f.number('llama.context_length'),
    pad_token: special.pad?.text,
    // The one class that takes tokenizer.json as it is; the classes named after models build their own splitting.
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: special.unk?.text,
  };
  return { json: { 'tokenizer.json': tokenizer, 'tokenizer_config.json': config }, text: chatTemplates(gguf) };
}

interface Special {
  readonly id: number;
  readonly text: string;
}

type Specials = Partial<Record<'bos' | 'eos' | 'pad' | 'unk', Special>>;

function specialTokens({ tokens, fields }: TokenVocabulary, defaults: Record<string, number>): Specials {
  const keys = { bos: 'bos_token_id', eos: 'eos_token_id', pad: 'padding_token_id', unk: 'unknown_token_id' };
  const found: Specials = {};
  for (const [name, key] of Object.entries(keys)) {
    const id = fields.number(`tokenizer.ggml.${key}`, defaults[`${name}_token_id`]);
    if (id === undefined) continue;
    const text = tokens[id];
    if (text === undefined)
      throw fields.error(`tokenizer.ggml.${key}`, `expected an id below ${tokens.length}, found ${id}`);
    found[name as keyof Specials] = { id, text };
  }
  return found;
}

/** Tokens that are found in a text before it is cut: control tokens, the user's own, and those with a role. */
function addedTokens({ tokens, types }: TokenVocabulary, specials: Specials): Json[] {
  const roles = new Set(Object.values(specials).map((s) => s.id));
  return tokens.flatMap((content, id) => {
    const special = types[id] === CONTROL || roles.has(id);
    if (!special && types[id] !== USER_DEFINED) return [];
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

/** What is put around a text: `bos` before and `eos` after each of a pair. */
function template(bos: Special | undefined, eos: Special | undefined): Json {
  if (!bos && !eos) return null;
  const around = (id: 'A' | 'B', type_id: number) => [
    ...(bos ? [{ SpecialToken: { id: bos.text, type_id } }] : []),
    { Sequence: { id, type_id } },
    ...(eos ? [{ SpecialToken: { id: eos.text, type_id } }] : []),
  ];
  const tokens = [bos, eos].filter((t) => t !== undefined);
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(tokens.map(({ id, text }) => [text, { id: text, ids: [id], tokens: [text] }])),
  };
}

/** chat_template.jinja, and other named templates where transformers looks for them. */
function chatTemplates(gguf: Gguf): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [key, value] of gguf.metadata) {
    const match = /^tokenizer\.chat_template(?:\.([\w-]{1,64}))?$/.exec(key);
    if (match && typeof value === 'string')
      files[match[1] ? `additional_chat_templates/${match[1]}.jinja` : 'chat_template.jinja'] = value;
  }
  return files;
}
