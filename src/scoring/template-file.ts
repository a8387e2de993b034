import { parseDocument } from 'yaml';
import type * as z from 'zod';
import { dataError, usageError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { didYouMean } from '../core/suggest.js';
import { limitTime } from '../core/time-limit.js';
import { exists, listFolder, readText } from '../io/files.js';
import { checkSchema } from '../io/json.js';

/** Longest file that is read, in bytes, and the time it gets. */
const MAX_BYTES = 1 << 16;
const MAX_MS = 500;

/** A kind of instructions for a judge that lie in YAML files. */
export interface TemplateKind<T> {
  /** What such a file is called: `rubric`. */
  readonly kind: string;
  /** The option that names one. */
  readonly option: string;
  /** Folder of those that are shipped, with a slash at its end. */
  readonly shipped: string;
  readonly schema: z.ZodType<T>;
  /** The fields that a file must have, in words. */
  readonly fields: string;
}

/**
 * Reads instructions for a judge that are shipped, by name, or the user's own by their path; with
 * the hash of their content. An unknown name is a usage error that lists what there is; a file that
 * is not as the schema says is a data error naming the field.
 */
export async function loadTemplate<T extends object>(
  nameOrPath: string,
  { kind, option, shipped: folder, schema, fields }: TemplateKind<T>,
): Promise<T & { readonly sha256: string }> {
  const names = (await listFolder(folder)).map((name) => name.replace(/\.yaml$/, '')).sort();
  const shipped = names.includes(nameOrPath);
  if (!shipped && !exists(nameOrPath) && !/[/\\]|\.(ya?ml|json)$/i.test(nameOrPath))
    throw usageError(
      `\`${option}\`: no ${kind} is called "${nameOrPath}"${didYouMean(nameOrPath, names)}; expected one of ${names.join(', ')}, or the path of your own file`,
      { option, name: nameOrPath },
    );
  const file = shipped ? `${folder}${nameOrPath}.yaml` : nameOrPath;
  const source = await readText(file, { maxBytes: MAX_BYTES });
  const template = checkSchema(readYaml(source, file, `a ${kind} as YAML or JSON with ${fields}`), schema, file);
  return { ...template, sha256: hashOf(template) };
}

function readYaml(source: string, file: string, expected: string): unknown {
  const refuse = (what: string) => dataError(`${file}: ${what}; expected ${expected}`, { file });
  let document: ReturnType<typeof parseDocument>;
  let value: unknown;
  try {
    document = limitTime(
      MAX_MS,
      () => parseDocument(source, { logLevel: 'error' }),
      () => new RangeError(),
    );
    value = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    throw refuse(error instanceof RangeError ? 'it is nested too deep' : (error as Error).message);
  }
  const broken = document.errors[0];
  if (broken) throw refuse(broken.message.split('\n')[0]!.replace(/:$/, ''));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('it is not a mapping of fields');
  return value;
}

/** What is wrong with the placeholders of a template, by field. */
export function* placeholderProblems(
  { system = '', user }: { readonly system?: string | undefined; readonly user: string },
  what: string,
  known: readonly string[],
): Generator<{ readonly path: string; readonly message: string }> {
  const items = user.split('{{item}}').length - 1;
  if (items !== 1)
    yield { path: 'user', message: `expected {{item}} once, where the ${what} to stand; found it ${items} times` };
  if (system.includes('{{item}}')) yield { path: 'system', message: 'expected {{item}} in the user turn only' };
  const expected = known.map((name) => `{{${name}}}`);
  const list = expected.length > 1 ? `${expected.slice(0, -1).join(', ')} or ${expected.at(-1)}` : expected[0];
  for (const [path, value] of Object.entries({ system, user }))
    for (const [all, name] of value.matchAll(/\{\{\s*(.*?)\s*\}\}/g))
      if (!expected.includes(all))
        yield { path, message: `unknown placeholder {{${name}}}; expected ${list}, without spaces inside` };
}
