import type * as z from 'zod';
import { jsonSchemaOf } from '../config/from-zod.js';
import { resolveLayers } from '../config/layers.js';

/**
 * Options of a program with their defaults. Throws a usage error that names the option that is unknown or not as it must be,
 * in the same words as the command line.
 */
export const parseOptions = <S extends z.ZodType>(schema: S, given: z.input<S>): z.infer<S> =>
  resolveLayers(schema, jsonSchemaOf(schema), [
    { values: given as Record<string, unknown>, where: (path) => `\`${path.join('.')}\`` },
  ]);
