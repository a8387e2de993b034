import type * as z from 'zod';
import { usageError } from '../core/errors.js';
import { didYouMean, sameName } from '../core/suggest.js';
import { alternatives, describeSchema, type JsonSchema, optionPaths, schemaAt } from './json-schema.js';
import { define, isMapping, type Mapping, shownInput, valueAt } from './paths.js';

/** Values from one place, with a function that names a key there in an error: `recipe.yaml:12: lora.rank`. */
export interface Layer {
  readonly values: Readonly<Record<string, unknown>>;
  where(path: readonly PropertyKey[]): string;
}

/**
 * Merges layers, later ones winning key by key (lists are replaced whole), and parses the result once.
 * Refuses unknown keys and bad values, naming the place that they came from.
 */
export function resolveLayers<S extends z.ZodType>(schema: S, json: JsonSchema, layers: readonly Layer[]): z.infer<S> {
  for (const layer of layers) refuseUnknown(json, layer, layer.values, []);
  const merged = mergeLayers(layers);
  const parsed = schema.safeParse(merged);
  if (parsed.success) return parsed.data;
  throw explain(parsed.error.issues[0]!, json, merged, layers);
}

/** The values of all layers, not validated. */
export function mergeLayers(layers: readonly Layer[]): Mapping {
  const merged: Mapping = {};
  for (const { values } of layers) merge(merged, values);
  return merged;
}

function merge(into: Mapping, from: Readonly<Mapping>): void {
  for (const [key, value] of Object.entries(from)) {
    const present = valueAt(into, [key]);
    if (isMapping(value) && isMapping(present)) merge(present, value);
    else define(into, key, isMapping(value) ? structuredClone(value) : value);
  }
}

type Path = readonly (string | number)[];

/** Throws at the first key of a layer that the schema does not know at that place. */
function refuseUnknown(json: JsonSchema, layer: Layer, value: unknown, path: Path, root = json): void {
  const options = alternatives(json);
  if (Array.isArray(value)) {
    const items = options.find((option) => option.items)?.items;
    if (items) for (const [i, item] of value.entries()) refuseUnknown(items, layer, item, [...path, i], root);
    return;
  }
  const mappings = options.filter((option) => option.properties ?? typeof option.additionalProperties === 'object');
  if (!isMapping(value) || mappings.length === 0) return;
  const open = mappings.some((option) => option.additionalProperties);
  const known = [...new Set(mappings.flatMap((option) => Object.keys(option.properties ?? {})))];
  for (const [key, child] of Object.entries(value)) {
    const childPath = [...path, key];
    const next = schemaAt(json, [key]);
    if (next) refuseUnknown(next, layer, child, childPath, root);
    else if (!open) {
      const hint = elsewhere(key, root) ?? (didYouMean(key, known) || `; known here: ${known.join(', ')}`);
      throw usageError(`${layer.where(childPath)}: unknown option${hint}`, { option: childPath.join('.') });
    }
  }
}

/** A hint at an option of the same name in another mapping: `optim.learningRate` for `learning_rate`. */
function elsewhere(key: string, root: JsonSchema): string | undefined {
  const path = optionPaths(root).find((known) => sameName(key, known.at(-1)!) || sameName(key, known.join('.')));
  return path && ` (did you mean "${path.join('.')}"?)`;
}

/** The issue to report of a union: that of the branch which got furthest into the value. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const branches = issue.errors.filter((branch) => branch.length > 0);
  const depth = (branch: readonly z.core.$ZodIssue[]) => Math.max(...branch.map((i) => i.path.length));
  const deepest = branches.sort((a, b) => depth(b) - depth(a))[0];
  if (!deepest || depth(deepest) === 0) return issue;
  const inner = innermost(deepest[0]!);
  return { ...inner, path: [...issue.path, ...inner.path] };
}

/** What was expected, for an issue that the JSON schema says too little about. */
const wordsOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_format' && issue.format === 'url'
    ? 'an address such as https://example.org'
    : issue.message.replace(/^expected /, '');

function explain(outer: z.core.$ZodIssue, json: JsonSchema, merged: Mapping, layers: readonly Layer[]): Error {
  const issue = innermost(outer);
  const path = issue.path;
  const option = path.join('.');
  const value = valueAt(merged, path);
  const layer = [...layers].reverse().find(({ values }) => valueAt(values, path) !== undefined);
  const where = (layer ?? layers.at(-1)!).where(path);
  const got = shownInput(value);
  if (issue.code === 'invalid_key')
    throw usageError(`${where}: ${issue.issues[0]!.message}, got ${shownInput(path.at(-1))}`, { option, actual: got });
  if (issue.code === 'custom') {
    const found = path.length === 0 || isMapping(value) || /\bgot\b/.test(issue.message) ? '' : `, got ${got}`;
    return usageError(`${path.length > 0 ? `${where}: ` : ''}${issue.message}${found}`, { option, actual: got });
  }
  const expectedSchema = schemaAt(json, path);
  const described = expectedSchema && issue.code !== 'invalid_format' && issue.code !== 'not_multiple_of';
  const words = described ? describeSchema(expectedSchema) : wordsOf(issue);
  const infinite = typeof value === 'number' && !Number.isFinite(value);
  const expected = infinite ? words.replace(/\bnumber\b/, 'finite number') : words;
  if (value === undefined) {
    const help = expectedSchema?.description ? ` (${expectedSchema.description})` : '';
    return usageError(`${where} is missing: expected ${expected}${help}`, { option, expected });
  }
  return usageError(`${where}: expected ${expected}, got ${got}`, { option, expected, actual: got });
}
