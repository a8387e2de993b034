import * as z from 'zod';
import { hashOf } from '../../core/hash.js';
import type { DrawnPair } from './draw-pairs.js';
import { answersHash } from './rated-pair.js';

const count = z.number().int().min(1);

const keyPairSchema = z.strictObject({
  /** The pair's name in the sheet. */
  pair: z.string(),
  set: z.string(),
  id: z.string(),
  baseline: z.string(),
  arm: z.string(),
  run: count,
  baselineRun: count,
  /** Whose answer is A. */
  first: z.enum(['baseline', 'arm']),
  /** Hash of the two answers. */
  answers: z.string(),
});

/** Schema of the key beside a sheet: which pair each row is, and whose answer is A. Raters do not see it. */
export const sheetKeySchema = z.strictObject({
  schema: z.literal('phasetune/people-key'),
  version: z.literal(1),
  /** What the names of this sheet's pairs begin with. */
  sheet: z.string(),
  seed: z.number().int().min(0),
  pairs: z.array(keyPairSchema).min(1),
});

/** See {@link sheetKeySchema}. */
export type SheetKey = z.infer<typeof sheetKeySchema>;

/** One pair of the key. */
export type KeyPair = z.infer<typeof keyPairSchema>;

/** Columns of the sheet. Further people add columns whose names begin with the last one's. */
export const SHEET_COLUMNS = ['pair', 'instruction', 'A', 'B', 'better'] as const;

/** The sheet's rows, and the key to them. Nothing in a row shows an arm, an id or a verdict. */
export function sheetOf(
  drawn: readonly DrawnPair[],
  seed: number,
): { readonly rows: string[][]; readonly key: SheetKey } {
  const sheet = `p${hashOf([seed, drawn]).slice(0, 6)}`;
  const named = drawn.map((pair, i) => ({ ...pair, pair: `${sheet}-${String(i + 1).padStart(3, '0')}` }));
  const rows = named.map(({ pair, instruction, answers, first }) => [
    pair,
    instruction,
    answers[first],
    answers[first === 'arm' ? 'baseline' : 'arm'],
    '',
  ]);
  const pairs = named.map(({ instruction: _, band: __, answers, ...pair }) => ({
    ...pair,
    answers: answersHash({ answers }),
  }));
  return { rows, key: { schema: 'phasetune/people-key', version: 1, sheet, seed, pairs } };
}

/** Where the key of a sheet lies. */
export const keyPath = (sheet: string): string => sheet.replace(/\.csv$/i, '.key.json');

/** Where the raters' guide lies. */
export const guidePath = (sheet: string): string => sheet.replace(/\.csv$/i, '.guide.md');

/** Instructions for raters, as Markdown. */
export const RATER_GUIDE = `# How to rate the sheet

Each row has an instruction and two answers to it. Write into the column \`better\` which answer is better: \`A\`, \`B\`, or \`tie\` if neither
is. Leave it empty when you cannot say. Change nothing else: the rows and the answers are in random order, and the names in the first column lead
back to them.

- An answer is better if it does what the instruction asks, is correct, and helps the one who asked. A longer answer is not better for being long.
- Judge what is there, and look facts up where they matter.
- Rate alone. Do not look at the key beside the sheet, at results, or at what others rated, before you are done.
- Several people: each takes a copy of the sheet, or adds a column of their own whose name begins with \`better\`, such as \`better Anna\`.
`;
