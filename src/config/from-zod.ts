import * as z from 'zod';
import type { JsonSchema } from './json-schema.js';

/**
 * JSON Schema of a zod schema's input, before defaults and transforms. In a separate file because
 * zod is slow to load.
 */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
