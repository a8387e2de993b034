import { fail, refuse, withLine } from './errors.js';
import { isSpace } from './text.js';

/** A token of a template. `data` is text outside of tags; of a number, a text, a name `value` is what it stands for. */
export type Token = { readonly line: number } & (
  | { readonly type: 'data' | 'name' | 'string' | 'operator'; readonly value: string }
  | { readonly type: 'integer' | 'float'; readonly value: number }
  | {
      readonly type: 'variable begin' | 'variable end' | 'block begin' | 'block end' | 'end of template';
      readonly value: '';
    }
);

const OPERATORS = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y;
const FLOAT = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[A-Za-z0-9_]+/y;
const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

interface State {
  readonly source: string;
  at: number;
  line: number;
  /** Whether what was read last ended a line. */
  lineStarting: boolean;
  readonly tokens: Token[];
}

/**
 * The tokens of a template, as Jinja2 reads it with `trim_blocks` and `lstrip_blocks`: white space
 * that tags remove is gone, raw blocks are data, comments are left out, and one newline at the very
 * end is dropped.
 */
export function tokenize(template: string): Token[] {
  const source = template.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  const state: State = { source, at: 0, line: 1, lineStarting: true, tokens: [] };
  try {
    while (state.at < source.length) readRoot(state);
  } catch (error) {
    throw withLine(error, state.line);
  }
  state.tokens.push({ type: 'end of template', value: '', line: state.line });
  return state.tokens;
}

/** Moves on to `end`, counting lines. */
function advance(state: State, end: number): undefined {
  const { source } = state;
  for (let i = state.at; i < end; i++) if (source[i] === '\n') state.line++;
  state.lineStarting = end > state.at ? source[end - 1] === '\n' : state.lineStarting;
  state.at = end;
}

/** Text up to the next tag, and that tag. */
function readRoot(state: State): undefined {
  const { source } = state;
  let tag = source.indexOf('{', state.at);
  while (tag >= 0 && !'{%#'.includes(source[tag + 1] ?? ' ')) tag = source.indexOf('{', tag + 1);
  if (tag < 0) {
    pushData(state, source.slice(state.at));
    return advance(state, source.length);
  }
  const raw = source[tag + 1] === '%' ? rawBegin(source, tag) : undefined;
  const sign = '-+'.includes(source[tag + 2] ?? ' ') ? source[tag + 2]! : '';
  const line = state.line;
  const data = trimmed(source.slice(state.at, tag), sign, source[tag + 1] !== '{', state.lineStarting);
  if (data !== '') state.tokens.push({ type: 'data', value: data, line });
  advance(state, raw ?? tag + 2 + sign.length);
  if (raw !== undefined) return readRaw(state);
  if (source[tag + 1] === '#') return readComment(state);
  readTag(state, source[tag + 1] === '{' ? 'variable' : 'block');
}

/** What stays of a text before a tag. */
function trimmed(text: string, sign: string, strips: boolean, lineStarting: boolean): string {
  if (sign === '-') {
    let end = text.length;
    while (end > 0 && isSpace(text[end - 1]!)) end--;
    return text.slice(0, end);
  }
  if (sign === '+' || !strips) return text;
  const line = text.lastIndexOf('\n') + 1;
  if (line === 0 && !lineStarting) return text;
  for (let i = line; i < text.length; i++) if (!isSpace(text[i]!)) return text;
  return text.slice(0, line);
}

function pushData({ tokens, line }: State, value: string): undefined {
  if (value !== '') tokens.push({ type: 'data', value, line });
}

function skipSpace(source: string, from: number): number {
  let at = from;
  while (at < source.length && isSpace(source[at]!)) at++;
  return at;
}

/** Where a raw block's text begins; undefined where the tag is another. */
function rawBegin(source: string, tag: number): number | undefined {
  const word = skipSpace(source, tag + ('-+'.includes(source[tag + 2] ?? ' ') ? 3 : 2));
  if (!source.startsWith('raw', word)) return undefined;
  const at = skipSpace(source, word + 3);
  if (source.startsWith('-%}', at)) return skipSpace(source, at + 3);
  return source.startsWith('%}', at) ? at + 2 : undefined;
}

/**
 * End of a closing tag that may stand at `at`, with the white space that it takes along; undefined
 * where none stands there.
 */
function closing(source: string, at: number, close: '%}' | '#}' | '}}'): number | undefined {
  if (source.startsWith(`-${close}`, at)) return skipSpace(source, at + 3);
  if (close !== '}}' && source.startsWith(`+${close}`, at)) return at + 3;
  if (!source.startsWith(close, at)) return undefined;
  return at + (close !== '}}' && source[at + 2] === '\n' ? 3 : 2);
}

