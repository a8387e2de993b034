import type { Budget } from './budget.js';
import { fail, refuse } from './errors.js';
import { characters, pointLength } from './text.js';
import { kindOf, rangeLength, tuple, typeName, type Value } from './values.js';

/** Goes through a value, as `for` does. Each element counts as work. */
export function* iterate(value: Value, budget: Budget): Generator<Value, undefined> {
  for (const item of itemsOf(value)) {
    budget.step();
    yield item;
  }
  return undefined;
}

/** Whether `for` can go through a value. */
export const isIterable = (value: Value): boolean =>
  ['text', 'list', 'tuple', 'dict', 'view', 'stream', 'range', 'undefined', 'loop'].includes(kindOf(value));

function itemsOf(value: Value): Iterable<Value> {
  if (value !== null && typeof value === 'object')
    switch (value.kind) {
      case 'list':
      case 'tuple':
        return value.items;
      case 'text':
        return value.markup ? refuse('going through a text marked as safe') : characters(value);
      case 'undefined':
        return [];
      case 'dict':
        return [...value.entries.values()].map(([key]) => key);
      case 'view': {
        const pairs = [...value.dict.entries.values()];
        return pairs.map(([key, item]) =>
          value.of === 'keys' ? key : value.of === 'values' ? item : tuple([key, item]),
        );
      }
      case 'stream':
        return { [Symbol.iterator]: () => value.iterator };
      case 'range':
        return numbers(value.start, value.step, rangeLength(value));
      case 'loop':
        return refuse('going through the variable "loop"');
    }
  return fail(`'${typeName(value)}' object is not iterable`);
}

function* numbers(start: number, step: number, count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield start + i * step;
}

/** `len()` of a value; undefined where Python has none. */
export function lengthOf(value: Value): number | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  switch (value.kind) {
    case 'text':
      return pointLength(value.text);
    case 'list':
    case 'tuple':
      return value.items.length;
    case 'dict':
      return value.entries.size;
    case 'view':
      return value.dict.entries.size;
    case 'range':
      return rangeLength(value);
    case 'undefined':
      return 0;
    case 'loop':
      return refuse('the length of the variable "loop"');
    default:
      return undefined;
  }
}
