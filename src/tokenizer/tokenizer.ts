import { join } from 'node:path';
import { AddedToken as RustToken, Tokenizer as RustTokenizer } from 'tokenizers';
import { dataError, PhasetuneError } from '../core/errors.js';
import { exists, readText } from '../io/files.js';
import { parseJson } from '../io/json.js';
import { type ChatRenderer, loadChatTemplate, type RenderedChat } from './chat-template.js';
import { type CheckedTokenizer, checkTokenizerJson } from './check.js';
import { type AddedToken, readDeclaredTokens } from './declared-tokens.js';
import { type Encoding, encodingOf, lostCharacter } from './encoding.js';
import { type KnownToken, type LiteralText, literalEncoder } from './literal-text.js';
import { readModelEndIds, readTokenizerConfig, type TokenizerConfig } from './special-tokens.js';

/** A special token: its text and its id. */
export interface SpecialToken {
  readonly text: string;
  readonly id: number;
}

/** A text to encode, with or without parts in which special tokens that are spelt out stay text. */
export type EncodeInput = string | LiteralText;

/** Text to token ids and back, with the model's chat template and special tokens. */
export interface Tokenizer {
  /** Folder it was loaded from, for messages. */
  readonly folder: string;
  /**
   * Highest token id plus one. A model's embedding may have fewer rows: then a text that holds one
   * of the last cannot be used.
   */
  readonly vocabSize: number;
  readonly bos?: SpecialToken;
  readonly eos?: SpecialToken;
  readonly pad?: SpecialToken;
  /**
   * Ids that end an answer when one is generated: `eos_token`, the `eos_token_id` of the model
   * (generation_config.json, else config.json), and the special token that the chat template puts
   * after an answer.
   */
  readonly endIds: ReadonlySet<number>;
  /** Those of {@link endIds} that are control tokens: what ends an answer in a rendered conversation. */
  readonly turnEndIds: ReadonlySet<number>;
  /** False where {@link Tokenizer.renderChat} would be an error. */
  readonly hasChatTemplate: boolean;
  /** True where the chat template prints the time: see `now` of its options. */
  readonly usesClock: boolean;
  /** Token ids of a text, without what tokenizer.json's post-processor adds. */
  encode(input: EncodeInput): Promise<number[]>;
  /** Tokens of several texts, with their places. */
  encodeBatch(inputs: readonly EncodeInput[]): Promise<Encoding[]>;
  /**
   * Text of token ids; bytes that are no UTF-8 become U+FFFD, and ids that no token has give
   * nothing, as in transformers. `skipSpecialTokens` (default false) leaves special tokens out.
   */
  decode(ids: Iterable<number>, options?: { skipSpecialTokens?: boolean }): Promise<string>;
  /** Texts of several lists of ids, each decoded alone. */
  decodeBatch(lists: readonly Iterable<number>[], options?: { skipSpecialTokens?: boolean }): Promise<string[]>;
  /**
   * The conversation as the chat template writes it. A data error where the folder has no template
   * or it refuses the conversation.
   */
  readonly renderChat: ChatRenderer;
}

/**
 * Loads the tokenizer of a Hugging Face model folder: tokenizer.json, and where they are there
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json, chat_template.jinja,
 * generation_config.json and config.json. Special tokens count as transformers counts them
 * ({@link readDeclaredTokens}). `now` is the time that the template may print [the clock, once]. A
 * missing or broken file is a data error.
 *
 * @example
 * const tokenizer = await loadTokenizer('models/tiny-llama');
 * const ids = await tokenizer.encode('Name a river.');
 * console.log(ids.length, await tokenizer.decode(ids));
 */
