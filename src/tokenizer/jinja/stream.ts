import { fail, refuse } from './errors.js';
import type { Token } from './lexer.js';

/** Deepest nesting of expressions and blocks; Python gives up not far beyond. */
const DEEPEST = 80;

/** Most operators in a row. */
export const LONGEST = 180;

/** What a parser reads from. */
export interface TokenStream {
  readonly tokens: readonly Token[];
  at: number;
  depth: number;
}

/** The token that is next. */
export const current = ({ tokens, at }: TokenStream): Token => tokens[Math.min(at, tokens.length - 1)]!;

/** Whether the next token is this operator or name. */
export const isNext = (stream: TokenStream, type: 'operator' | 'name', value: string, ahead = 0): boolean => {
  const token = stream.tokens[stream.at + ahead];
  return token?.type === type && token.value === value;
};

/** Takes the next token where it is this one. */
export function skipIf(stream: TokenStream, type: 'operator' | 'name', value: string): boolean {
  if (!isNext(stream, type, value)) return false;
  stream.at++;
  return true;
}

/** How a token is called in messages. */
export const describe = (token: Token): string =>
  token.type === 'name' || token.type === 'operator' ? `"${token.value}"` : token.type;

/** Takes the next token, which must be of this kind (and this value). */
export function expect(stream: TokenStream, type: Token['type'], value?: string): Token {
  const token = current(stream);
  if (token.type !== type || (value !== undefined && token.value !== value))
    fail(`expected ${value === undefined ? type : `"${value}"`}, found ${describe(token)}`);
  stream.at++;
  return token;
}

/** Runs a part of the parser one level deeper. */
export function deeper<T>(stream: TokenStream, parse: () => T): T {
  if (++stream.depth > DEEPEST) refuse(`a nesting of more than ${DEEPEST} levels`);
  const parsed = parse();
  stream.depth--;
  return parsed;
}
