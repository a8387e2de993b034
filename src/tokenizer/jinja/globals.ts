import { bind, textArgument, wholeArgument } from './arguments.js';
import type { Budget } from './budget.js';
import { fail, refuse } from './errors.js';
import { iterate } from './iterate.js';
import { toText } from './print.js';
import { strftime } from './strftime.js';
import {
  type ArgumentValues,
  type Callable,
  dict,
  isText,
  type Range,
  rangeLength,
  str,
  typeName,
  type Value,
} from './values.js';

/** Longest range that Jinja2's sandbox gives. */
const LONGEST_RANGE = 100_000;

const builtin = (name: string, call: Callable['call']): Callable => ({ kind: 'callable', name, call });

function range({ positional, named }: ArgumentValues): Range {
  if (named.size > 0) fail('range() takes no keyword arguments');
  if (positional.length < 1 || positional.length > 3) fail('range expects 1 to 3 numbers');
  const [a, b, step = 1] = positional.map((value) => wholeArgument('range', value));
  const [start, stop] = b === undefined ? [0, a!] : [a!, b];
  if (step === 0) fail('range() arg 3 must not be zero');
  const made: Range = { kind: 'range', start, stop, step };
  if (rangeLength(made) > LONGEST_RANGE)
    fail(`it was stopped because it asks for a range of ${rangeLength(made)} numbers (at most ${LONGEST_RANGE})`);
  return made;
}

/** The pairs that `dict(...)` is made of. */
function pairs({ positional, named }: ArgumentValues, budget: Budget): (readonly [Value, Value])[] {
  if (positional.length > 1) fail(`dict expected at most 1 argument, got ${positional.length}`);
  const [from] = positional;
  const found: (readonly [Value, Value])[] = [];
  if (from !== undefined && from !== null && typeof from === 'object' && from.kind === 'dict')
    found.push(...from.entries.values());
  else if (from !== undefined) {
    if (from !== null && typeof from === 'object' && from.kind === 'namespace')
      refuse('a dict or namespace of a namespace');
    for (const item of iterate(from, budget)) {
      const pair = [...iterate(item, budget)];
      if (pair.length !== 2) fail('a dict is made of pairs');
      found.push([pair[0]!, pair[1]!]);
    }
  }
  return [...found, ...[...named].map(([name, value]) => [str(name), value] as const)];
}

function namespace(args: ArgumentValues, budget: Budget): Value {
  const fields = new Map<string, Value>();
  for (const [key, value] of dict(pairs(args, budget), budget).entries.values()) {
    if (!isText(key)) refuse('a namespace with a name that is not a text');
    fields.set(fieldName(key.text), value);
  }
  return { kind: 'namespace', fields };
}

/** The name of a namespace's field; those that begin with an underscore are refused, as transformers does. */
export const fieldName = (name: string): string =>
  name.startsWith('_') ? fail(`a namespace cannot have the name "${name}", which begins with an underscore`) : name;

/** The functions that transformers gives to a chat template. `now` is what `strftime_now` prints. */
export function createGlobals(budget: Budget, now: () => Date): Map<string, Value> {
  const functions = [
    builtin('range', range),
    builtin('dict', (args) => dict(pairs(args, budget), budget)),
    builtin('namespace', (args) => namespace(args, budget)),
    builtin('raise_exception', (args) => {
      const { message } = bind('raise_exception', args, ['message'], 1);
      return fail(toText(message!, budget).text);
    }),
    builtin('strftime_now', (args) => {
      const { format } = bind('strftime_now', args, ['format'], 1);
      return str(strftime(now(), textArgument('strftime_now', format!).text));
    }),
  ];
  return new Map(functions.map((value) => [value.name, value]));
}

/** Functions of Jinja2 that are refused here. */
export const REFUSED_GLOBALS: readonly string[] = ['lipsum', 'cycler', 'joiner'];

/** Calls a value. */
export function callValue(value: Value, args: ArgumentValues): Value {
  if (value !== null && typeof value === 'object') {
    if (value.kind === 'callable') return value.call(args);
    if (value.kind === 'undefined') fail(value.why);
  }
  return fail(`'${typeName(value)}' object is not callable`);
}
