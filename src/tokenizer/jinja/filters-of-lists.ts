import { getItem } from './access.js';
import { bind, textArgument, wholeArgument } from './arguments.js';
import { type Budget, ELEMENT, SLICE } from './budget.js';
import { createBuilder } from './builder.js';
import { fail } from './errors.js';
import { iterate } from './iterate.js';
import { lower } from './letters.js';
import { binary, order } from './operators.js';
import { toText } from './print.js';
import { applyTest } from './tests.js';
import { characters, concat, type Text } from './text.js';
import {
  type ArgumentValues,
  hashKey,
  isText,
  isUndefined,
  kindOf,
  list,
  missing,
  str,
  stream,
  truth,
  tuple,
  typeName,
  type Value,
} from './values.js';

/** A filter: a value and the arguments to another value. */
export type Filter = (value: Value, args: ArgumentValues, budget: Budget) => Value;

/**
 * Reads an attribute such as `a.b.0` of an item; None is the item. `fallback` stands for what is
 * undefined, None for nothing.
 */
export function attributeGetter(attribute: Value, budget: Budget, fallback: Value = null): (item: Value) => Value {
  const steps: Value[] =
    attribute === null
      ? []
      : isText(attribute)
        ? textArgument('attribute', attribute)
            .text.split('.')
            .map((part) => (/^\d+$/.test(part) ? Number(part) : str(part)))
        : [attribute];
  return (item) =>
    steps.reduce<Value>((at, step) => {
      const found = getItem(at, step, budget);
      return fallback !== null && isUndefined(found) ? fallback : found;
    }, item);
}

/** Texts in small letters, for comparisons that ignore case. */
const ignoreCase = (value: Value): Value => (isText(value) ? lower(value) : value);

function keyOf(attribute: Value, caseSensitive: Value, budget: Budget): (item: Value) => Value {
  const get = attributeGetter(attribute, budget);
  return (item) => (truth(caseSensitive) ? get(item) : ignoreCase(get(item)));
}

/** Python's `sorted`: stable, also when reversed. */
function sorted(items: readonly Value[], key: (item: Value) => Value, reverse: boolean, budget: Budget): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  const sign = reverse ? -1 : 1;
  return keyed.sort((a, b) => sign * order(a.key, b.key, budget)).map(({ item }) => item);
}

const sort: Filter = (value, args, budget) => {
  const {
    reverse = false,
    case_sensitive = false,
    attribute = null,
  } = bind('sort', args, ['reverse', 'case_sensitive', 'attribute']);
  const parts = isText(attribute) ? attribute.text.split(',').map(str) : [attribute];
  const keys = parts.map((part) => keyOf(part, case_sensitive, budget));
  return list(
    sorted([...iterate(value, budget)], (item) => list(keys.map((key) => key(item))), truth(reverse), budget),
  );
};

const dictsort: Filter = (value, args, budget) => {
  const {
    case_sensitive = false,
    by = str('key'),
    reverse = false,
  } = bind('dictsort', args, ['case_sensitive', 'by', 'reverse']);
  const which = isText(by) ? by.text : '';
  if (which !== 'key' && which !== 'value') fail('You can only sort by either "key" or "value"');
  if (isUndefined(value)) fail(value.why);
  if (value === null || typeof value !== 'object' || value.kind !== 'dict')
    fail(`dictsort expects a mapping, found ${typeName(value)}`);
  const pairs = [...value.entries.values()].map((pair) => tuple(pair));
  const key = keyOf(which === 'key' ? 0 : 1, case_sensitive, budget);
  return list(sorted(pairs, key, truth(reverse), budget));
};

const extreme =
  (name: string, sign: 1 | -1): Filter =>
  (value, args, budget) => {
    const { case_sensitive = false, attribute = null } = bind(name, args, ['case_sensitive', 'attribute']);
    const key = keyOf(attribute, case_sensitive, budget);
    let best: { item: Value; key: Value } | undefined;
    for (const item of iterate(value, budget)) {
      const found = { item, key: key(item) };
      if (!best || sign * order(found.key, best.key, budget) < 0) best = found;
    }
    return best ? best.item : missing('No aggregated item, sequence was empty.');
  };

