import { bind } from './arguments.js';
import type { Budget } from './budget.js';
import { fail, refuse } from './errors.js';
import { isIterable } from './iterate.js';
import { isCased } from './letters.js';
import { binary, compare, equal } from './operators.js';
import { toText } from './print.js';
import { type ArgumentValues, isText, type Kind, kindOf, type Value } from './values.js';

/** A test of a value: what stands after `is`. */
export type Test = (value: Value, args: ArgumentValues, budget: Budget) => boolean;

const ofKind =
  (name: string, ...kinds: Kind[]): Test =>
  (value, args) => {
    bind(name, args, []);
    return kinds.includes(kindOf(value));
  };

const comparing =
  (name: string, op: string): Test =>
  (value, { positional, named }, budget) => {
    if (named.size > 0 || positional.length !== 1) fail(`the test ${name} takes one value`);
    return compare(op, value, positional[0]!, budget);
  };

const remainder =
  (name: string, wanted: number): Test =>
  (value, args, budget) => {
    bind(name, args, []);
    return equal(binary('%', value, 2, budget), wanted, budget);
  };

const letters =
  (name: 'upper' | 'lower'): Test =>
  (value, args, budget) => {
    bind(name, args, []);
    return isCased(toText(value, budget).text, name);
  };

const exactly =
  (name: string, wanted: boolean): Test =>
  (value, args) => {
    bind(name, args, []);
    return value === wanted;
  };

/** Kinds of which it is certain when two values are the same thing in Python. */
const SINGLE: readonly Kind[] = ['none', 'boolean', 'list', 'dict', 'namespace'];

/** The tests that are known here. */
export const TESTS: Readonly<Record<string, Test>> = {
  defined(value, args) {
    bind('defined', args, []);
    return kindOf(value) !== 'undefined';
  },
  undefined: ofKind('undefined', 'undefined'),
  none: ofKind('none', 'none'),
  boolean: ofKind('boolean', 'boolean'),
  integer: ofKind('integer', 'integer'),
  float: ofKind('float', 'float'),
  number: ofKind('number', 'integer', 'float', 'boolean'),
  string: ofKind('string', 'text'),
  mapping: ofKind('mapping', 'dict'),
  callable: ofKind('callable', 'callable', 'undefined', 'loop'),
  sequence: ofKind('sequence', 'text', 'list', 'tuple', 'dict', 'range', 'undefined'),
  true: exactly('true', true),
  false: exactly('false', false),
  iterable(value, args) {
    bind('iterable', args, []);
    return isIterable(value);
  },
  escaped(value, args) {
    bind('escaped', args, []);
    return isText(value) && value.markup === true;
  },
  odd: remainder('odd', 1),
  even: remainder('even', 0),
  divisibleby(value, args, budget) {
    const { num } = bind('divisibleby', args, ['num'], 1);
    return equal(binary('%', value, num!, budget), 0, budget);
  },
  upper: letters('upper'),
  lower: letters('lower'),
  in(value, args, budget) {
    const { seq } = bind('in', args, ['seq'], 1);
    return compare('in', value, seq!, budget);
  },
  sameas(value, args) {
    const { other } = bind('sameas', args, ['other'], 1);
    if (kindOf(value) !== kindOf(other!)) return false;
    if (!SINGLE.includes(kindOf(value))) refuse('the test "sameas" of such values');
    return value === other;
  },
  '==': comparing('==', '=='),
  eq: comparing('eq', '=='),
  equalto: comparing('equalto', '=='),
  '!=': comparing('!=', '!='),
  ne: comparing('ne', '!='),
  '>': comparing('>', '>'),
  gt: comparing('gt', '>'),
  greaterthan: comparing('greaterthan', '>'),
  '>=': comparing('>=', '>='),
  ge: comparing('ge', '>='),
  '<': comparing('<', '<'),
  lt: comparing('lt', '<'),
  lessthan: comparing('lessthan', '<'),
  '<=': comparing('<=', '<='),
  le: comparing('le', '<='),
};

/** Tests that Jinja2 has and that are refused here. */
export const KNOWN_TESTS: readonly string[] = ['filter', 'test'];

/** Applies a test by name. */
export function applyTest(name: string, value: Value, args: ArgumentValues, budget: Budget): boolean {
  if (!Object.hasOwn(TESTS, name)) {
    if (KNOWN_TESTS.includes(name)) refuse(`the test "${name}"`);
    fail(`no test is named "${name}"`);
  }
  return TESTS[name]!(value, args, budget);
}
