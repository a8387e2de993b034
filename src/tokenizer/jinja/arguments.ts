import type { Budget } from './budget.js';
import { fail, refuse } from './errors.js';
import { toText } from './print.js';
import type { Text } from './text.js';
import { type ArgumentValues, isText, typeName, type Value, wholeOf } from './values.js';

/**
 * Arguments by parameter name, as Python binds them: too many, unknown or missing ones are errors.
 * `required` counts from the first.
 */
export function bind(
  what: string,
  { positional, named }: ArgumentValues,
  parameters: readonly string[],
  required = 0,
): Record<string, Value | undefined> {
  if (positional.length > parameters.length)
    fail(`${what} takes at most ${parameters.length} arguments (${positional.length} given)`);
  const bound: Record<string, Value | undefined> = {};
  for (const [i, value] of positional.entries()) bound[parameters[i]!] = value;
  for (const [name, value] of named) {
    if (!parameters.includes(name)) fail(`${what} got an unexpected argument "${name}"`);
    if (bound[name] !== undefined) fail(`${what} got two values for "${name}"`);
    bound[name] = value;
  }
  const absent = parameters.slice(0, required).find((name) => bound[name] === undefined);
  return absent === undefined ? bound : fail(`${what} needs the argument "${absent}"`);
}

/** An argument that must be a text. */
export function textArgument(what: string, value: Value): Text {
  if (!isText(value)) fail(`${what} expects a text, found ${typeName(value)}`);
  return value.markup ? refuse(`${what} of a text marked as safe`) : value;
}

/** An argument that must be a whole number. */
export const wholeArgument = (what: string, value: Value): number =>
  wholeOf(value) ?? fail(`${what} expects a whole number, found ${typeName(value)}`);

/** A value as filters of texts take it: a text as it is, another printed. */
export const asText = (what: string, value: Value, budget: Budget): Text =>
  isText(value) ? textArgument(what, value) : toText(value, budget);
