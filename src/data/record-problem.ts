import type * as z from 'zod';
import { show } from '../core/shown.js';
import { isRow, type RawRow } from './fields.js';

/** What the fields of a record hold, for an error message. */
const EXPECTED: Readonly<Record<string, string>> = {
  id: 'a text that is not empty',
  messages: 'a list of turns',
  role: 'system, user or assistant',
  content: 'a text',
  train: 'false, or nothing',
  stage: 'a whole number from 1',
  meta: 'an object',
};

/** What is wrong with a row that must be a record: the first field that is not as the schema has it. */
export function recordProblem(row: RawRow, error: z.ZodError): string {
  const issue = error.issues[0]!;
  const path = issue.path.map(String);
  const place = path.map((key, i) => (/^\d+$/.test(key) ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
  if (issue.code === 'unrecognized_keys') {
    const where = place === '' ? '' : `${place}: `;
    return `${where}expected only the fields of a record, found ${issue.keys.slice(0, 5).join(', ')}; \`format: messages\` reads such rows`;
  }
  const value = path.reduce<unknown>(
    (inner, key) => (isRow(inner) ? inner[key] : Array.isArray(inner) ? inner[Number(key)] : undefined),
    row,
  );
  const name = path.findLast((key) => !/^\d+$/.test(key)) ?? '';
  const expected = /^\d+$/.test(path.at(-1) ?? '') ? 'an object with role and content' : EXPECTED[name];
  return `${place}: expected ${expected ?? 'a record'}, found ${show(value)}`;
}
