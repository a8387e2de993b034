import { join } from 'node:path';
import { dataError, PhasetuneError } from '../core/errors.js';
import { limitTime } from '../core/time-limit.js';
import { exists, statPath } from '../io/files.js';
import { readJson } from '../io/json.js';
import { type ChatMessage, type ChatRenderer, loadChatTemplate, type RenderOptions } from './chat-template.js';
import { checkTokenizerJson } from './check.js';
import { type HubTokenizer, hub } from './hub.js';
import { readModelEndIds, readTokenizerConfig, type TokenizerConfig } from './special-tokens.js';
import { useRustClasses } from './unicode-classes.js';

/** A special token: its text and its id. */
export interface SpecialToken {
  readonly text: string;
  readonly id: number;
}

/** Text to token ids and back, with the model's chat template and special tokens. */
export interface Tokenizer {
  /** Folder it was loaded from, for messages. */
  readonly folder: string;
  /** Highest token id plus one. A model's embedding must have at least as many rows. */
  readonly vocabSize: number;
  readonly bos?: SpecialToken;
  readonly eos?: SpecialToken;
  readonly pad?: SpecialToken;
  /**
   * Ids that end an answer: `eos_token`, every `eos_token_id` of generation_config.json and config.json, and the special
   * token that the chat template puts behind an answer.
   */
  readonly endIds: ReadonlySet<number>;
  /** False where {@link Tokenizer.renderChat} would be an error. */
  readonly hasChatTemplate: boolean;
  /** Token ids of a text; special tokens written out in it become their ids. `addSpecialTokens` (default false) adds what tokenizer.json's post-processor adds. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** Text of token ids; bytes that are no UTF-8 become U+FFFD. `skipSpecialTokens` (default false) leaves special tokens out. */
  decode(ids: Iterable<number>, options?: { skipSpecialTokens?: boolean }): string;
  /** The conversation as the chat template writes it. A data error where the folder has no template or it refuses the roles. */
  readonly renderChat: (messages: readonly ChatMessage[], options?: RenderOptions) => string;
}

/**
 * Loads the tokenizer of a Hugging Face model folder: tokenizer.json, and where they are there tokenizer_config.json,
 * chat_template.jinja, generation_config.json and config.json. A missing or broken file is a data error.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json');
  if (!exists(path)) throw dataError(missing(folder, path), { file: path });
  const [json, config, modelEndIds, { bytes }] = await Promise.all([
    readJson(path, undefined, { anyKey: true }),
    readTokenizerConfig(folder),
    readModelEndIds(folder),
    statPath(path),
  ]);
  const inner = create(json, config, path, LOADING.least + LOADING.perByte * bytes);
  const template = await loadChatTemplate(folder, config);
  const special = (name: 'bos_token' | 'eos_token' | 'pad_token') => specialToken(inner, config[name], name, folder);
  const vocabSize = [...inner.get_vocab().values()].reduce((most, id) => Math.max(most, id), -1) + 1;
  const [bos, eos, pad] = [special('bos_token'), special('eos_token'), special('pad_token')];
  const endIds = new Set([...(eos ? [eos.id] : []), ...modelEndIds, ...templateEndIds(inner, template?.render)]);
  return {
    folder,
    vocabSize,
    ...(bos && { bos }),
    ...(eos && { eos }),
    ...(pad && { pad }),
    endIds,
    hasChatTemplate: template !== undefined,
    encode: (text, { addSpecialTokens = false } = {}) =>
      guarded(path, 'encode', text.length, () => {
        const { ids } = inner.encode(text, { add_special_tokens: addSpecialTokens });
        const without = ids.findIndex((id) => !Number.isInteger(id));
        if (without < 0) return ids;
        throw dataError(
          `${path}: it has no token for a part of the text, and none for unknown text; use another tokenizer`,
          {
            file: path,
          },
        );
      }),
    decode(ids, { skipSpecialTokens = false } = {}) {
      const list = [...ids];
      if (list.length === 0) return '';
      const unknown = list.find((id) => inner.id_to_token(id) === undefined);
      if (unknown !== undefined)
        throw dataError(`token id ${unknown} is not in the vocabulary of ${folder} (0 to ${vocabSize - 1})`);
      return guarded(path, 'decode', 16 * list.length, () =>
        inner.decode(list, {
          skip_special_tokens: skipSpecialTokens,
          clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? false,
        }),
      );
    },
    renderChat(messages, options) {
      if (template) return template.render(messages, options).text;
      throw dataError(
        `${folder} has no chat template (neither chat_template.jinja nor chat_template in tokenizer_config.json); put one there or use --template paper`,
      );
    },
  };
}

/** Time to build a tokenizer, in milliseconds: at least, and for each byte of its file. */
const LOADING = { least: 500, perByte: 0.001 };

