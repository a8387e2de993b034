import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { dataError, usageError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { didYouMean } from '../core/suggest.js';
import { limitTime } from '../core/time-limit.js';
import { exists, listFolder, readText } from '../io/files.js';
import { checkSchema } from '../io/json.js';

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
  .superRefine(({ system = '', user }, { addIssue }) => {
    const wrong = (path: string, message: string) => addIssue({ code: 'custom', path: [path], message });
    const items = user.split('{{item}}').length - 1;
    if (items !== 1) wrong('user', `expected {{item}} once, where the row is to stand; found it ${items} times`);
    if (system.includes('{{item}}')) wrong('system', 'expected {{item}} in the user turn only');
    for (const [path, value] of Object.entries({ system, user }))
      for (const [all, name] of value.matchAll(/\{\{\s*(.*?)\s*\}\}/g))
        if (!['{{item}}', '{{min}}', '{{max}}'].includes(all))
          wrong(path, `unknown placeholder {{${name}}}; expected {{item}}, {{min}} or {{max}}, without spaces inside`);
  });

/** A judge's instructions and the form of its reply; `sha256` is the hash of its content. */
export type Rubric = z.infer<typeof rubricSchema> & { readonly sha256: string };

/** Longest rubric that is read, in bytes, and the time it gets. */
const MAX_BYTES = 1 << 16;
const MAX_MS = 500;

/** The shipped rubrics lie in the source folder, also for the built program. */
const SHIPPED = fileURLToPath(new URL('../../src/scoring/rubrics/', import.meta.url));

/**
 * Reads a shipped rubric by name (`difficulty-1-5`), or the user's own by its path. An unknown name is a usage error that lists what there
 * is; a file that is not as `rubricSchema` says is a data error naming the field.
 *
 * @example
 * const { scale, sha256 } = await loadRubric('difficulty-1-5');
 */
export async function loadRubric(nameOrPath: string): Promise<Rubric> {
  const names = (await listFolder(SHIPPED)).map((name) => name.replace(/\.yaml$/, ''));
  const shipped = names.includes(nameOrPath);
  if (!shipped && !exists(nameOrPath) && !/[/\\]|\.(ya?ml|json)$/i.test(nameOrPath))
    throw usageError(
      `\`rubric\`: no rubric is called "${nameOrPath}"${didYouMean(nameOrPath, names)}; expected one of ${names.join(', ')}, or the path of your own file`,
      { option: 'rubric', rubric: nameOrPath },
    );
  const file = shipped ? `${SHIPPED}${nameOrPath}.yaml` : nameOrPath;
  const rubric = checkSchema(readYaml(await readText(file, { maxBytes: MAX_BYTES }), file), rubricSchema, file);
  return { ...rubric, sha256: hashOf(rubric) };
}

function readYaml(source: string, file: string): unknown {
  const refuse = (what: string) =>
    dataError(`${file}: ${what}; expected a rubric as YAML or JSON with name, version, scale, judges and user`, {
      file,
    });
  let document: ReturnType<typeof parseDocument>;
  let value: unknown;
  try {
    document = limitTime(
      MAX_MS,
      () => parseDocument(source, { logLevel: 'error' }),
      () => new RangeError(),
    );
    value = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    throw refuse(error instanceof RangeError ? 'it is nested too deep' : (error as Error).message);
  }
  const broken = document.errors[0];
  if (broken) throw refuse(broken.message.split('\n')[0]!.replace(/:$/, ''));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('it is not a mapping of fields');
  return value;
}
