import { LineCounter, parseDocument } from 'yaml';
import { usageError } from '../core/errors.js';
import { suggest } from '../core/suggest.js';
import { limitTime } from '../core/time-limit.js';
import { readText } from '../io/files.js';
import { coerceText } from './coerce.js';
import { type JsonSchema, optionPaths, schemaAt } from './json-schema.js';
import type { Layer } from './layers.js';
import { isMapping, type Mapping, setAt, shownInput } from './paths.js';

/**
 * Variables that begin with PHASETUNE_ but are not options: they configure the installation and the
 * tests, not a run.
 */
const RESERVED = new Set([
  'PHASETUNE_CHROMIUM',
  'PHASETUNE_HOME',
  'PHASETUNE_PYTHON',
  'PHASETUNE_TENSORBOARD_PYTHON',
  'PHASETUNE_TEST_DEVICE',
  'PHASETUNE_TRL_PYTHON',
]);

/** The longest file of options, and the time limit for reading it: checking for duplicate keys takes quadratic time. */
const MAX_FILE = { bytes: 1 << 16, ms: 500 };

/** The deepest nesting of values; no schema has more than a few levels. */
const MAX_DEPTH = 20;

const TOO_DEEP = 'lists and mappings are nested too deep; expected options';

/**
 * Most brackets open at once, including those in texts and comments: more would fill memory before
 * the depth is known.
 */
const MAX_OPEN = 500;

function deepestBracket(text: string): number {
  let [open, deepest] = [0, 0];
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === '[' || bracket === '{' ? 1 : -1;
    deepest = Math.max(deepest, open);
  }
  return deepest;
}

function readYaml(text: string, file: string, lines: LineCounter, what: string) {
  const refuse = (problem: string) => usageError(`${file}: ${problem}`, { file });
  if (deepestBracket(text) > MAX_OPEN) throw refuse(TOO_DEEP);
  let document: ReturnType<typeof parseDocument>;
  let values: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    values = document.errors.length > 0 ? {} : (document.toJS() ?? {});
  } catch (error) {
    if (error instanceof RangeError) throw refuse(TOO_DEEP);
    // Aliases that expand without end, or refer to nothing.
    if (error instanceof ReferenceError) throw refuse(error.message);
    throw error;
  }
  const broken = document.errors[0];
  if (broken?.message.includes('call stack')) throw refuse(TOO_DEEP);
  if (broken) throw usageError(`${file}:${lines.linePos(broken.pos[0]).line}: ${wordsOf(broken, what)}`, { file });
  if (!isMapping(values)) throw refuse(`expected a mapping of options, got ${shownInput(values, 80)}`);
  checkPlain(values, MAX_DEPTH, refuse);
  return { document, values };
}

/** What is wrong with the text, in the parser's words unless they are about its own functions. */
const wordsOf = ({ code, message }: { readonly code: string; readonly message: string }, what: string): string =>
  code === 'MULTIPLE_DOCS'
    ? `a second document starts here; expected ${what} in one document, without \`---\` between them`
    : message.split('\n')[0]!.slice(0, 300);

/** Refuses values that YAML allows but no option takes: binary data, sets, dates, and endless nesting. */
function checkPlain(value: unknown, levels: number, refuse: (problem: string) => Error): void {
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw refuse(`lists and mappings are nested deeper than ${MAX_DEPTH} levels; expected options`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype)
    throw refuse('expected texts, numbers, lists and mappings; found a value with a YAML tag');
  for (const child of Object.values(value)) checkPlain(child, levels - 1, refuse);
}

/** Reads a recipe file, see {@link fileLayer}. */
export const recipeLayer = (file: string): Promise<Layer> => fileLayer(file, 'the options of one run');

/**
 * Reads a file of options, YAML or JSON; `what` says what is expected in it. Throws a usage error that names file and
 * line if it is not a mapping.
 */
export async function fileLayer(file: string, what: string): Promise<Layer> {
  const lines = new LineCounter();
  const text = await readText(file, { maxBytes: MAX_FILE.bytes });
  const { document, values } = limitTime(
    MAX_FILE.ms,
    () => readYaml(text, file, lines, what),
    () => usageError(`${file}: reading it takes too long; expected ${what}`, { file }),
  );
  const where = (path: readonly PropertyKey[]) => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, ...number[]] } | undefined;
      if (node?.range) return `${file}:${lines.linePos(node.range[0]).line}: ${path.join('.')}`;
    }
    return `${file}: ${path.join('.')}`;
  };
  // For editors: where the schema is.
  delete values.$schema;
  return { values, where };
}

/**
 * Options given as `key=value`, with dotted keys as in a recipe: `lora.rank=16`. Errors begin with
 * `source`, which says how they were given.
 */
export function assignmentLayer(json: JsonSchema, assignments: readonly string[], source: string): Layer {
  const values: Mapping = {};
  for (const text of assignments) {
    const equals = text.indexOf('=');
    if (equals <= 0)
      throw usageError(`${source}: expected key=value such as lora.rank=16, got "${text}"`, { option: 'set' });
    setText(values, json, text.slice(0, equals).split('.'), text.slice(equals + 1));
  }
  return { values, where: (path) => `${source} ${path.join('.')}` };
}

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'PHASETUNE_';

/** The variables that may be options. */
const optionsIn = (environment: Environment) =>
  Object.entries(environment).flatMap(([name, text]) =>
    name.startsWith(PREFIX) && !RESERVED.has(name) && text !== undefined ? [{ name, text }] : [],
  );

const isOption = (json: JsonSchema, name: string): boolean => schemaAt(json, keysOf(json, name)) !== undefined;

/** True if some variable is none of these options; it may be an option of another command. */
export const hasForeignVariable = (json: JsonSchema, environment: Environment): boolean =>
  optionsIn(environment).some(({ name }) => !isOption(json, name));

/**
 * Options from the environment: `PHASETUNE_` and the key in capitals with `_` between words and
 * `__` between levels, so `PHASETUNE_LORA__RANK=16` is `lora.rank`. Variables apply to all
 * commands: one that is an option of `others` only is ignored. Throws a usage error for a name that
 * is no option of any. An unknown key within a mapping is kept as it is spelled, and is refused
 * with the layer.
 */
export function environmentLayer(
  json: JsonSchema,
  environment: Environment,
  others: readonly JsonSchema[] = [],
): Layer {
  const values: Mapping = {};
  for (const { name, text } of optionsIn(environment)) {
    if (!isOption(json, name) && others.some((other) => isOption(other, name))) continue;
    const keys = keysOf(json, name);
    if (!schemaAt(json, keys.slice(0, 1))) throw unknownVariable(name, [json, ...others]);
    setText(values, json, keys, text);
  }
  return { values, where: variableOf };
}

function unknownVariable(name: string, schemas: readonly JsonSchema[]): Error {
  const known = [...new Set(schemas.flatMap((schema) => optionPaths(schema).map(variableOf)))];
  // Without the common prefix, which would make any two names look similar.
  const near = suggest(
    name.slice(PREFIX.length),
    known.map((variable) => variable.slice(PREFIX.length)),
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

function setText(values: Mapping, json: JsonSchema, path: readonly string[], text: string): void {
  const schema = schemaAt(json, path);
  setAt(values, path, schema ? coerceText(schema, text) : text);
}
