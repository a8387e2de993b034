import type * as z from 'zod';
import { usageError } from '../core/errors.js';
import { jsonSchemaOf } from './from-zod.js';
import { type Layer, resolveLayers } from './layers.js';
import { isMapping, shownInput } from './paths.js';

/**
 * Options as a program gave them. Nothing checks the types of one written in JavaScript: left out is as good as
 * empty, and what is not an object is a usage error.
 */
export function givenOptions(given: unknown): Layer {
  const values = given ?? {};
  if (!isMapping(values)) throw usageError(`expected an object of options, got ${shownInput(given)}`);
  return { values, where: (path) => `\`${path.join('.')}\`` };
}

/**
 * Options of a program with their defaults. Throws a usage error that names the option that is
 * unknown or not as it must be, in the same words as the command line.
 */
export const parseOptions = <S extends z.ZodType>(schema: S, given: z.input<S>): z.infer<S> =>
  resolveLayers(schema, jsonSchemaOf(schema), [givenOptions(given)]);

/** Refuses, with a usage error that names it, what should be a path or a name and is none. */
export function checkText(option: string, given: unknown): void {
  if (typeof given === 'string' && given !== '') return;
  throw usageError(`\`${option}\`: expected non-empty text, got ${shownInput(given)}`, { option });
}