/** Time that a text may take, in milliseconds: at least, and for each character. Real ones take a fiftieth of it. */
const TIME = { least: 500, perCharacter: 0.05 };

/** Milliseconds within which `characters` of rows must be rendered and encoded, however many calls that takes. */
export const encodingTime = (characters: number): number => TIME.least + TIME.perCharacter * characters;

/** Runs the package's code over a text, with an error that names the file where the file's patterns or types lead it astray. */
function guarded<T>(path: string, what: 'encode' | 'decode', characters: number, work: () => T): T {
  const ms = encodingTime(characters);
  try {
    return limitTime(ms, work, () =>
      dataError(
        `${path}: to ${what} ${characters} characters takes longer than ${(ms / 1000).toFixed(1)} s; use another tokenizer`,
        { file: path },
      ),
    );
  } catch (cause) {
    throw cause instanceof PhasetuneError ? cause : broken(path, what, cause);
  }
}

function broken(path: string, what: string, cause: unknown): PhasetuneError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!.slice(0, 300);
  return dataError(`${path}: not a tokenizer that can ${what}: ${reason}`, { file: path }, cause);
}

function create(json: unknown, config: TokenizerConfig, path: string, ms: number): HubTokenizer {
  checkTokenizerJson(json, path);
  const late = () => new Error(`it takes longer than ${(ms / 1000).toFixed(1)} s`);
  try {
    return limitTime(ms, () => build(json, config), late);
  } catch (cause) {
    throw broken(path, 'be read', cause);
  }
}

function build(json: unknown, config: TokenizerConfig): HubTokenizer {
  const tokenizer = new hub.Tokenizer(json as object, config);
  useRustClasses(tokenizer.pre_tokenizer);
  return tokenizer;
}

function missing(folder: string, path: string): string {
  const hint = exists(join(folder, 'tokenizer.model'))
    ? "the folder has only SentencePiece's tokenizer.model: save it with transformers' AutoTokenizer.save_pretrained, which writes tokenizer.json"
    : 'expected a Hugging Face model folder; for a GGUF file run `phasetune model import` first';
  return `${path}: no such file; ${hint}`;
}

function specialToken(
  inner: HubTokenizer,
  text: string | null | undefined,
  name: string,
  folder: string,
): SpecialToken | undefined {
  if (text === null || text === undefined) return undefined;
  const id = inner.token_to_id(text);
  if (id === undefined)
    throw dataError(
      `${join(folder, 'tokenizer_config.json')}: ${name} is ${JSON.stringify(text)}, which tokenizer.json does not have`,
      {
        field: name,
      },
    );
  return { text, id };
}

/** What follows an answer in the rendered template, if it is one special token: the token that ends a turn. */
function templateEndIds(inner: HubTokenizer, template: ChatRenderer | undefined): number[] {
  if (!template) return [];
  const answer = 'phasetune';
  let text: string;
  try {
    text = template([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: answer },
    ]).text;
  } catch {
    return []; // A template that refuses the plainest conversation says so when it is used.
  }
  const after = text.slice(text.lastIndexOf(answer) + answer.length).trimStart();
  const specials = [...inner.get_added_tokens_decoder().values()].filter(
    (t) => t.special && after.startsWith(t.content),
  );
  const longest = specials.sort((x, y) => y.content.length - x.content.length)[0];
  return longest ? [longest.id] : [];
}
