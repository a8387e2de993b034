import type { Budget } from './budget.js';
import { ELEMENT } from './budget.js';
import { fail, refuse } from './errors.js';
import { formatPercent } from './format.js';
import { DEEPEST_VALUE } from './print.js';
import { compareText, concat, type Text } from './text.js';
import {
  float,
  hashKey,
  integer,
  isUndefined,
  kindOf,
  numberOf,
  rangeLength,
  type Sequence,
  str,
  typeName,
  type Value,
  wholeOf,
} from './values.js';

/** An operator between two values, as Python computes it. */
export function binary(op: string, left: Value, right: Value, budget: Budget): Value {
  for (const side of [left, right]) if (isUndefined(side) && !(op === '%' && kindOf(left) === 'text')) fail(side.why);
  for (const side of [left, right])
    if (kindOf(side) === 'text' && (side as Text).markup) refuse(`"${op}" of a text marked as safe`);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) return arithmetic(op, left, right, a, b);
  if (op === '%' && kindOf(left) === 'text') return formatPercent(left as Text, right, budget);
  if (op === '+') {
    const joined = add(left, right);
    if (joined) return joined;
  }
  if (op === '*') {
    const [many, times] = wholeOf(right) === undefined ? [right, wholeOf(left)] : [left, wholeOf(right)];
    if (times !== undefined && ['text', 'list', 'tuple'].includes(kindOf(many)))
      return repeat(many as Text | Sequence, times, budget);
  }
  return fail(`unsupported operand types for ${op}: '${typeName(left)}' and '${typeName(right)}'`);
}

function add(left: Value, right: Value): Value | undefined {
  const kind = kindOf(left);
  if (kind !== kindOf(right)) return undefined;
  if (kind === 'text') return concat([left as Text, right as Text]);
  if (kind !== 'list' && kind !== 'tuple') return undefined;
  return { kind, items: [...(left as Sequence).items, ...(right as Sequence).items] };
}

/** A text or a list so many times over. */
function repeat(many: Text | Sequence, times: number, budget: Budget): Value {
  const count = Math.max(0, times);
  const size = many.kind === 'text' ? many.text.length : ELEMENT * many.items.length;
  budget.size(size * count);
  if (size === 0) return many.kind === 'text' ? str('') : many;
  if (many.kind === 'text') return concat(Array.from({ length: count }, () => many));
  return { kind: many.kind, items: Array.from({ length: count }, () => many.items).flat() };
}

function arithmetic(op: string, left: Value, right: Value, a: number, b: number): Value {
  const whole = wholeOf(left) !== undefined && wholeOf(right) !== undefined;
  const result = whole ? integer : float;
  switch (op) {
    case '+':
      return result(a + b);
    case '-':
      return result(a - b);
    case '*':
      return result(a * b);
    case '/':
      return float(b === 0 ? fail('division by zero') : a / b);
    case '%':
      return result(modulo(a, b));
    case '//':
      return whole ? integer(integer(a - modulo(a, b)) / b) : float(floorDivide(a, b));
    default:
      return power(a, b, whole);
  }
}

/** What is left of a division, with the divisor's sign. */
function modulo(a: number, b: number): number {
  if (b === 0) fail('division by zero');
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 === b < 0 ? rest : rest + b;
}

