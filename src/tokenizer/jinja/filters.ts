import { asText, bind, textArgument, wholeArgument } from './arguments.js';
import { type Budget, ELEMENT, INSPECTION, SLICE } from './budget.js';
import { fail, refuse } from './errors.js';
import { attributeGetter, type Filter, LIST_FILTERS } from './filters-of-lists.js';
import { formatPercent } from './format.js';
import { iterate, lengthOf } from './iterate.js';
import { toJson } from './json.js';
import { capitalize, lower, titleFilter, upper } from './letters.js';
import { round, toFloat, toWhole } from './numbers.js';
import { toText } from './print.js';
import { replace, splitLines } from './search.js';
import { concat, countingCost, mapText, strip, type Text } from './text.js';
import {
  type ArgumentValues,
  isText,
  isUndefined,
  kindOf,
  list,
  numberOf,
  str,
  stream,
  truth,
  tuple,
  typeName,
  type Value,
  wholeOf,
} from './values.js';

const onText =
  (name: string, change: (text: Text) => Text): Filter =>
  (value, args, budget) => {
    bind(name, args, []);
    const text = asText(name, value, budget);
    budget.spend((name === 'title' ? SLICE : INSPECTION) * text.text.length);
    return change(text);
  };

const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#39;', '"': '&#34;' };

