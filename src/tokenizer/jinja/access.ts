import { type Budget, ELEMENT } from './budget.js';
import { fail, refuse } from './errors.js';
import { formatBraces } from './format.js';
import { lengthOf } from './iterate.js';
import { METHODS, PYTHON_METHODS } from './methods.js';
import { characters, concat, countingCost, slice as sliceText, type Text, unitOffset } from './text.js';
import {
  type Dict,
  hashKey,
  isText,
  isUndefined,
  kindOf,
  list,
  missing,
  type Sequence,
  str,
  tuple,
  typeName,
  type Undefined,
  type Value,
  wholeOf,
} from './values.js';

const noAttribute = (value: Value, name: string): Undefined =>
  missing(`'${typeName(value)} object' has no attribute '${name}'`);

const MUTATING: Record<string, readonly string[]> = {
  list: ['append', 'clear', 'pop', 'reverse', 'insert', 'sort', 'extend', 'remove'],
  dict: ['clear', 'pop', 'popitem', 'setdefault', 'update'],
};

/** What `value.name` is as an attribute of the type: a method, a field; undefined where the type has none. */
function attribute(value: Value, name: string, budget: Budget): Value | undefined {
  const kind = kindOf(value);
  if (name.startsWith('__')) refuse(`the attribute "${name}"`);
  if (MUTATING[kind]?.includes(name)) return missing(`access to attribute '${name}' of '${kind}' object is unsafe`);
  if (value !== null && typeof value === 'object') {
    if (value.kind === 'namespace') return name.startsWith('_') ? undefined : value.fields.get(name);
    if (value.kind === 'loop') return value.get(name);
    if (value.kind === 'text' && value.markup) refuse(`"${name}" of a text marked as safe`);
  }
  if (kind === 'text' && name === 'format')
    return {
      kind: 'callable',
      name,
      call: (args) => formatBraces(value as Text, args, budget, { getAttribute, getItem }),
    };
  const methods = METHODS[kind];
  if (methods && Object.hasOwn(methods, name)) {
    const method = methods[name]!;
    return { kind: 'callable', name, call: (args) => method(value, args, budget) };
  }
  if (PYTHON_METHODS[kind]?.includes(name)) refuse(`"${name}" of ${typeName(value)}`);
  if (kind === 'callable' || kind === 'stream') refuse(`an attribute of a ${kind === 'stream' ? kind : 'function'}`);
  return undefined;
}

/** The first that exists. None is there. */
const firstOf = (...found: readonly (() => Value | undefined)[]): Value | undefined => {
  for (const find of found) {
    const value = find();
    if (value !== undefined) return value;
  }
  return undefined;
};

/** `value.name`: an attribute, otherwise the item of that name. */
export function getAttribute(value: Value, name: string, budget: Budget): Value {
  if (isUndefined(value)) fail(value.why);
  const found = firstOf(
    () => attribute(value, name, budget),
    () => item(value, str(name), budget),
  );
  return found === undefined ? noAttribute(value, name) : found;
}

/** `value[index]`: the item, otherwise the attribute of that name. */
export function getItem(value: Value, index: Value, budget: Budget): Value {
  if (isUndefined(value)) fail(value.why);
  const found = firstOf(
    () => item(value, index, budget),
    () => (isText(index) ? attribute(value, index.text, budget) : undefined),
  );
  if (found !== undefined) return found;
  return isText(index) ? noAttribute(value, index.text) : missing(`'${typeName(value)} object' has no such element`);
}

function item(value: Value, index: Value, budget: Budget): Value | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (value.kind === 'dict') {
    const key = hashKey(index, budget);
    return key === undefined ? undefined : (value as Dict).entries.get(key)?.[1];
  }
  const at = wholeOf(index);
  if (at === undefined) return undefined;
  const length = ['text', 'list', 'tuple', 'range'].includes(value.kind) ? lengthOf(value)! : 0;
  const place = at < 0 ? at + length : at;
  if (place < 0 || place >= length) return undefined;
  switch (value.kind) {
    case 'list':
    case 'tuple':
      return value.items[place];
    case 'range':
      return value.start + place * value.step;
    case 'text': {
      if (value.markup) refuse('an item of a text marked as safe');
      budget.spend(countingCost(value.text));
      const start = unitOffset(value.text, place);
      return sliceText(value, start, start + unitOffset(value.text.slice(start, start + 2), 1));
    }
  }
  return undefined;
}

/** `value[start:stop:step]`. */
export function getSlice(value: Value, bounds: readonly [Value, Value, Value], budget: Budget): Value {
  const kind = kindOf(value);
  if (kind === 'undefined') fail((value as Undefined).why);
  if (kind !== 'text' && kind !== 'list' && kind !== 'tuple' && kind !== 'range')
    fail(`'${typeName(value)}' object cannot be sliced`);
  if (kind === 'text' && (value as Text).markup) refuse('a slice of a text marked as safe');
  const [start, stop, step] = bounds.map((bound) =>
    bound === null ? undefined : (wholeOf(bound) ?? fail('slice indices must be whole numbers or None')),
  );
  const at = places(lengthOf(value)!, start, stop, step ?? 1);
  if (kind === 'range') {
    const { start: from, step: by } = value as { start: number; step: number };
    return { kind, start: from + at.start * by, stop: from + at.stop * by, step: at.step * by };
  }
  if (kind !== 'text') {
    const { items } = value as Sequence;
    const taken = Array.from({ length: at.count }, (_, i) => items[at.start + i * at.step]!);
    return kind === 'list' ? list(taken) : tuple(taken);
  }
  const text = value as Text;
  budget.spend(countingCost(text.text));
  if (at.step === 1) {
    const from = unitOffset(text.text, at.start);
    return at.count === 0
      ? sliceText(text, 0, 0)
      : sliceText(text, from, from + unitOffset(text.text.slice(from), at.count));
  }
  budget.size(ELEMENT * text.text.length);
  const all = [...characters(text)];
  return concat(Array.from({ length: at.count }, (_, i) => all[at.start + i * at.step]!));
}

/** Where a slice begins, ends and how many elements it has, as Python's `slice.indices`. */
function places(length: number, start: number | undefined, stop: number | undefined, step: number) {
  if (step === 0) fail('slice step cannot be zero');
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clip = (at: number) => (at < 0 ? Math.max(at + length, low) : Math.min(at, high));
  const from = start === undefined ? (step > 0 ? low : high) : clip(start);
  const to = stop === undefined ? (step > 0 ? high : low) : clip(stop);
  return { start: from, stop: to, step, count: Math.max(0, Math.ceil((to - from) / step)) };
}
