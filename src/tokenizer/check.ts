import { dataError } from '../core/errors.js';
import { show } from '../core/shown.js';
import type { AddedToken } from './declared-tokens.js';
import { backtracks } from './pattern.js';

/** Highest token id plus one, and most tokens: the largest vocabulary that is known has 262 thousand. */
const MAX_TOKENS = 1 << 22;

/** Longest token, in characters, and all tokens that are looked for letter by letter together. */
const MAX_TOKEN_CHARACTERS = 4096;
const MAX_TREE_CHARACTERS = 8 << 20;

/** Longest pattern, in characters. */
const MAX_PATTERN = 1 << 14;

/**
 * Steps of normalizer, pre-tokenizer, post-processor and decoder, and how many times longer all
 * together may make a text.
 */
const MAX_STEPS = 64;
const MAX_GROWTH = 256;

/** Fields of a model that it puts to parts of a text. */
const MARKS = ['continuing_subword_prefix', 'continuing_subword_suffix', 'end_of_word_suffix', 'unk_token'] as const;

/** Models of the library. */
const MODELS = ['BPE', 'Unigram', 'WordPiece', 'WordLevel'] as const;

type Problem = (what: string) => Error;

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_TOKENS;

/** A tokenizer.json that was checked. */
export interface CheckedTokenizer {
  /** The file's contents. */
  readonly json: Mapping;
  readonly added: readonly (AddedToken & { readonly id: number })[];
  /** Highest id of the model's vocabulary. */
  readonly lastId: number;
  /**
   * True where a character without a token is left out of the ids, by no rule of the file: BPE
   * without a token for unknown text.
   */
  readonly dropsUnknown: boolean;
}

/**
 * Throws a data error, naming the field, where the contents of a tokenizer.json are not such that
 * they can be used in bounded time and memory, or not to the same ids each time (`dropout`).
 * Whatever else is wrong, the library says.
 */
export function checkTokenizerJson(json: unknown, file: string): CheckedTokenizer {
  const problem: Problem = (what) => dataError(`${file}: not a tokenizer that can be read: ${what}`, { file });
  if (!isMapping(json)) throw problem(`expected a JSON object, found ${show(json)}`);
  const { model, added_tokens: added } = json;
  if (!isMapping(model)) throw problem(`model: expected an object with a vocabulary, found ${show(model)}`);
  for (const mark of MARKS)
    if (typeof model[mark] === 'string' && model[mark].length > MAX_GROWTH)
      throw problem(`model.${mark}: expected at most ${MAX_GROWTH} characters, found ${model[mark].length}`);
  const words = checkVocabulary(model, problem);
  if (words) checkMerges(model, words, problem);
  checkAdded(added, problem);
  let steps = 0;
  for (const field of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder']) {
    if (json[field] === undefined) throw problem(`expected the field ${field}, or null in it`);
    const found = checkStep(json[field], field, problem);
    steps += found.steps;
    if (steps > MAX_STEPS) throw problem(`expected at most ${MAX_STEPS} steps around the model, found more`);
    if (found.growth > MAX_GROWTH)
      throw problem(`${field}: it can make a text ${found.growth} times as long; expected at most ${MAX_GROWTH}`);
  }
  if (model.dropout)
    throw problem(
      `model.dropout: expected none, found ${show(model.dropout)}, which cuts words at random; set it to null`,
    );
  return {
    json,
    added: addedTokens(added as readonly Mapping[]),
    lastId: lastIdOf(model),
    dropsUnknown: words !== undefined && !Object.hasOwn(words, String(model.unk_token)) && !leavesOut(json),
  };
}

const addedTokens = (added: readonly Mapping[]): CheckedTokenizer['added'] =>
  added.map(({ id, content, special, lstrip, rstrip, normalized, single_word }) => ({
    id: id as number,
    content: content as string,
    special: special === true,
    lstrip: lstrip === true,
    rstrip: rstrip === true,
    normalized: normalized === true,
    single_word: single_word === true,
  }));

function lastIdOf({ vocab }: Mapping): number {
  if (Array.isArray(vocab)) return vocab.length - 1;
  return Object.values(vocab as Mapping).reduce<number>((most, id) => Math.max(most, id as number), -1);
}