export async function loadTokenizer(folder: string, { now = new Date() } = {}): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json');
  if (!exists(path)) throw missingError(folder, path);
  const text = await readText(path);
  const checked = checkTokenizerJson(parseJson(text, path, 1, { anyKey: true }), path);
  const declared = await readDeclaredTokens(folder, checked.added);
  const rust = create(text, declared.added, path);
  const config = { ...(await readTokenizerConfig(folder)), ...declared.named };
  const template = await loadChatTemplate(folder, config);
  const added = addedTokens(rust, [...checked.added, ...declared.added], template?.source ?? '');
  const named = (name: string): SpecialToken | undefined => {
    const token = declared.named[name];
    return token === undefined || token === '' ? undefined : { text: token, id: rust.tokenToId(token)! };
  };
  const [bos, eos, pad] = [named('bos_token'), named('eos_token'), named('pad_token')];
  const written = templateEndIds(added, template?.render);
  const endIds = new Set([...(eos ? [eos.id] : []), ...(await readModelEndIds(folder)), ...written]);
  const control = new Set(added.filter((t) => t.control).map((t) => t.id));
  return {
    folder,
    vocabSize: 1 + Math.max(checked.lastId, ...added.map((t) => t.id)),
    ...(bos && { bos }),
    ...(eos && { eos }),
    ...(pad && { pad }),
    endIds,
    turnEndIds: new Set([...endIds].filter((id) => control.has(id))),
    hasChatTemplate: template !== undefined,
    usesClock: template?.usesClock ?? false,
    ...coder(rust, checked, added, path),
    ...decoder(rust, cleansUp(config, checked), path),
    renderChat: (messages, options) => (template?.render ?? refuseToRender(folder))(messages, { now, ...options }),
  };
}

const refuseToRender = (folder: string) => (): never => {
  throw dataError(
    `${folder} has no chat template (neither chat_template.jinja nor chat_template in tokenizer_config.json)`,
    { remedies: [{ advice: 'put one there' }, { option: 'template', change: 'set', value: 'paper' }] },
  );
};

/** The library's tokenizer of a file, with further tokens. */
function create(text: string, declared: readonly AddedToken[], path: string): RustTokenizer {
  try {
    const rust = RustTokenizer.fromString(text);
    rust.disableTruncation();
    rust.disablePadding();
    if (declared.length > 0)
      rust.addAddedTokens(
        declared.map(
          ({ content, special, lstrip, rstrip, normalized, single_word }) =>
            new RustToken(content, special, {
              leftStrip: lstrip,
              rightStrip: rstrip,
              normalized,
              singleWord: single_word,
            }),
        ),
      );
    return rust;
  } catch (cause) {
    throw broken(path, 'be read', cause);
  }
}

/**
 * All added tokens with their ids; of a text that is there twice the last counts. Control tokens
 * are the special ones, and those that the chat template spells, white space apart:
 * `sanitize_control_tokens` of transformers 5.24 has the same rule.
 */
function addedTokens(rust: RustTokenizer, tokens: readonly AddedToken[], template: string): KnownToken[] {
  const last = new Map(tokens.map((token) => [token.content, token]));
  return [...last.values()].flatMap((token) => {
    const id = rust.tokenToId(token.content);
    const control = token.special || (token.content.trim() !== '' && template.includes(token.content));
    return id === null ? [] : [{ ...token, id, control }];
  });
}

function coder(
  rust: RustTokenizer,
  { json, dropsUnknown }: CheckedTokenizer,
  added: readonly KnownToken[],
  path: string,
): Pick<Tokenizer, 'encode' | 'encodeBatch'> {
  const literally = literalEncoder(json, added, path);
  const encodeBatch = async (inputs: readonly EncodeInput[]): Promise<Encoding[]> => {
    const texts = inputs.map((input) => wellFormed(typeof input === 'string' ? input : input.text));
    const long = texts.find((text) => text.length > MAX_CHARACTERS);
    if (long !== undefined)
      throw dataError(`expected a text of at most ${MAX_CHARACTERS} characters, found ${long.length}; cut it`);
    try {
      const found = await rust.encodeBatch(texts, { addSpecialTokens: false });
      const encodings = found.map((encoding, i) => encodingOf(encoding, texts[i]!));
      for (const [i, input] of inputs.entries()) {
        if (typeof input !== 'string' && literally.concerns(input))
          encodings[i] = await literally.encode({ ...input, text: texts[i]! });
        if (dropsUnknown) refuseLoss(encodings[i]!, texts[i]!, path);
      }
      return encodings;
    } catch (cause) {
      throw cause instanceof PhasetuneError ? cause : broken(path, 'encode', cause);
    }
  };
  return { encodeBatch, encode: async (input) => [...(await encodeBatch([input]))[0]!.ids] };
}

