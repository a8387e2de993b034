import type { Budget } from './budget.js';
import { createBuilder } from './builder.js';
import { fail, refuse } from './errors.js';
import { repr, toText } from './print.js';
import { slice, type Text } from './text.js';
import {
  type ArgumentValues,
  type Dict,
  isUndefined,
  kindOf,
  numberOf,
  type Sequence,
  str,
  typeName,
  type Value,
} from './values.js';

const PERCENT = /%(?:\((\w*)\))?([sdir%])?/g;

/** `text % value`, with `%s`, `%r`, `%d`, `%i`, `%(name)s` and `%%`; widths and other kinds are refused. */
export function formatPercent(of: Text, given: Value, budget: Budget): Text {
  const { put, done } = createBuilder(budget);
  const positional = kindOf(given) === 'tuple' ? (given as Sequence).items : [given];
  let next = 0;
  let named = false;
  let from = 0;
  for (const match of of.text.matchAll(PERCENT)) {
    const [all, name, kind] = match;
    put(slice(of, from, match.index));
    from = match.index + all.length;
    if (kind === undefined) refuse(`the format "${of.text.slice(match.index, match.index + 8)}"`);
    if (kind === '%') {
      put(name === undefined ? '%' : refuse('the format "%(name)%"'));
      continue;
    }
    named ||= name !== undefined;
    if (name !== undefined && kindOf(given) !== 'dict') fail('format requires a mapping');
    if (name === undefined && next >= positional.length) fail('not enough arguments for format string');
    const value = name === undefined ? positional[next++]! : fieldOf(given as Dict, name);
    put(percent(kind, value, budget));
  }
  if (!named && next < positional.length && kindOf(given) !== 'dict') {
    if (isUndefined(given) || kindOf(given) === 'list') refuse(`"%" of a text and ${typeName(given)}`);
    fail('not all arguments converted during string formatting');
  }
  put(slice(of, from));
  return done();
}

function fieldOf({ entries }: Dict, name: string): Value {
  const entry = entries.get(`s${name}`);
  return entry ? entry[1] : fail(`the key "${name}" is not there`);
}

function percent(kind: string, value: Value, budget: Budget): Text {
  if (kind === 's') return toText(value, budget);
  if (kind === 'r') return repr(value, budget);
  const number = numberOf(value) ?? fail(`%${kind} expects a number, found ${typeName(value)}`);
  return str(String(Math.trunc(number) || 0));
}

/** How attributes and items are read. */
export interface Access {
  getAttribute(value: Value, name: string, budget: Budget): Value;
  getItem(value: Value, index: Value, budget: Budget): Value;
}

/**
 * `text.format(...)`: fields by number, name, attribute and item, with `!r` and `!s`; format
 * specifications are refused.
 */
export function formatBraces(of: Text, args: ArgumentValues, budget: Budget, access: Access): Text {
  const { put, done } = createBuilder(budget);
  let automatic = 0;
  let manual = false;
  for (let i = 0; i < of.text.length; ) {
    const at = of.text.slice(i).search(/[{}]/);
    if (at < 0) {
      put(slice(of, i));
      break;
    }
    put(slice(of, i, i + at));
    i += at;
    if (of.text[i] === of.text[i + 1]) {
      put(slice(of, i, i + 1));
      i += 2;
      continue;
    }
    const end = of.text.indexOf('}', i);
    if (of.text[i] === '}' || end < 0) fail('a single brace in a format string');
    const field = of.text.slice(i + 1, end);
    const parsed = /^(\w*)((?:\.\w+|\[[^\][{}]+\])*)(?:!([rs]))?$/.exec(field) ?? refuse(`the format "{${field}}"`);
    let name = parsed[1]!;
    if (name === '' && parsed[2] !== '') refuse(`the format "{${field}}"`);
    if (name === '') {
      if (manual) fail('cannot switch from manual to automatic field numbering');
      name = String(automatic++);
    } else if (/^\d+$/.test(name)) {
      manual = true;
      if (automatic > 0) fail('cannot switch from automatic to manual field numbering');
    }
    const value = path(argument(name, args), parsed[2]!, budget, access);
    put(parsed[3] === 'r' ? repr(value, budget) : printable(value, budget));
    i = end + 1;
  }
  return done();
}

/** What `format()` of Python prints without a specification. */
function printable(value: Value, budget: Budget): Text {
  return kindOf(value) === 'text' && (value as Text).markup
    ? refuse('formatting a text marked as safe')
    : toText(value, budget);
}

function argument(name: string, { positional, named }: ArgumentValues): Value {
  if (!/^\d+$/.test(name)) return named.has(name) ? named.get(name)! : fail(`the format field "${name}" is not given`);
  return (
    positional[Number(name)] ??
    (Number(name) < positional.length ? null : fail(`the format field ${name} is not given`))
  );
}

function path(from: Value, steps: string, budget: Budget, { getAttribute, getItem }: Access): Value {
  let value = from;
  for (const [, name, index] of steps.matchAll(/\.(\w+)|\[([^\]]+)\]/g))
    value =
      name !== undefined
        ? getAttribute(value, name, budget)
        : getItem(value, /^\d+$/.test(index!) ? Number(index) : str(index!), budget);
  return value;
}
