import { LineCounter, parseDocument } from 'yaml';
import { usageError } from '../core/errors.js';
import { suggest } from '../core/suggest.js';
import { limitTime } from '../core/time-limit.js';
import { readText } from '../io/files.js';
import { coerceText } from './coerce.js';
import { type JsonSchema, optionPaths, schemaAt } from './json-schema.js';
import type { Layer } from './layers.js';
import { isMapping, type Mapping, setAt, shownInput } from './paths.js';

/** Names that begin with PHASETUNE_ but are no options: they steer the installation and the tests, not a run. */
const RESERVED = new Set(['PHASETUNE_HOME', 'PHASETUNE_PYTHON', 'PHASETUNE_TEST_DEVICE']);

/** Longest recipe, and the time it gets to be read: checking that keys differ takes the square of their number. */
const MAX_RECIPE = { bytes: 1 << 16, ms: 500 };

/** Deepest nesting of a recipe's values; the schema knows three levels. */
const MAX_DEPTH = 20;

const TOO_DEEP = 'lists and mappings are nested too deep; expected options';

/** Most brackets that are open at once, texts and comments counted in: more would fill memory before the depth is known. */
const MAX_OPEN = 500;

function opened(text: string): number {
  let [open, most] = [0, 0];
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === '[' || bracket === '{' ? 1 : -1;
    most = Math.max(most, open);
  }
  return most;
}

function readYaml(text: string, file: string, lines: LineCounter) {
  const refuse = (what: string) => usageError(`${file}: ${what}`, { file });
  if (opened(text) > MAX_OPEN) throw refuse(TOO_DEEP);
  let document: ReturnType<typeof parseDocument>;
  let values: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    values = document.errors.length > 0 ? {} : (document.toJS() ?? {});
  } catch (error) {
    if (error instanceof RangeError) throw refuse(TOO_DEEP);
    // Aliases that multiply, or lead nowhere.
    if (error instanceof ReferenceError) throw refuse(error.message);
    throw error;
  }
  const broken = document.errors[0];
  if (broken?.message.includes('call stack')) throw refuse(TOO_DEEP);
  if (broken) throw usageError(`${file}:${lines.linePos(broken.pos[0]).line}: ${wordsOf(broken)}`, { file });
  if (!isMapping(values)) throw refuse(`expected a mapping of options, got ${shownInput(values, 80)}`);
  checkPlain(values, MAX_DEPTH, refuse);
  return { document, values };
}

/** What is wrong with the text; the parser's words, except where they are about its own functions. */
const wordsOf = ({ code, message }: { readonly code: string; readonly message: string }): string =>
  code === 'MULTIPLE_DOCS'
    ? 'a second document begins here; expected the options of one command in one document, without --- between them'
    : message.split('\n')[0]!.slice(0, 300);

/** Refuses values that YAML makes and options never are: binary data, sets, dates, and nesting without end. */
function checkPlain(value: unknown, left: number, refuse: (what: string) => Error): void {
  if (typeof value !== 'object' || value === null) return;
  if (left === 0) throw refuse(`lists and mappings are nested deeper than ${MAX_DEPTH} levels; expected options`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype)
    throw refuse('expected texts, numbers, lists and mappings; found a value with a special tag');
  for (const child of Object.values(value)) checkPlain(child, left - 1, refuse);
}

/** A recipe file, YAML or JSON. Throws a usage error naming file and line when it cannot be read as a mapping. */
export async function recipeLayer(file: string): Promise<Layer> {
  const lines = new LineCounter();
  const text = await readText(file, { maxBytes: MAX_RECIPE.bytes });
  const { document, values } = limitTime(
    MAX_RECIPE.ms,
    () => readYaml(text, file, lines),
    () => usageError(`${file}: it takes too long to read; expected the options of one command`, { file }),
  );
  const where = (path: readonly PropertyKey[]) => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, ...number[]] } | undefined;
      if (node?.range) return `${file}:${lines.linePos(node.range[0]).line}: ${path.join('.')}`;
    }
    return `${file}: ${path.join('.')}`;
  };
  // Tells an editor where the schema is; nothing to us.
  delete values.$schema;
  return { values, where };
}

/** Options set by `--set key=value`, keys dotted as in the recipe. */
export function setLayer(json: JsonSchema, assignments: readonly string[]): Layer {
  const values: Mapping = {};
  for (const text of assignments) {
    const at = text.indexOf('=');
    if (at <= 0) throw usageError(`--set: expected key=value such as lora.rank=16, got "${text}"`, { option: 'set' });
    put(values, json, text.slice(0, at).split('.'), text.slice(at + 1));
  }
  return { values, where: (path) => `--set ${path.join('.')}` };
}

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'PHASETUNE_';

/** Variables that may be options. */
const optionsIn = (environment: Environment) =>
  Object.entries(environment).flatMap(([name, text]) =>
    name.startsWith(PREFIX) && !RESERVED.has(name) && text !== undefined ? [{ name, text }] : [],
  );

const stands = (json: JsonSchema, name: string): boolean => schemaAt(json, keysOf(json, name)) !== undefined;

/** True where a variable stands for none of these options: it may stand for one of another command. */
export const hasForeignVariable = (json: JsonSchema, environment: Environment): boolean =>
  optionsIn(environment).some(({ name }) => !stands(json, name));

/**
 * Options from the environment: `PHASETUNE_` and the key in capitals with `_` between words and `__` between levels, so
 * `PHASETUNE_LORA__RANK=16` is `lora.rank`. A variable is there for all commands: one that is an option of `others` only is left out.
 * Throws a usage error for a name that stands for no option of any; within a mapping it keeps its own spelling, to be refused by it.
 */
export function environmentLayer(
  json: JsonSchema,
  environment: Environment,
  others: readonly JsonSchema[] = [],
): Layer {
  const values: Mapping = {};
  for (const { name, text } of optionsIn(environment)) {
    if (!stands(json, name) && others.some((other) => stands(other, name))) continue;
    const keys = keysOf(json, name);
    if (!schemaAt(json, keys.slice(0, 1))) throw unknownVariable(name, [json, ...others]);
    put(values, json, keys, text);
  }
  return { values, where: variableOf };
}

function unknownVariable(name: string, schemas: readonly JsonSchema[]): Error {
  const known = [...new Set(schemas.flatMap((schema) => optionPaths(schema).map(variableOf)))];
  // Without the part that all begin with, which would make any two of them look alike.
  const near = suggest(
    name.slice(PREFIX.length),
    known.map((one) => one.slice(PREFIX.length)),
  );
  const hint = near ? ` (did you mean "${PREFIX}${near}"?)` : `; options are ${known.join(', ')}`;
  return usageError(`${name}: unknown option${hint}`, { option: name });
}

const variableOf = (path: readonly PropertyKey[]): string => PREFIX + path.map((key) => snake(String(key))).join('__');

const snake = (key: string) => key.replace(/[A-Z]|(?<=[a-z])[0-9]/g, (start) => `_${start}`).toUpperCase();

function keysOf(json: JsonSchema, name: string): string[] {
  const keys: string[] = [];
  for (const part of name.slice(PREFIX.length).split('__')) {
    const properties = Object.keys(schemaAt(json, keys)?.properties ?? {});
    const camel = part.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    keys.push(properties.find((key) => snake(key) === part) ?? camel);
  }
  return keys;
}

function put(values: Mapping, json: JsonSchema, path: readonly string[], text: string): void {
  const schema = schemaAt(json, path);
  setAt(values, path, schema ? coerceText(schema, text) : text);
}