/** Steps that keep every character of a text, or put another for it. */
const KEEPING = ['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'Prepend', 'Sequence', 'ByteLevel'];

/**
 * Whether the file itself says that characters are left out: by a normalizer, or by a pre-tokenizer
 * that removes what it splits at.
 */
function leavesOut({ normalizer, pre_tokenizer: pre }: Mapping): boolean {
  const steps = (step: unknown): Mapping[] =>
    isMapping(step)
      ? [step, ...LISTS.flatMap((list) => (Array.isArray(step[list]) ? step[list].flatMap(steps) : []))]
      : [];
  const keeps = ({ type, content }: Mapping) =>
    KEEPING.includes(type as string) || (type === 'Replace' && content !== '');
  return !steps(normalizer).every(keeps) || steps(pre).some((step) => step.behavior === 'Removed');
}

/** Checks tokens and ids; gives the vocabulary of a model with merges. */
function checkVocabulary(model: Mapping, problem: Problem): Mapping | undefined {
  const { type, vocab } = model;
  if (type !== undefined && !(MODELS as readonly unknown[]).includes(type))
    throw problem(`model.type: expected ${MODELS.join(', ')}, found ${show(type)}`);
  if (Array.isArray(vocab)) {
    if (type !== undefined && type !== 'Unigram')
      throw problem('model.vocab: expected an object of tokens and ids, found a list');
    checkPieces(vocab, problem);
    if (model.unk_id !== undefined && model.unk_id !== null && !(isId(model.unk_id) && model.unk_id < vocab.length))
      throw problem(`model.unk_id: expected an id below ${vocab.length}, found ${show(model.unk_id)}`);
    return undefined;
  }
  if (!isMapping(vocab) || type === 'Unigram')
    throw problem(
      `model.vocab: expected ${type === 'Unigram' ? 'a list of pieces and scores' : 'an object of tokens and ids'}, found ${show(vocab)}`,
    );
  const tokens = Object.entries(vocab);
  if (tokens.length === 0 || tokens.length > MAX_TOKENS)
    throw problem(`model.vocab: expected 1 to ${MAX_TOKENS} tokens, found ${tokens.length}`);
  for (const [token, id] of tokens) {
    if (!isId(id))
      throw problem(`model.vocab: token ${show(token)}: expected an id from 0 to ${MAX_TOKENS - 1}, found ${show(id)}`);
    if (token.length > MAX_TOKEN_CHARACTERS)
      throw problem(
        `model.vocab: token ${show(token)} has ${token.length} characters; expected at most ${MAX_TOKEN_CHARACTERS}`,
      );
  }
  return vocab;
}

function checkPieces(vocab: readonly unknown[], problem: Problem): void {
  if (vocab.length === 0 || vocab.length > MAX_TOKENS)
    throw problem(`model.vocab: expected 1 to ${MAX_TOKENS} pieces, found ${vocab.length}`);
  let characters = 0;
  for (const [i, entry] of vocab.entries()) {
    const [piece, score] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof piece !== 'string' || typeof score !== 'number' || !Number.isFinite(score))
      throw problem(`model.vocab[${i}]: expected a piece and its score, found ${show(entry)}`);
    characters += checkLength(piece, 'model.vocab', problem);
  }
  if (characters > MAX_TREE_CHARACTERS)
    throw problem(
      `model.vocab: expected pieces of at most ${MAX_TREE_CHARACTERS} characters together, found ${characters}`,
    );
}

function checkLength(token: string, field: string, problem: Problem): number {
  if (token.length > MAX_TOKEN_CHARACTERS)
    throw problem(`${field}: ${show(token)} has ${token.length} characters; expected at most ${MAX_TOKEN_CHARACTERS}`);
  return token.length;
}

/** Merges of two tokens each whose result is a token; otherwise text would be lost without a word. */
function checkMerges(
  { type, merges, continuing_subword_prefix: prefix }: Mapping,
  vocab: Mapping,
  problem: Problem,
): void {
  if (merges === undefined && type !== 'BPE') return;
  if (!Array.isArray(merges)) throw problem(`model.merges: expected a list, found ${show(merges)}`);
  const pairs = Array.isArray(merges[0]);
  for (const [i, merge] of (merges as unknown[]).entries()) {
    const parts: unknown = pairs ? merge : typeof merge === 'string' ? merge.split(' ', 2) : undefined;
    const fits = Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === 'string');
    if (!fits) throw problem(`model.merges[${i}]: expected two tokens, found ${show(merge)}`);
    const [left, right] = parts as [string, string];
    const rest = typeof prefix === 'string' && right.startsWith(prefix) ? right.slice(prefix.length) : right;
    if (!Object.hasOwn(vocab, left + right) && !Object.hasOwn(vocab, left + rest))
      throw problem(`model.merges[${i}]: ${show(left)} and ${show(right)} merge to no token of the vocabulary`);
  }
}

