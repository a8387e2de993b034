import { dataError } from '../core/errors.js';
import { random } from '../core/random.js';
import type { InstructionRecord } from '../data/record.js';
import { recordText } from './ratings.js';

/** Rows of similar difficulty and how many of them were drawn. */
export interface Stratum {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly drawn: number;
}

/** Rows to rate, in random order. */
export interface Sample {
  readonly rows: readonly InstructionRecord[];
  /** From easy to hard. */
  readonly strata: readonly Stratum[];
  /** Rows that could not be drawn: those without a score, and those whose instruction was there already. */
  readonly unscored: number;
  readonly repeated: number;
}

/** How many rows to draw from how many strata. */
export interface SampleSize {
  readonly rows: number;
  readonly strata: number;
  readonly seed: number;
}

type Scored = InstructionRecord & { readonly score: number };

/**
 * Draws scored rows for people to rate: the rows are put in order of their score and cut into strata of equal rows, and from each equally many
 * are drawn, give or take one. No instruction comes twice. Throws a data error where there are fewer rows than asked for.
 */
export function drawSample(records: readonly InstructionRecord[], { rows, strata, seed }: SampleSize): Sample {
  const scored = records.filter((record): record is Scored => record.score !== undefined);
  const seen = new Set<string>();
  const candidates = scored.filter((record) => {
    const { key } = recordText(record);
    return !seen.has(key) && seen.add(key);
  });
  if (candidates.length < rows)
    throw dataError(
      `${rows} rows to draw, but only ${candidates.length} different instructions with a score; ask for fewer, or score more rows`,
      { rows: candidates.length },
    );
  const { shuffle } = random(seed, 'scoring', 'sample');
  const rising = shuffle(candidates).sort((a, b) => a.score - b.score);
  const parts = Math.min(strata, rows);
  const share = (n: number, i: number) => Math.floor(((i + 1) * n) / parts) - Math.floor((i * n) / parts);
  const drawn: Scored[] = [];
  let from = 0;
  const cutStrata = Array.from({ length: parts }, (_, i): Stratum => {
    const members = rising.slice(from, from + share(rising.length, i));
    from += members.length;
    drawn.push(...shuffle(members).slice(0, share(rows, i)));
    return { from: members[0]!.score, to: members.at(-1)!.score, rows: members.length, drawn: share(rows, i) };
  });
  return {
    rows: shuffle(drawn),
    strata: cutStrata,
    unscored: records.length - scored.length,
    repeated: scored.length - candidates.length,
  };
}

/** Columns of a sheet to rate; the answer is there only when asked for. */
export const sheetColumns = (answers: boolean): string[] => [
  'id',
  'instruction',
  ...(answers ? ['answer'] : []),
  'rating',
];

/** A row of the sheet: nothing in it shows the score or the stage. Earlier turns of a conversation are written with their roles. */
export function sheetRow({ id, messages }: InstructionRecord, answers: boolean): string[] {
  const before = messages.slice(0, -1);
  const only = before.length === 1 && before[0]!.role === 'user';
  const asked = only ? before[0]!.content : before.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
  return [id, asked, ...(answers ? [messages.at(-1)!.content] : []), ''];
}

/** Instructions for raters, as Markdown: in the words that a judge is given, so that the two can be compared. */
export function ratingGuide(rubric: {
  readonly scale: { readonly min: number; readonly max: number; readonly whole: boolean };
  readonly system?: string | undefined;
}): string {
  const { min, max, whole } = rubric.scale;
  const scaleText = rubric.system?.replaceAll('{{min}}', String(min)).replaceAll('{{max}}', String(max)).trim();
  return [
    '# How to rate the sheet',
    `Write a number from ${min} to ${max} into the column \`rating\` of every row, the higher the more difficult; ${whole ? 'whole numbers only' : 'decimals such as 3.5 are fine'}. Leave a row empty when you cannot tell. Change nothing else: the rows are in random order, and the ids lead back to the scores.`,
    'Rate alone, and do not look at scores of these rows before you are done.',
    ...(scaleText ? ['## The scale', scaleText] : []),
    '',
  ].join('\n\n');
}
