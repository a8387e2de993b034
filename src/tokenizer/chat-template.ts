import { join } from 'node:path';
import * as z from 'zod';
import { dataError, type PhasetuneError } from '../core/errors.js';
import { exists, readText } from '../io/files.js';
import { compileTemplate, type Template } from './jinja/template.js';
import { list, record, str, type Value } from './jinja/values.js';
import type { TokenizerConfig } from './special-tokens.js';

/** One turn as a chat template sees it. */
export interface TemplateMessage {
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
  /**
   * Pieces of `text` that come from a turn's content, in order. `message` is its index. Adjacent
   * pieces of one message that touch are merged.
   */
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
export type ChatRenderer = (messages: readonly TemplateMessage[], options?: RenderOptions) => RenderedChat;

/** The chat template of a model folder. */
export interface ChatTemplate {
  /** The template itself. */
  readonly source: string;
  readonly render: ChatRenderer;
  /** True where the template calls `strftime_now`: its text depends on {@link RenderOptions.now}. */
  readonly usesClock: boolean;
}

/** Longest template that is read, in characters; those of published models have up to 20 thousand. */
const MAX_TEMPLATE = 1 << 18;

/**
 * The chat template of a model folder: chat_template.jinja, else `chat_template` of
 * tokenizer_config.json, a text or a list of named ones of which `default` is taken. Undefined
 * where there is none; a broken template is a data error. Prints what transformers prints (Jinja2,
 * sandboxed, with the special tokens of tokenizer_config.json as variables), or is a data error
 * that names what is not supported. A template that does not end, or makes far more text than a
 * conversation has, is stopped: a data error.
 */
export async function loadChatTemplate(folder: string, config: TokenizerConfig): Promise<ChatTemplate | undefined> {
  const file = join(folder, 'chat_template.jinja');
  const fromFile = exists(file);
  const source = fromFile ? await readText(file, { keepMark: true }) : defaultOf(config, folder);
  if (source === undefined) return undefined;
  const where = fromFile ? file : `${join(folder, 'tokenizer_config.json')}: chat_template`;
  return createChatTemplate(source, where, specialTexts(config));
}

/**
 * A chat template from its source; `where` names it in messages, `tokens` are the texts of special
 * tokens by variable.
 */
export function createChatTemplate(
  source: string,
  where: string,
  tokens: Readonly<Record<string, string>>,
): ChatTemplate {
  const template = compile(source, where);
  const constant: [string, Value][] = [
    ...Object.entries(tokens).map(([name, text]): [string, Value] => [name, str(text)]),
    ['tools', null],
    ['documents', null],
  ];
  return {
    source,
    usesClock: template.usesClock,
    render(messages, { addGenerationPrompt = false, now } = {}) {
      const variables = new Map<string, Value>([
        ...constant,
        ['messages', list(messages.map(turn))],
        ['add_generation_prompt', addGenerationPrompt],
      ]);
      const characters = messages.reduce((sum, { role, content }) => sum + role.length + content.length, 0);
      try {
        const { text, marks, generated } = template.render({
          variables,
          turns: messages.length,
          characters,
          ...(now && { now }),
        });
        return { text, contents: marks, generated };
      } catch (cause) {
        throw refused(where, messages, cause);
      }
    },
  };
}

/** A turn as a value: its content knows which turn it is of. */
function turn({ role, content }: TemplateMessage, message: number): Value {
  const marks = content === '' ? [] : [{ start: 0, end: content.length, message }];
  return record([
    ['role', str(role)],
    ['content', { kind: 'text', text: content, marks }],
  ]);
}

function refused(where: string, messages: readonly TemplateMessage[], cause: unknown): PhasetuneError {
  const first = messages.slice(0, 6).map((m) => m.role);
  const roles = first.join(', ') + (messages.length > 6 ? ', ...' : '');
  return dataError(
    `${where}: the template refuses a conversation of ${roles}: ${reason(cause)}`,
    { file: where },
    cause,
  );
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
    return compileTemplate(source);
  } catch (cause) {
    throw dataError(`${where}: not a template that can be read: ${reason(cause)}`, { file: where }, cause);
  }
}

const STANDARD = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

const tokenSchema = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);
const namedSchema = z.record(z.string(), tokenSchema);

/**
 * The texts of the special tokens that are set, by the names that transformers gives them as
 * variables: `bos_token` and the like, every other field that ends in `_token`, and the named ones
 * of `extra_special_tokens` and `model_specific_special_tokens`.
 */
function specialTexts(config: TokenizerConfig): Record<string, string> {
  const texts: Record<string, string> = {};
  const put = (name: string, value: unknown) => {
    const read = tokenSchema.safeParse(value);
    if (read.success) texts[name] = read.data;
  };
  for (const name of Object.keys(config))
    if (STANDARD.includes(name) || name.endsWith('_token')) put(name, config[name]);
  for (const field of ['extra_special_tokens', 'model_specific_special_tokens']) {
    const named = namedSchema.safeParse(config[field]);
    if (named.success) Object.assign(texts, named.data);
  }
  return texts;
}

function reason(cause: unknown): string {
  if (cause instanceof RangeError) return 'it was stopped because it calls itself too often or makes too long a text';
  const line = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!;
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
