import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { dataError } from '../core/errors.js';
import { exists, readText } from '../io/files.js';
import type { TokenizerConfig } from './special-tokens.js';

/** One turn as a chat template sees it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** Renders a conversation to text. `addGenerationPrompt` (default false) adds what comes before an answer. */
export type ChatRenderer = (messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }) => string;

/**
 * The chat template of a model folder: chat_template.jinja, else `chat_template` of tokenizer_config.json, a text or a
 * list of named ones of which `default` is taken. Undefined where there is none; a broken template is a data error. Renders as
 * transformers does, but for `trim`, which here also strips U+FEFF.
 */
export async function loadChatTemplate(folder: string, config: TokenizerConfig): Promise<ChatRenderer | undefined> {
  const file = join(folder, 'chat_template.jinja');
  const fromFile = exists(file);
  const source = fromFile ? await readText(file) : defaultOf(config, folder);
  if (source === undefined) return undefined;
  const where = fromFile ? file : `${join(folder, 'tokenizer_config.json')}: chat_template`;
  const template = compile(source, where);
  const tokens = specialTexts(config);
  return (messages, { addGenerationPrompt = false } = {}) => {
    const variables = { messages, tools: null, documents: null, add_generation_prompt: addGenerationPrompt, ...tokens };
    try {
      return template.render(variables);
    } catch (cause) {
      const roles = messages.map((m) => m.role).join(', ');
      throw dataError(
        `${where}: the template refuses a conversation of ${roles}: ${reason(cause)}`,
        { file: where },
        cause,
      );
    }
  };
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
  try {
    return new Template(source);
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

const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