function floorDivide(a: number, b: number): number {
  if (b === 0) fail('division by zero');
  const rest = a % b;
  const quotient = (a - rest) / b - (rest !== 0 && rest < 0 !== b < 0 ? 1 : 0);
  if (quotient === 0) return a / b < 0 ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function power(a: number, b: number, whole: boolean): Value {
  if (!whole || b < 0) refuse('a power of numbers that are not whole');
  let result = 1;
  if (a === 0 || a === 1) return b === 0 ? 1 : a;
  if (a === -1) return b % 2 === 0 ? 1 : -1;
  for (let i = 0; i < b; i++) result = integer(result * a);
  return result;
}

/** `-x` or `+x`. */
export function unary(op: 'negative' | 'positive', value: Value): Value {
  if (isUndefined(value)) fail(value.why);
  const number =
    numberOf(value) ?? fail(`bad operand type for unary ${op === 'negative' ? '-' : '+'}: '${typeName(value)}'`);
  const result = op === 'negative' ? -number : number;
  return wholeOf(value) === undefined ? float(result) : integer(result);
}

/** Python's `==`. */
export function equal(left: Value, right: Value, budget: Budget, depth = 0): boolean {
  budget.step();
  if (depth > DEEPEST_VALUE) refuse(`comparing lists of more than ${DEEPEST_VALUE} levels`);
  if (left === right) return true;
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined || b !== undefined) return a === b;
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return false;
  if (left.kind === 'view' || right.kind === 'view') refuse('comparing what keys(), values() or items() gives');
  if (left.kind !== right.kind) return false;
  switch (left.kind) {
    case 'undefined':
      return true;
    case 'text':
      budget.spend(Math.min(left.text.length, (right as Text).text.length));
      return left.text === (right as Text).text;
    case 'list':
    case 'tuple': {
      const others = (right as Sequence).items;
      return (
        left.items.length === others.length && left.items.every((item, i) => equal(item, others[i]!, budget, depth + 1))
      );
    }
    case 'dict': {
      const others = (right as typeof left).entries;
      if (left.entries.size !== others.size) return false;
      for (const [key, [, value]] of left.entries) {
        const other = others.get(key);
        if (!other || !equal(value, other[1], budget, depth + 1)) return false;
      }
      return true;
    }
    case 'range': {
      const other = right as typeof left;
      const length = rangeLength(left);
      if (length !== rangeLength(other)) return false;
      return length === 0 || (left.start === other.start && (length === 1 || left.step === other.step));
    }
    case 'callable':
      return refuse('comparing functions');
    default:
      return false;
  }
}

/** Below zero, zero or above where Python's `<`, `==`, `>` hold; an error for values without an order. */
export function order(left: Value, right: Value, budget: Budget, depth = 0): number {
  budget.step();
  if (depth > DEEPEST_VALUE) refuse(`comparing lists of more than ${DEEPEST_VALUE} levels`);
  for (const side of [left, right]) if (isUndefined(side)) fail(side.why);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) return a - b;
  const kind = kindOf(left);
  if (kind === 'view' || kindOf(right) === 'view') refuse('comparing what keys(), values() or items() gives');
  if (kind === kindOf(right)) {
    if (kind === 'text') {
      const [x, y] = [(left as Text).text, (right as Text).text];
      budget.spend(Math.min(x.length, y.length));
      return compareText(x, y);
    }
    if (kind === 'list' || kind === 'tuple') {
      const [x, y] = [(left as Sequence).items, (right as Sequence).items];
      for (let i = 0; i < Math.min(x.length, y.length); i++)
        if (!equal(x[i]!, y[i]!, budget, depth + 1)) return order(x[i]!, y[i]!, budget, depth + 1);
      return x.length - y.length;
    }
  }
  return fail(`'${typeName(left)}' and '${typeName(right)}' have no order`);
}

/** Python's `left op right` of a comparison. */
export function compare(op: string, left: Value, right: Value, budget: Budget): boolean {
  switch (op) {
    case '==':
      return equal(left, right, budget);
    case '!=':
      return !equal(left, right, budget);
    case '<':
      return order(left, right, budget) < 0;
    case '<=':
      return order(left, right, budget) <= 0;
    case '>':
      return order(left, right, budget) > 0;
    case '>=':
      return order(left, right, budget) >= 0;
    case 'in':
      return contains(right, left, budget);
    default:
      return !contains(right, left, budget);
  }
}

/** Python's `value in container`. */
function contains(container: Value, value: Value, budget: Budget): boolean {
  const among = (items: Iterable<Value>): boolean => {
    for (const item of items) if (equal(item, value, budget)) return true;
    return false;
  };
  if (container !== null && typeof container === 'object')
    switch (container.kind) {
      case 'text': {
        if (kindOf(value) !== 'text') fail(`'in <string>' requires string as left operand, not ${typeName(value)}`);
        budget.spend(container.text.length);
        return container.text.includes((value as Text).text);
      }
      case 'list':
      case 'tuple':
        return among(container.items);
      case 'undefined':
        return false;
      case 'dict': {
        if (isUndefined(value)) return false;
        return container.entries.has(hashKey(value, budget) ?? fail(`unhashable type: '${typeName(value)}'`));
      }
      case 'stream':
        return among({ [Symbol.iterator]: () => container.iterator });
      case 'range': {
        const number = numberOf(value);
        const at = number === undefined ? -1 : (number - container.start) / container.step;
        return Number.isInteger(at) && at >= 0 && at < rangeLength(container);
      }
      case 'view':
        if (container.of === 'values') return among([...container.dict.entries.values()].map(([, item]) => item));
        if (container.of === 'keys') return contains(container.dict, value, budget);
        return refuse('"in" of what items() gives');
    }
  return fail(`argument of type '${typeName(container)}' is not iterable`);
}
