import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { loadTemplate, placeholderProblems } from '../../scoring/template-file.js';

const text = z.string().refine((value) => value.trim() !== '', 'expected some text');

const formSchema = z
  .strictObject({
    name: z.string().regex(/^[\w.+-]{1,64}$/, 'expected a name of letters, digits, and . + - _'),
    version: z.union([z.string().min(1), z.number()]).transform(String),
    /** How the judge replies: which answer is better, or a score from 1 to 10 for each. */
    reply: z.enum(['better', 'scores']).default('better'),
    /** Whether it gives its reason first. */
    reason: z.boolean().default(true),
    system: text.optional(),
    user: text,
  })
  .superRefine((form, { addIssue }) => {
    for (const { path, message } of placeholderProblems(form, 'answers are', ['item']))
      addIssue({ code: 'custom', path: [path], message });
  });

/** What a judge of pairs is asked, and the form of its reply; `sha256` is the hash of its content. */
export type PairForm = z.infer<typeof formSchema> & { readonly sha256: string };

/** The shipped ones lie in the source folder, also for the built program. */
const SHIPPED = fileURLToPath(new URL('../../../src/eval/judge/prompts/', import.meta.url));

/**
 * Reads a shipped form by name (`pair`, `pair-scores`), or the user's own by its path. An unknown
 * name is a usage error that lists what there is; a file that is not laid out so is a data error
 * naming the field.
 *
 * @example
 * const { reply, user } = await loadPairForm('pair');
 */
export const loadPairForm = (nameOrPath: string): Promise<PairForm> =>
  loadTemplate(nameOrPath, {
    kind: 'judge prompt',
    option: 'judgePrompt',
    shipped: SHIPPED,
    schema: formSchema,
    fields: 'name, version, reply and user',
  });
