import type * as z from 'zod';
import { dataError } from '../core/errors.js';
import { andMore, shownName } from '../core/shown.js';
import { readText } from './files.js';

/** Deepest nesting of lists and objects that is read; what walks a value may then call itself for each level. */
const MAX_DEPTH = 200;

/** What a JSON file may hold. */
export interface JsonLimits {
  /** Longest file, plain and unpacked, in bytes [64 MiB]. */
  readonly maxBytes?: number;
  /** Takes the key `__proto__` too: for a vocabulary, where it is a word like any other. */
  readonly anyKey?: boolean;
}

/**
 * Reads a JSON file (gzip or plain). A syntax error is reported with file, line, column and what
 * stands there; with a zod schema, a wrong field by its path. Of a key that occurs twice the last
 * value counts, as in Python.
 */
export async function readJson(path: string, schema?: undefined, limits?: JsonLimits): Promise<unknown>;
export async function readJson<T>(path: string, schema: z.ZodType<T>, limits?: JsonLimits): Promise<T>;
export async function readJson<T>(path: string, schema?: z.ZodType<T>, limits: JsonLimits = {}): Promise<unknown> {
  const value = parseJson(await readText(path, limits), path, 1, limits);
  return schema ? checkSchema(value, schema, path) : value;
}

/**
 * JSON.parse with an error that names file, line (counted from `firstLine`), column and what stands there. Nesting over
 * 200 levels is a data error, and so is the key `__proto__`, which can change what an object is when it is copied.
 */
export function parseJson(
  text: string,
  file: string,
  firstLine = 1,
  { anyKey = false }: Pick<JsonLimits, 'anyKey'> = {},
): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const position = scanJson(text).errorAt ?? text.length;
    const before = text.slice(0, position).split('\n');
    const line = firstLine + before.length - 1;
    const column = before.at(-1)!.length + 1;
    const came =
      position >= text.length
        ? 'the end of the text'
        : shownName(JSON.stringify(text.slice(position, position + 20)), 200);
    throw dataError(`${file}:${line}:${column}: not valid JSON, found ${came}`, { file, line, column }, cause);
  }
  const problem = treeProblem(value, MAX_DEPTH, anyKey);
  if (problem) throw dataError(`${file}${firstLine > 1 ? `:${firstLine}` : ''}: ${problem}`, { file, line: firstLine });
  return value;
}

/** What is wrong with the shape of a parsed value: too deep by `left` levels, or a key that must not be. */
function treeProblem(value: unknown, left: number, anyKey: boolean): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (left === 0) return `lists and objects are nested deeper than ${MAX_DEPTH} levels; expected plain data`;
  if (!anyKey && Object.hasOwn(value, '__proto__')) return 'the key "__proto__" is not allowed; rename or remove it';
  for (const child of Array.isArray(value) ? value : Object.values(value)) {
    const problem = treeProblem(child, left - 1, anyKey);
    if (problem) return problem;
  }
  return undefined;
}

/** Checks a value against a zod schema; the data error names file and field, and the line where it is given. */
export function checkSchema<T>(value: unknown, schema: z.ZodType<T>, file: string, line?: number): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = shownName(issue.path.map(String).join('.'));
  const more = andMore(result.error.issues.length - 1) + newerNote(value, field);
  throw dataError(
    `${file}${line === undefined ? '' : `, line ${line}`}: ${field ? `field ${field}: ` : ''}${shownName(issue.message, 500)}${more}`,
    { file, field, ...(line !== undefined && { line }) },
    result.error,
  );
}

/** What is said of a file of ours whose version is not known here. */
function newerNote(value: unknown, field: string): string {
  const { schema, version } = (value ?? {}) as { schema?: unknown; version?: unknown };
  if (field !== 'version' || typeof version !== 'number' || !String(schema).startsWith('phasetune/')) return '';
  return `, found ${version}; was it written by a newer version of phasetune?`;
}

/** White space, then a mark, the quote that begins a text, or a number or word. */
const TOKEN = /[ \t\n\r]*(?:([{}[\],:])|(")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;

/**
 * A run inside a text without quotes, and an escape. Each is matched alone: one pattern for both
 * runs out of stack on long texts.
 */
const RUN = /[ !#-[\]-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Index after the quote that ends a text whose inside begins at `from`; undefined where it is broken. */
function textEnd(text: string, from: number): number | undefined {
  for (let position = from; ; position = ESCAPE.lastIndex) {
    RUN.lastIndex = position;
    RUN.exec(text);
    if (text[RUN.lastIndex] === '"') return RUN.lastIndex + 1;
    ESCAPE.lastIndex = RUN.lastIndex;
    if (!ESCAPE.test(text)) return undefined;
  }
}

/**
 * Walks JSON text by its grammar, for what JSON.parse does not say: where the first error is, and the first key that
 * occurs twice in one object.
 */
export function scanJson(text: string): { errorAt?: number; duplicateKey?: string } {
  const open: { keys?: Set<string> }[] = [];
  let want: 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' = 'value';
  let duplicateKey: string | undefined;
  let position = 0;
  const skip = (i: number) => {
    while (i < text.length && ' \t\n\r'.includes(text[i]!)) i++;
    return i;
  };
  const duplicate = () => (duplicateKey === undefined ? {} : { duplicateKey });
  while (want !== ', or end' || open.length > 0) {
    TOKEN.lastIndex = position;
    const [all, mark, quote] = TOKEN.exec(text) ?? [];
    const begin = position + (all?.length ?? 0);
    const end = quote === undefined ? begin : textEnd(text, begin);
    if (all === undefined || end === undefined) return { errorAt: skip(position), ...duplicate() };
    const top = open.at(-1);
    if (want === ':' ? mark === ':' : false) want = 'value';
    else if (want.startsWith('key') && quote !== undefined) {
      const key = JSON.parse(text.slice(begin - 1, end)) as string;
      if (top!.keys!.has(key)) duplicateKey ??= key;
      top!.keys!.add(key);
      want = ':';
    } else if (want.startsWith('value') && (mark === '{' || mark === '[')) {
      open.push(mark === '{' ? { keys: new Set() } : {});
      want = mark === '{' ? 'key or }' : 'value or ]';
    } else if (want.startsWith('value') && mark === undefined) want = ', or end';
    else if (want === ', or end' && mark === ',') want = top!.keys ? 'key' : 'value';
    else if (mark === (top?.keys ? '}' : ']') && top && (want === ', or end' || want.endsWith(mark))) {
      open.pop();
      want = ', or end';
    } else return { errorAt: skip(position), ...duplicate() };
    position = end;
  }
  const rest = skip(position);
  return rest < text.length ? { errorAt: rest, ...duplicate() } : duplicate();
}
