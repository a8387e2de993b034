import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { dataError } from '../core/errors.js';
import { limitTime } from '../core/time-limit.js';
import { exists, readText } from '../io/files.js';
import { renderBounded } from './bounded-template.js';
import type { TokenizerConfig } from './special-tokens.js';

/** One turn as a chat template sees it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** A piece of a text, UTF-16 offsets. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A conversation as a chat template writes it, and where its text comes from. */
export interface RenderedChat {
  readonly text: string;
  /** Pieces of `text` that come from a turn's content, in order. `message` is its index. Adjacent pieces of one message that touch are merged. */
  readonly contents: readonly (TextRange & { readonly message: number })[];
  /** What stood in `{% generation %}` blocks, in order; empty where the template has none. */
  readonly generated: readonly TextRange[];
}

/** How a conversation is rendered. */
export interface RenderOptions {
  /** Adds what comes before an answer (default false). */
  readonly addGenerationPrompt?: boolean;
  /** What `strftime_now` prints; default: the clock. */
  readonly now?: Date;
}

/** Renders a conversation. A template that refuses it, or uses what is not known here, is a data error. */
export type ChatRenderer = (messages: readonly ChatMessage[], options?: RenderOptions) => RenderedChat;

/** The chat template of a model folder. */
export interface ChatTemplate {
  readonly render: ChatRenderer;
  /** True where the template calls `strftime_now`: its text depends on {@link RenderOptions.now}. */
  readonly usesClock: boolean;
  /** True where the template has `{% generation %}` blocks. */
  readonly hasGeneration: boolean;
}

/** Longest template that is read, in characters; those of published models have up to 20 thousand. */
const MAX_TEMPLATE = 1 << 18;

/** Time that a template gets, in milliseconds: at least, and for each character of the conversation. */
const TIME = { least: 400, perCharacter: 0.02 };

/**
 * The chat template of a model folder: chat_template.jinja, else `chat_template` of tokenizer_config.json, a text or a
 * list of named ones of which `default` is taken. Undefined where there is none; a broken template is a data error. Renders as
 * transformers does, but for `trim`, which here also strips U+FEFF. A template that does not end, or makes far more text than a
 * conversation has, is stopped: a data error.
 */
export async function loadChatTemplate(folder: string, config: TokenizerConfig): Promise<ChatTemplate | undefined> {
  const file = join(folder, 'chat_template.jinja');
  const fromFile = exists(file);
  const source = fromFile ? await readText(file) : defaultOf(config, folder);
  if (source === undefined) return undefined;
  const where = fromFile ? file : `${join(folder, 'tokenizer_config.json')}: chat_template`;
  const template = compile(source, where);
  const tokens = specialTexts(config);
  const render: ChatRenderer = (messages, { addGenerationPrompt = false } = {}) => {
    const variables = { messages, tools: null, documents: null, add_generation_prompt: addGenerationPrompt, ...tokens };
    const characters = messages.reduce((sum, { role, content }) => sum + role.length + content.length, 0);
    const ms = TIME.least + TIME.perCharacter * characters;
    const late = () => new Error(`it was stopped, for it takes longer than ${(ms / 1000).toFixed(1)} s`);
    try {
      const text = limitTime(
        ms,
        () => renderBounded(template, variables, { turns: messages.length, characters }),
        late,
      );
      return { text, contents: locate(text, messages), generated: [] };
    } catch (cause) {
      const roles =
        messages
          .slice(0, 6)
          .map((m) => m.role)
          .join(', ') + (messages.length > 6 ? ', ...' : '');
      throw dataError(
        `${where}: the template refuses a conversation of ${roles}: ${reason(cause)}`,
        { file: where },
        cause,
      );
    }
  };
  return { render, usesClock: source.includes('strftime_now'), hasGeneration: false };
}

/** Where the contents stand, searched from the front. */
function locate(text: string, messages: readonly ChatMessage[]): RenderedChat['contents'] {
  const found: (TextRange & { readonly message: number })[] = [];
  let from = 0;
  for (const [message, { content }] of messages.entries()) {
    const start = content === '' ? -1 : text.indexOf(content, from);
    if (start < 0) continue;
    from = start + content.length;
    found.push({ message, start, end: from });
  }
  return found;
}

function defaultOf(config: TokenizerConfig, folder: string): string | undefined {
  const given = config.chat_template ?? undefined;
  if (given === undefined || typeof given === 'string') return given;
  const found = given.find((t) => t.name === 'default');
  if (found) return found.template;
  const names = given.map((t) => t.name).join(', ');
  throw dataError(
    `${join(folder, 'tokenizer_config.json')}: chat_template is a list without the entry "default" (it has ${names}); name one of them default`,
  );
}

function compile(source: string, where: string): Template {
  if (source.length > MAX_TEMPLATE)
    throw dataError(`${where}: ${source.length} characters; expected a chat template of at most ${MAX_TEMPLATE}`, {
      file: where,
    });
  try {
    const late = () => new Error('it takes too long to read');
    return limitTime(TIME.least, () => new Template(source), late);
  } catch (cause) {
    throw dataError(`${where}: not a template that can be read: ${reason(cause)}`, { file: where }, cause);
  }
}

/** The texts of the special tokens that are set: templates use them as variables, `bos_token` and the like. */
function specialTexts(config: TokenizerConfig): Record<string, string> {
  const { bos_token, eos_token, pad_token, unk_token } = config;
  const set = Object.entries({ bos_token, eos_token, pad_token, unk_token }).filter(
    ([, text]) => typeof text === 'string',
  );
  return Object.fromEntries(set) as Record<string, string>;
}

function reason(cause: unknown): string {
  if (cause instanceof RangeError) return 'it was stopped, for it calls itself too often or makes too long a text';
  const line = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!;
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