const join: Filter = (value, args, budget) => {
  const { d = str(''), attribute = null } = bind('join', args, ['d', 'attribute']);
  const separator = toText(d, budget);
  const get = attributeGetter(attribute, budget);
  const { put, done } = createBuilder(budget);
  let first = true;
  for (const item of iterate(value, budget)) {
    if (!first) put(separator);
    first = false;
    put(toText(get(item), budget));
  }
  return done();
};

const reverse: Filter = (value, args, budget) => {
  bind('reverse', args, []);
  if (isText(value)) {
    budget.size(ELEMENT * value.text.length);
    budget.spend(SLICE * value.text.length);
    return concat([...characters(textArgument('reverse', value))].reverse());
  }
  const kind = kindOf(value);
  const items = [...iterate(value, budget)].reverse();
  return kind === 'stream' ? list(items) : stream(items[Symbol.iterator]());
};

function* batches(value: Value, count: number, fill: Value, budget: Budget): Generator<Value, undefined> {
  let row: Value[] = [];
  for (const item of iterate(value, budget)) {
    if (row.length === count) {
      yield list(row);
      row = [];
    }
    row.push(item);
  }
  if (row.length === 0) return undefined;
  budget.size(ELEMENT * count);
  if (fill !== null) while (row.length < count) row.push(fill);
  yield list(row);
  return undefined;
}

function* unique(value: Value, key: (item: Value) => Value, budget: Budget): Generator<Value, undefined> {
  const seen = new Set<string>();
  for (const item of iterate(value, budget)) {
    const by = key(item);
    const at = isUndefined(by) ? 'undefined' : (hashKey(by, budget) ?? fail(`unhashable type: '${typeName(by)}'`));
    if (seen.has(at)) continue;
    seen.add(at);
    yield item;
  }
  return undefined;
}

/** `select` and its like: keeps what a test says; without a test, what is true. */
const selecting =
  (name: string, keep: boolean, byAttribute: boolean): Filter =>
  (value, args, budget) =>
    stream(selected(name, keep, byAttribute, value, args, budget));

function* selected(
  name: string,
  keep: boolean,
  byAttribute: boolean,
  value: Value,
  args: ArgumentValues,
  budget: Budget,
): Generator<Value, undefined> {
  if (!truth(value)) return undefined;
  const rest = [...args.positional];
  if (byAttribute && rest.length === 0) fail(`${name} needs an attribute`);
  const attribute = byAttribute ? rest.shift()! : null;
  const test = rest.shift();
  const get = attributeGetter(attribute, budget);
  if (test !== undefined && !isText(test)) fail(`${name} expects the name of a test`);
  for (const item of iterate(value, budget)) {
    const at = get(item);
    const holds =
      test === undefined
        ? truth(at)
        : truth(applyTest((test as Text).text, at, { positional: rest, named: args.named }, budget));
    if (holds === keep) yield item;
  }
  return undefined;
}

/** Filters of lists and other things that can be gone through. */
export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  join,
  sort,
  dictsort,
  reverse,
  min: extreme('min', 1),
  max: extreme('max', -1),
  select: selecting('select', true, false),
  reject: selecting('reject', false, false),
  selectattr: selecting('selectattr', true, true),
  rejectattr: selecting('rejectattr', false, true),
  first(value, args, budget) {
    bind('first', args, []);
    const { done, value: item } = iterate(value, budget).next();
    return done ? missing('No first item, sequence was empty.') : item;
  },
  last(value, args, budget) {
    bind('last', args, []);
    if (kindOf(value) === 'stream') fail("'generator' object is not reversible");
    const items = [...iterate(value, budget)];
    return items.length === 0 ? missing('No last item, sequence was empty.') : items[items.length - 1]!;
  },
  unique(value, args, budget) {
    const { case_sensitive = false, attribute = null } = bind('unique', args, ['case_sensitive', 'attribute']);
    return stream(unique(value, keyOf(attribute, case_sensitive, budget), budget));
  },
  batch(value, args, budget) {
    const { linecount, fill_with = null } = bind('batch', args, ['linecount', 'fill_with'], 1);
    return stream(batches(value, wholeArgument('batch', linecount!), fill_with, budget));
  },
  sum(value, args, budget) {
    const { attribute = null, start = 0 } = bind('sum', args, ['attribute', 'start']);
    if (isText(start)) fail("sum() can't sum strings");
    const get = attributeGetter(attribute, budget);
    let sum: Value = start;
    for (const item of iterate(value, budget)) sum = binary('+', sum, get(item), budget);
    return sum;
  },
};