/**
 * Longest text that is encoded. The library ends the process where one match takes ten million
 * steps, and known patterns take up to one for each character.
 */
const MAX_CHARACTERS = 1 << 22;

/** Half a surrogate pair, which is no character, as U+FFFD: the library would end the text there. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

/** Throws where a character is in no token: the library leaves out what it has no token for. */
function refuseLoss(encoding: Encoding, text: string, path: string): void {
  const lost = lostCharacter(encoding, text);
  if (lost !== undefined)
    throw dataError(
      `${path}: it has no token for ${JSON.stringify(lost)}, and none for unknown text; use another tokenizer, or leave the text out`,
      { file: path },
    );
}

function decoder(rust: RustTokenizer, cleanUp: boolean, path: string): Pick<Tokenizer, 'decode' | 'decodeBatch'> {
  const decodeBatch: Tokenizer['decodeBatch'] = async (lists, { skipSpecialTokens = false } = {}) => {
    try {
      const texts = await rust.decodeBatch(
        lists.map((ids) => [...ids]),
        skipSpecialTokens,
      );
      return cleanUp ? texts.map(tidySpaces) : texts;
    } catch (cause) {
      throw broken(path, 'decode', cause);
    }
  };
  return { decodeBatch, decode: async (ids, options) => (await decodeBatch([ids], options))[0]! };
}

/**
 * Whether blanks are cleaned up: transformers does not do it for BPE, whose blanks are the text's
 * own, unless it is asked to in so many words.
 */
const cleansUp = (config: TokenizerConfig, { json }: CheckedTokenizer): boolean =>
  config.clean_up_tokenization_spaces === true &&
  ((json.model as { type?: unknown }).type !== 'BPE' ||
    config.clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output === true);

/** What `clean_up_tokenization_spaces` does in transformers: no blank before a mark or a shortened word. */
const tidySpaces = (text: string): string =>
  text
    .replace(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replace(/ (n't|'m|'s|'ve|'re)/g, '$1');

function broken(path: string, what: string, cause: unknown): PhasetuneError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!.slice(0, 300);
  return dataError(`${path}: not a tokenizer that can ${what}: ${reason}`, { file: path }, cause);
}

function missingError(folder: string, path: string): PhasetuneError {
  if (exists(join(folder, 'tokenizer.model')))
    return dataError(
      `${path}: no such file; the folder has only SentencePiece's tokenizer.model: save it with transformers' AutoTokenizer.save_pretrained, which writes tokenizer.json`,
      { file: path },
    );
  return dataError(`${path}: no such file; expected a Hugging Face model folder`, {
    file: path,
    remedies: [{ task: 'model import', note: 'first for a GGUF file' }],
  });
}

/** What follows an answer in the rendered template, if it is one control token: the token that ends a turn. */
function templateEndIds(added: readonly KnownToken[], render: ChatRenderer | undefined): number[] {
  if (!render) return [];
  let rendered: RenderedChat;
  try {
    rendered = render([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ]);
  } catch {
    return []; // A template that refuses the plainest conversation says so when it is used.
  }
  const answer = rendered.contents.findLast(({ message }) => message === 1);
  if (!answer) return [];
  const after = rendered.text.slice(answer.end).trimStart();
  const specials = added.filter((t) => t.control && t.content !== '' && after.startsWith(t.content));
  const longest = specials.sort((x, y) => y.content.length - x.content.length)[0];
  return longest ? [longest.id] : [];
}
