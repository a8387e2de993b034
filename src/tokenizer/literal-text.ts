import { Tokenizer as RustTokenizer } from 'tokenizers';
import { dataError } from '../core/errors.js';
import type { TextRange } from './chat-template.js';
import type { AddedToken } from './declared-tokens.js';
import { type Encoding, encodingOf } from './encoding.js';

/** A text, and the parts of it whose characters are text whatever they spell. */
export interface LiteralText {
  readonly text: string;
  /** In order, without overlap; UTF-16 offsets. */
  readonly literal: readonly TextRange[];
}

/** An added token with its id, and whether it counts only where the template writes it. */
export interface KnownToken extends AddedToken {
  readonly id: number;
  readonly control: boolean;
}

/** Encodes texts in parts of which a control token that is spelt out stays text. */
export interface LiteralEncoder {
  /**
   * Whether a control token is spelt out in a literal part, so that {@link encode} gives other ids
   * than the tokenizer alone.
   */
  concerns(input: LiteralText): boolean;
  encode(input: LiteralText): Promise<Encoding>;
}

/** Characters of the last private plane, which stand for control tokens; more than any tokenizer has. */
const FIRST = 0x100000;
const STAND_INS = /[\u{100000}-\u{10ffff}]/u;

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** A pattern of texts, the longest first. */
const anyOf = (texts: readonly string[]): RegExp =>
  new RegExp(
    [...texts]
      .sort((a, b) => b.length - a.length)
      .map(escaped)
      .join('|') || '(?!)',
    'g',
  );

/**
 * Encodes as the tokenizer does, except that a control token counts only where the template writes
 * it. The library can either find control tokens anywhere or nowhere (`split_special_tokens` of
 * transformers); so a twin of the tokenizer knows each of them by a private character instead of
 * its text, and that character is put where the template writes the token. All else, such as what
 * is done before and after an added token, is the library's own. `tokens` are all added tokens with
 * their ids.
 */
export function literalEncoder(json: object, tokens: readonly KnownToken[], path: string): LiteralEncoder {
  const special = tokens.filter((t) => t.control && t.content !== '');
  const spelt = anyOf(special.map((t) => t.content));
  const added = anyOf(tokens.filter((t) => t.content !== '').map((t) => t.content));
  const standIns = new Map(special.map(({ content }, i) => [content, String.fromCodePoint(FIRST + i)]));
  let twin: { rust: RustTokenizer; ids: ReadonlyMap<number, number> } | undefined;
  return {
    concerns: ({ text, literal }) => literal.some(({ start, end }) => text.slice(start, end).search(spelt) >= 0),
    async encode(input) {
      if (STAND_INS.test(input.text))
        throw dataError(
          `${path}: a text spells a control token and has a character of the private plane U+100000 to U+10FFFF, which stands for one here; remove that character`,
          { file: path },
        );
      twin ??= makeTwin(json, tokens, standIns);
      const { text, origins } = withStandIns(input, added, standIns);
      const { ids, offsets } = encodingOf(await twin.rust.encode(text, null, { addSpecialTokens: false }), text);
      return { ids: ids.map((id) => twin!.ids.get(id) ?? id), offsets: offsets.map((at) => origins[at]!) };
    },
  };
}

/** The tokenizer with stand-ins for its control tokens, and the true ids of those that got others. */
function makeTwin(json: object, tokens: readonly KnownToken[], standIns: ReadonlyMap<string, string>) {
  const renamed = tokens.map((t) => (t.control ? { ...t, content: standIns.get(t.content) ?? t.content } : t));
  const rust = RustTokenizer.fromString(
    JSON.stringify({ ...json, added_tokens: renamed, truncation: null, padding: null }),
  );
  return { rust, ids: new Map(renamed.map(({ content, id }) => [rust.tokenToId(content) ?? id, id])) };
}

/**
 * The text with stand-ins where it spells control tokens outside the literal parts; `origins` leads
 * from an offset in it to the one in the text given.
 */
function withStandIns({ text, literal }: LiteralText, added: RegExp, standIns: ReadonlyMap<string, string>) {
  const parts: string[] = [];
  const origins: number[] = [];
  let at = 0;
  const copyTo = (end: number) => {
    parts.push(text.slice(at, end));
    for (; at < end; at++) origins.push(at);
  };
  for (const { start, end } of [...literal, { start: text.length, end: text.length }]) {
    const from = at;
    for (const { index, 0: found } of text.slice(from, start).matchAll(added)) {
      const standIn = standIns.get(found);
      if (!standIn) continue;
      copyTo(from + index);
      parts.push(standIn);
      for (let unit = 0; unit < standIn.length; unit++) origins.push(at);
      at += found.length;
    }
    copyTo(start);
    copyTo(end);
  }
  origins.push(text.length);
  return { text: parts.join(''), origins };
}
