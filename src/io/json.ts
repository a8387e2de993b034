import type * as z from 'zod';
import { dataError } from '../core/errors.js';
import { readText } from './files.js';

/**
 * Reads a JSON file (gzip or plain). A syntax error is reported with file, line, column and what stands there; with a zod
 * schema, a wrong field by its path.
 */
export async function readJson(path: string): Promise<unknown>;
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T>;
export async function readJson<T>(path: string, schema?: z.ZodType<T>): Promise<unknown> {
  const value = parseJson(await readText(path), path);
  return schema ? checkSchema(value, schema, path) : value;
}

/** JSON.parse with an error that names file, line (counted from `firstLine`), column and what stands there. */
export function parseJson(text: string, file: string, firstLine = 1): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const at = scanJson(text).errorAt ?? text.length;
    const before = text.slice(0, at).split('\n');
    const line = firstLine + before.length - 1;
    const column = before.at(-1)!.length + 1;
    const came = at >= text.length ? 'the end of the text' : JSON.stringify(text.slice(at, at + 20));
    throw dataError(`${file}:${line}:${column}: not valid JSON, found ${came}`, { file, line, column }, cause);
  }
}

/** Checks a value against a zod schema; the data error names file and field. */
export function checkSchema<T>(value: unknown, schema: z.ZodType<T>, file: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.map(String).join('.');
  const more = result.error.issues.length > 1 ? ` (and ${result.error.issues.length - 1} more)` : '';
  throw dataError(`${file}: ${field ? `field ${field}: ` : ''}${issue.message}${more}`, { file, field }, result.error);
}

// The text's plain runs and escapes alternate, so that nothing can match in two ways: a long broken text stays linear.
const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;

/**
 * Walks JSON text by its grammar, for what JSON.parse does not tell: where the first error is, and the first key that
 * occurs twice in one object.
 */
export function scanJson(text: string): { errorAt?: number; duplicateKey?: string } {
  const open: { keys?: Set<string> }[] = [];
  let want: 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' = 'value';
  let duplicateKey: string | undefined;
  let at = 0;
  const skip = (i: number) => {
    while (i < text.length && ' \t\n\r'.includes(text[i]!)) i++;
    return i;
  };
  const found = () => (duplicateKey === undefined ? {} : { duplicateKey });
  while (want !== ', or end' || open.length > 0) {
    TOKEN.lastIndex = at;
    const [all, mark, string] = TOKEN.exec(text) ?? [];
    if (all === undefined) return { errorAt: skip(at), ...found() };
    const top = open.at(-1);
    if (want === ':' ? mark === ':' : false) want = 'value';
    else if (want.startsWith('key') && string !== undefined) {
      const key = JSON.parse(string) as string;
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
    } else return { errorAt: skip(at), ...found() };
    at += all.length;
  }
  const rest = skip(at);
  return rest < text.length ? { errorAt: rest, ...found() } : found();
}
