import type { RawRow } from './fields.js';
import type { ROW_FORMATS } from './options.js';
import type { Message } from './record.js';
import type { Turns } from './turns.js';

/** Ways in which published sets of instructions are written that are no rows to train on. */
export type SetFormat = 'self-instruct' | 'turns' | 'questions' | 'wizardlm';

/** One of the ways to write rows, or published sets of instructions. */
export type RowFormat = (typeof ROW_FORMATS)[number] | SetFormat;

/** Whether each row must end with an answer, as for training, or may be an instruction alone, as in sets to answer. */
export type Answers = 'required' | 'optional';

/** What an importer finds in a row, before ids, scores and the rest are dealt with. */
export interface Draft extends Partial<Turns> {
  readonly messages: Message[];
  /** Difficulty, where the format has a field for it. */
  readonly score?: number;
  /** What a user should know about such rows, after "80 rows". */
  readonly note?: string;
  /** Fields of the row that are used up; the others go into `meta`. */
  readonly used: readonly string[];
}

/**
 * One way to write rows: how an error describes it, what it looks like, how it is read. `read`
 * throws `RowProblem`.
 */
export interface Importer {
  readonly looksLike: string;
  matches(row: RawRow): boolean;
  read(row: RawRow, answers: Answers): Draft;
}
