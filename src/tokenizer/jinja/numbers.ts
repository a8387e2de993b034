import { bind, textArgument, wholeArgument } from './arguments.js';
import type { Budget } from './budget.js';
import { fail, refuse } from './errors.js';
import { plain, strip } from './text.js';
import {
  type ArgumentValues,
  float,
  integer,
  isText,
  isUndefined,
  numberOf,
  typeName,
  type Value,
  wholeOf,
} from './values.js';

const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const WHOLE = /^[+-]?\d+(?:_\d+)*$/;

/** A text as Python's `float()` reads it; undefined where it is an error. */
function readFloat(text: string): number | undefined {
  const digits = strip(plain(text), 'both').text;
  if (/[^\0-\x7f]/.test(digits) && /\p{Nd}/u.test(digits)) refuse('a number in digits other than 0 to 9');
  if (/^[+-]?(?:inf|infinity|nan)$/i.test(digits)) refuse('a number that is infinite or not a number');
  return FLOAT.test(digits) ? Number(digits.replaceAll('_', '')) : undefined;
}

/** The filter `int`. */
export function toWhole(value: Value, args: ArgumentValues, _budget: Budget): Value {
  const { default: otherwise = 0, base = 10 } = bind('int', args, ['default', 'base']);
  if (base !== 10) refuse('the filter int with a base');
  if (isUndefined(value)) fail(value.why);
  if (!isText(value)) {
    const number = numberOf(value);
    return number === undefined ? otherwise : integer(Math.trunc(number));
  }
  const { text } = textArgument('int', value);
  const number = readFloat(text);
  if (number === undefined) return otherwise;
  if (!Number.isFinite(number)) refuse('a number that is infinite or not a number');
  return WHOLE.test(strip(plain(text), 'both').text) ? integer(number) : integer(Math.trunc(number));
}

/** The filter `float`. */
export function toFloat(value: Value, args: ArgumentValues, _budget: Budget): Value {
  const { default: otherwise = { kind: 'float', value: 0 } } = bind('float', args, ['default']) as { default?: Value };
  if (isUndefined(value)) fail(value.why);
  const number = isText(value) ? readFloat(textArgument('float', value).text) : numberOf(value);
  return number === undefined ? otherwise : float(number);
}

/** The filter `round`. */
export function round(value: Value, args: ArgumentValues, _budget: Budget): Value {
  const { precision = 0, method } = bind('round', args, ['precision', 'method']);
  const how = method === undefined ? 'common' : textArgument('round', method).text;
  if (!['common', 'ceil', 'floor'].includes(how)) fail('method must be common, ceil or floor');
  if (isUndefined(value)) fail(value.why);
  const number = numberOf(value) ?? fail(`round expects a number, found ${typeName(value)}`);
  const digits = wholeArgument('round', precision);
  if (digits < 0 || digits > 15) refuse('rounding to so many digits');
  const whole = wholeOf(value) !== undefined;
  if (how === 'common') return whole ? number : float(roundHalfEven(number, digits));
  const scaled = number * 10 ** digits;
  if (!Number.isSafeInteger(Math.trunc(scaled))) refuse('rounding so large a number');
  return float((how === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled)) / 10 ** digits);
}

/**
 * The nearest number of so many decimals; of two as near, the even one: exact, for it works on the
 * number's own fraction.
 */
function roundHalfEven(value: number, digits: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 52) return value;
  const size = Math.abs(value);
  let shift = 0n;
  let scaled = size;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    shift++;
  }
  const product = BigInt(scaled) * 10n ** BigInt(digits);
  const unit = 1n << shift;
  const rest = product % unit;
  let rounded = product / unit;
  if (2n * rest > unit || (2n * rest === unit && rounded % 2n === 1n)) rounded++;
  const text = rounded.toString().padStart(digits + 1, '0');
  const number = Number(digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`);
  return value < 0 || Object.is(value, -0) ? -number : number;
}