const escapeHtml: Filter = (value, args, budget) => {
  bind('escape', args, []);
  if (isText(value) && value.markup) return value;
  const text = mapText(toText(value, budget), (part) => part.replace(/[&<>'"]/g, (character) => HTML[character]!));
  return { kind: 'text', text: text.text, marks: text.marks, markup: true };
};

const otherwise: Filter = (value, args) => {
  const { default_value: given = str(''), boolean = false } = bind('default', args, ['default_value', 'boolean']);
  return isUndefined(value) || (truth(boolean) && !truth(value)) ? given : value;
};

const length: Filter = (value, args, budget) => {
  bind('length', args, []);
  if (isText(value)) budget.spend(countingCost(value.text));
  return lengthOf(value) ?? fail(`object of type '${typeName(value)}' has no len()`);
};

const indent: Filter = (value, args, budget) => {
  const { width = 4, first = false, blank = false } = bind('indent', args, ['width', 'first', 'blank']);
  if (!isText(value)) fail(`indent expects a text, found ${typeName(value)}`);
  const text = textArgument('indent', value);
  if (typeof wholeOf(width) === 'number') budget.size(wholeOf(width)!);
  const space = isText(width)
    ? textArgument('indent', width)
    : str(' '.repeat(Math.max(0, wholeArgument('indent', width))));
  // Jinja2 puts a newline after the text first, so that a last empty line counts as one.
  const lines = splitLines(concat([text, str('\n')]), false);
  budget.size(text.text.length + lines.length * space.text.length);
  const parts: Text[] = truth(first) ? [space] : [];
  for (const [i, line] of lines.entries()) {
    if (i > 0) parts.push(str('\n'));
    if (i > 0 && (truth(blank) || line.text !== '')) parts.push(space);
    parts.push(line);
  }
  return concat(parts);
};

const TEXT_FILTERS: Record<string, Filter> = {
  upper: onText('upper', upper),
  lower: onText('lower', lower),
  capitalize: onText('capitalize', capitalize),
  title: onText('title', titleFilter),
  trim(value, args, budget) {
    const { chars = null } = bind('trim', args, ['chars']);
    const text = asText('trim', value, budget);
    budget.spend(text.text.length);
    return strip(text, 'both', chars === null ? undefined : textArgument('trim', chars).text);
  },
  string(value, args, budget) {
    bind('string', args, []);
    return isText(value) ? value : toText(value, budget);
  },
  safe(value, args, budget) {
    bind('safe', args, []);
    const { text, marks } = isText(value) ? value : toText(value, budget);
    return { kind: 'text', text, marks, markup: true };
  },
  escape: escapeHtml,
  e: escapeHtml,
  replace(value, args, budget) {
    const { old, new: to, count = null } = bind('replace', args, ['old', 'new', 'count'], 2);
    const [text, from, by] = [toText(value, budget), toText(old!, budget), toText(to!, budget)];
    budget.spend(text.text.length);
    return replace(text, from.text, by, count === null ? -1 : wholeArgument('replace', count), budget);
  },
  format(value, { positional, named }, budget) {
    const text = asText('format', value, budget);
    if (named.size > 0 && positional.length > 0) fail('format takes values by place or by name, not both');
    const pairs = [...named].map(([key, item]) => [key, [str(key), item] as const] as const);
    if (named.size > 0)
      return formatPercent(
        text,
        { kind: 'dict', entries: new Map(pairs.map(([key, pair]) => [`s${key}`, pair])) },
        budget,
      );
    return formatPercent(text, tuple(positional), budget);
  },
  indent,
  tojson: toJson,
};

const NUMBER_FILTERS: Record<string, Filter> = {
  int: toWhole,
  float: toFloat,
  round,
  abs(value, args) {
    bind('abs', args, []);
    const number = numberOf(value) ?? fail(`abs expects a number, found ${typeName(value)}`);
    return typeof value === 'object' && value !== null && value.kind === 'float'
      ? { kind: 'float', value: Math.abs(number) }
      : Math.abs(number);
  },
};

const CONTAINER_FILTERS: Record<string, Filter> = {
  default: otherwise,
  d: otherwise,
  length,
  count: length,
  list(value, args, budget) {
    bind('list', args, []);
    const items = [...iterate(value, budget)];
    budget.size(ELEMENT * items.length);
    return list(items);
  },
  items(value, args, budget) {
    bind('items', args, []);
    if (isUndefined(value)) return stream([][Symbol.iterator]());
    if (value === null || typeof value !== 'object' || value.kind !== 'dict')
      return stream(failing('Can only get item pairs from a mapping.'));
    return stream(iterate({ kind: 'view', of: 'items', dict: value }, budget));
  },
};

/** A stream that is an error when something is taken from it. */
function failing(message: string): Iterator<Value> {
  return { next: () => fail(message) };
}

/** The filters that are known here. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  ...TEXT_FILTERS,
  ...NUMBER_FILTERS,
  ...CONTAINER_FILTERS,
  ...LIST_FILTERS,
  map,
};

/** Filters that Jinja2 has and that are refused here. */
export const KNOWN_FILTERS: readonly string[] = [
  'attr',
  'center',
  'filesizeformat',
  'forceescape',
  'groupby',
  'pprint',
  'random',
  'slice',
  'striptags',
  'truncate',
  'urlencode',
  'urlize',
  'wordcount',
  'wordwrap',
  'xmlattr',
];

/** Applies a filter by name. */
export function applyFilter(name: string, value: Value, args: ArgumentValues, budget: Budget): Value {
  if (!Object.hasOwn(FILTERS, name)) {
    if (KNOWN_FILTERS.includes(name)) refuse(`the filter "${name}"`);
    fail(`no filter is named "${name}"`);
  }
  return FILTERS[name]!(value, args, budget);
}

/** `map`: an attribute of each, or a filter applied to each. */
function map(value: Value, args: ArgumentValues, budget: Budget): Value {
  return stream(mapped(value, args, budget));
}

function* mapped(value: Value, { positional, named }: ArgumentValues, budget: Budget): Generator<Value, undefined> {
  if (!truth(value)) return undefined;
  let change: (item: Value) => Value;
  if (positional.length === 0 && named.has('attribute')) {
    const { attribute, default: fallback = null } = bind('map', { positional, named }, ['attribute', 'default']);
    change = attributeGetter(attribute!, budget, fallback);
  } else {
    const [name, ...rest] = positional;
    if (name === undefined) fail('map requires a filter argument');
    if (kindOf(name) !== 'text') fail('map expects the name of a filter');
    change = (item) => applyFilter((name as Text).text, item, { positional: rest, named }, budget);
  }
  for (const item of iterate(value, budget)) yield change(item);
  return undefined;
}
