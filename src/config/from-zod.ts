import * as z from 'zod';
import type { JsonSchema } from './json-schema.js';

/** JSON Schema of what a zod schema takes in, before defaults and transforms. Apart from the rest: zod takes its time to load. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