function checkAdded(added: unknown, problem: Problem): void {
  if (!Array.isArray(added)) throw problem(`added_tokens: expected a list, found ${show(added)}`);
  let characters = 0;
  for (const [i, token] of (added as unknown[]).entries()) {
    const { id, content } = isMapping(token) ? token : {};
    if (!isId(id) || typeof content !== 'string')
      throw problem(
        `added_tokens[${i}]: expected an id from 0 to ${MAX_TOKENS - 1} and a text as content, found ${show(token)}`,
      );
    characters += checkLength(content, `added_tokens[${i}]`, problem);
  }
  if (characters > MAX_TREE_CHARACTERS)
    throw problem(`added_tokens: expected at most ${MAX_TREE_CHARACTERS} characters together, found ${characters}`);
}

/** Names under which a sequence keeps its steps. */
const LISTS = ['normalizers', 'pretokenizers', 'processors', 'decoders'] as const;

/** Counts the steps of a part, and how many times longer they can make a text one after another. */
function checkStep(step: unknown, field: string, problem: Problem): { steps: number; growth: number } {
  if (step === null) return { steps: 0, growth: 1 };
  if (!isMapping(step)) throw problem(`${field}: expected an object or null, found ${show(step)}`);
  checkPattern(step.pattern, field, problem);
  if (step.type === 'FixedLength' && !(Number.isInteger(step.length) && (step.length as number) > 0))
    throw problem(`${field}.length: expected a whole number of at least 1, found ${show(step.length)}`);
  for (const side of ['single', 'pair'])
    if (Array.isArray(step[side]) && (step[side] as unknown[]).length > MAX_STEPS)
      throw problem(`${field}.${side}: expected at most ${MAX_STEPS} parts, found ${(step[side] as unknown[]).length}`);
  let steps = 1;
  let growth = growthOf(step, field, problem);
  for (const list of LISTS) {
    if (!Array.isArray(step[list])) continue;
    for (const [i, child] of (step[list] as unknown[]).entries()) {
      const found = checkStep(child, `${field}.${list}[${i}]`, problem);
      steps += found.steps;
      growth *= found.growth;
    }
  }
  return { steps, growth };
}

function checkPattern(pattern: unknown, field: string, problem: Problem): void {
  if (pattern === undefined || pattern === null) return;
  const { Regex, String: plain } = isMapping(pattern) ? pattern : {};
  const text = Regex ?? plain;
  if (typeof text !== 'string')
    throw problem(`${field}.pattern: expected {"Regex": text} or {"String": text}, found ${show(pattern)}`);
  if (text.length > MAX_PATTERN)
    throw problem(`${field}.pattern: expected at most ${MAX_PATTERN} characters, found ${text.length}`);
  const why = Regex === undefined ? undefined : backtracks(text);
  if (why)
    throw problem(`${field}.pattern: expected one that is matched in bounded steps, found ${show(text)}, which ${why}`);
}

/** How many times longer one step can make a text: bytes as characters of their own, or what is put for a match. */
function growthOf(step: Mapping, field: string, problem: Problem): number {
  if (step.type === 'ByteLevel' && field.startsWith('pre_tokenizer')) return 3;
  if (step.type === 'Prepend') return 1 + String(step.prepend).length;
  const put = step.type === 'Metaspace' ? (step.str_rep ?? step.replacement) : step.content;
  if ((step.type !== 'Replace' && step.type !== 'Metaspace') || put === undefined || put === null) return 1;
  if (typeof put !== 'string') throw problem(`${field}: expected a text to put in, found ${show(put)}`);
  const plain = isMapping(step.pattern) && typeof step.pattern.String === 'string' ? step.pattern.String.length : 0;
  return plain > 0 ? Math.max(1, put.length / plain) : 1 + put.length;
}