function readRaw(state: State): undefined {
  const { source } = state;
  const begin = state.at;
  for (let tag = source.indexOf('{%', begin); tag >= 0; tag = source.indexOf('{%', tag + 2)) {
    const sign = '-+'.includes(source[tag + 2] ?? ' ') ? source[tag + 2]! : '';
    const word = skipSpace(source, tag + 2 + sign.length);
    if (!source.startsWith('endraw', word)) continue;
    const end = closing(source, skipSpace(source, word + 6), '%}');
    if (end === undefined) continue;
    pushData(state, trimmed(source.slice(begin, tag), sign, true, state.lineStarting));
    return advance(state, end);
  }
  if (begin < source.length) fail('a raw block without its end');
}

function readComment(state: State): undefined {
  const { source } = state;
  // Jinja2 asks for the end only where something follows.
  if (state.at === source.length) return;
  const end = source.indexOf('#}', state.at);
  if (end < 0) fail('a comment without its end');
  const signed = end > state.at && '-+'.includes(source[end - 1]!);
  advance(state, closing(source, signed ? end - 1 : end, '#}')!);
}

/** What stands in `{{ }}` or `{% %}`. */
function readTag(state: State, kind: 'variable' | 'block'): undefined {
  const { source, tokens } = state;
  const close = kind === 'variable' ? '}}' : '%}';
  const open: string[] = [];
  tokens.push({ type: `${kind} begin`, value: '', line: state.line });
  while (state.at < source.length) {
    const end = open.length === 0 ? closing(source, state.at, close) : undefined;
    if (end !== undefined) {
      tokens.push({ type: `${kind} end`, value: '', line: state.line });
      return advance(state, end);
    }
    const blank = skipSpace(source, state.at);
    if (blank > state.at) advance(state, blank);
    else readToken(state, open);
  }
}

function readToken(state: State, open: string[]): undefined {
  const { source, at, line, tokens } = state;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const push = (token: Token, length: number): undefined => {
    tokens.push(token);
    advance(state, at + length);
  };
  const fraction = source[at - 1] === '.' ? undefined : match(FLOAT);
  if (fraction) return push({ type: 'float', value: Number(fraction.replaceAll('_', '')), line }, fraction.length);
  const whole = match(INTEGER);
  if (whole) return push({ type: 'integer', value: wholeNumber(whole), line }, whole.length);
  const name = match(NAME);
  if (name) return push({ type: 'name', value: name, line }, name.length);
  const character = source[at]!;
  if (character === "'" || character === '"') {
    const end = stringEnd(source, at);
    return push({ type: 'string', value: unescapeText(source.slice(at + 1, end - 1)), line }, end - at);
  }
  const operator = match(OPERATORS);
  if (!operator) {
    if (character > '\x7f') refuse(`the character ${JSON.stringify(character)} outside of texts`);
    fail(`unexpected character ${JSON.stringify(character)}`);
  }
  if (CLOSING[operator]) open.push(CLOSING[operator]);
  else if (')]}'.includes(operator) && open.pop() !== operator) fail(`unexpected "${operator}"`);
  push({ type: 'operator', value: operator, line }, operator.length);
}

function wholeNumber(text: string): number {
  const value = Number(text.replaceAll('_', '').toLowerCase());
  return Number.isSafeInteger(value) ? value : refuse('a whole number beyond 2^53');
}

function stringEnd(source: string, at: number): number {
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === source[at]) return i + 1;
  }
  return fail('a text without its closing quote');
}

const SIMPLE: Record<string, string> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const DIGITS: Record<string, number> = { x: 2, u: 4, U: 8 };

/** A text literal's content, with Python's escapes. */
function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:([0-7]{1,3})|([xuU])([0-9a-fA-F]*)|([\s\S]))/g, (all, octal, kind, digits, other) => {
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    if (kind !== undefined) {
      const wanted = DIGITS[kind]!;
      if (digits.length < wanted) fail(`the escape ${all} in a text needs ${wanted} digits`);
      const code = Number.parseInt(digits.slice(0, wanted), 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) refuse(`the escape ${all} in a text`);
      return String.fromCodePoint(code) + digits.slice(wanted);
    }
    if (other in SIMPLE) return SIMPLE[other]!;
    if (other === 'N' || other > '\x7f') refuse(`the escape ${all} in a text`);
    return all;
  });
}
