import { join } from 'node:path';
import { countTokens } from '../data/count-tokens.js';
import { encodable, rendererOf } from '../data/prompt.js';
import type { InstructionRecord } from '../data/record.js';
import { exists, hashFile } from '../io/files.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/** Where the lengths of rows come from. */
export interface Measure {
  readonly counted: 'tokenizer' | 'estimate';
  /** The tokenizer's files by name, with the SHA-256 of each. */
  readonly tokenizer?: Readonly<Record<string, string>>;
  /** Tokens of each row. */
  count(rows: readonly InstructionRecord[]): Promise<readonly number[]>;
}

/** English text has about four characters to a token; a turn's markers take about four tokens. */
const CHARACTERS_PER_TOKEN = 4;
const TOKENS_PER_TURN = 4;

/**
 * Tokens estimated without a tokenizer: a quarter of the characters, at least one for each word,
 * and four for each turn. Good enough to cut stages of equal length; off by a third and more for
 * code or other languages.
 */
export const estimateLength = ({ messages }: InstructionRecord): number =>
  messages.reduce((sum, { content }) => sum + TOKENS_PER_TURN + estimateTokens(content), 0);

/** {@link estimateLength} of each row. */
export const estimatedLengths: Measure = { counted: 'estimate', count: async (rows) => rows.map(estimateLength) };

/** Tokens of a text estimated without a tokenizer: a quarter of the characters, at least one for each word. */
export const estimateTokens = (text: string): number =>
  Math.max(Math.ceil(text.length / CHARACTERS_PER_TOKEN), wordsOf(text));

const WORD = /\S+/g;

function wordsOf(text: string): number {
  let words = 0;
  WORD.lastIndex = 0;
  while (WORD.test(text)) words++;
  return words;
}

/** The files of a model's folder that decide the number of tokens. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
];

/**
 * Tokens as a trainer sees them: rendered by the tokenizer's chat template, or by the paper's where
 * it has none. A row that they refuse is a data error that names it.
 */
export async function tokenizerLengths(tokenizer: Tokenizer): Promise<Measure> {
  const render = rendererOf(tokenizer, tokenizer.hasChatTemplate ? 'chat' : 'paper');
  const rendered = ({ messages }: InstructionRecord) => [encodable(render(messages), { splitSpecialTokens: true })];
  const files = TOKENIZER_FILES.map((name) => [name, join(tokenizer.folder, name)] as const).filter(([, path]) =>
    exists(path),
  );
  const hashes = await Promise.all(files.map(async ([name, path]) => [name, await hashFile(path)] as const));
  return {
    counted: 'tokenizer',
    tokenizer: Object.fromEntries(hashes),
    count: (rows) => countTokens(rows, rendered, tokenizer),
  };
}
