import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { loadTemplate, placeholderProblems } from './template-file.js';

/** The numbers that a judge may give. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  /** Only whole numbers; else decimals such as 3.5 too. */
  readonly whole: boolean;
}

const text = z.string().refine((value) => value.trim() !== '', 'expected some text');

/** Schema of a rubric file. */
const rubricSchema = z
  .strictObject({
    name: z.string().regex(/^[\w.+-]{1,64}$/, 'expected a name of letters, digits, and . + - _'),
    version: z.union([z.string().min(1), z.number()]).transform(String),
    scale: z
      .strictObject({ min: z.number(), max: z.number(), whole: z.boolean().default(true) })
      .refine(({ min, max }) => min < max, 'expected a min below max')
      .refine(
        ({ min, max, whole }) => !whole || (Number.isInteger(min) && Number.isInteger(max)),
        'expected whole numbers as min and max, since the scale is whole',
      )
      .refine(({ min, max }) => min >= 0 && max <= 1000, 'expected a scale within 0 and 1000'),
    /** What the judge sees: the turns before the answer, or the answer too. */
    judges: z.enum(['instruction', 'instruction+answer']),
    /** How it is to reply: a number and nothing else, {"score": N}, or {"reason": "...", "score": N}. */
    reply: z.enum(['number', 'json', 'reasoned']).default('json'),
    system: text.optional(),
    user: text,
  })
  .superRefine((rubric, { addIssue }) => {
    for (const { path, message } of placeholderProblems(rubric, 'row is', ['item', 'min', 'max']))
      addIssue({ code: 'custom', path: [path], message });
  });

/** A judge's instructions and the form of its reply; `sha256` is the hash of its content. */
export type Rubric = z.infer<typeof rubricSchema> & { readonly sha256: string };

/** The shipped rubrics lie in the source folder, also for the built program. */
const SHIPPED = fileURLToPath(new URL('../../src/scoring/rubrics/', import.meta.url));

/**
 * Reads a shipped rubric by name (`difficulty-1-5`), or the user's own by its path. An unknown name
 * is a usage error that lists what there is; a file that is not as `rubricSchema` says is a data
 * error naming the field.
 *
 * @example
 * const { scale, sha256 } = await loadRubric('difficulty-1-5');
 */
export const loadRubric = (nameOrPath: string): Promise<Rubric> =>
  loadTemplate(nameOrPath, {
    kind: 'rubric',
    option: 'rubric',
    shipped: SHIPPED,
    schema: rubricSchema,
    fields: 'name, version, scale, judges and user',
  });
