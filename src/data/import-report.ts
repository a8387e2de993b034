import { dataError } from '../core/errors.js';
import type { Remedy } from '../core/remedies.js';
import { andMore, shownName, showSome } from '../core/shown.js';
import type { Logger } from '../telemetry/logger.js';
import type { RowFormat } from './importer.js';
import type { ImportOptions } from './options.js';

/** What has been read of a file. */
export interface RowsFound {
  /** Undefined until the first rows decide it. */
  readonly format?: RowFormat;
  /** Rows, and their bytes unpacked. */
  readonly read: number;
  readonly bytes: number;
  /** Rows whose own id an earlier row has; theirs got a number at its end. */
  readonly renamed: number;
  /** Rows without an id that are equal to an earlier row; their ids, too, got a number at their end. */
  readonly equal: number;
  /** Bad rows, each as "place: what was expected and what came"; under `refuse` only as many as are logged. */
  readonly problems: readonly string[];
}

/** What reading a file keeps in mind: {@link RowsFound} and what only the reader needs. */
export interface ImportState extends RowsFound {
  format?: RowFormat;
  read: number;
  bytes: number;
  renamed: number;
  equal: number;
  kept: number;
  bad: number;
  readonly problems: string[];
  /** Ids, and the number of the line or row that has each. */
  readonly taken: Map<string, number>;
  /** Rows that have each field of turns that is not trained on. */
  readonly turnFields: Map<string, number>;
  /** Rows that have each field that looks as if it belonged to the answer. */
  readonly unusedFields: Map<string, number>;
  /** Rows that each note of an importer is about. */
  readonly notes: Map<string, number>;
}

/** Nothing read yet. */
export const newImport = (): ImportState => ({
  read: 0,
  bytes: 0,
  kept: 0,
  renamed: 0,
  equal: 0,
  bad: 0,
  problems: [],
  taken: new Map(),
  turnFields: new Map(),
  unusedFields: new Map(),
  notes: new Map(),
});

/** Bad rows that are logged one by one; of the rest only the number is. */
export const SHOWN_ROWS = 20;

/** What can be done about a row that cannot be used. */
export const FIX_OR_SKIP: readonly Remedy[] = [
  { advice: 'fix it' },
  { option: 'badRows', change: 'set', value: 'skip', note: 'to leave such rows out' },
];

/** What can be done where no row can be used: leaving them out would leave none. */
const FIX_OR_OTHER_FORMAT: readonly Remedy[] = [
  { advice: 'fix the rows' },
  { option: 'format', change: 'set', note: 'to the format that they have' },
];

/** What a user should know about the rows that were read, as sentences. */
export function noteLines({ renamed, equal, turnFields, unusedFields, notes }: ImportState): string[] {
  const lines: string[] = [];
  const rows = (count: number) => (count === 1 ? '1 row' : `${count} rows`);
  if (equal > 0)
    lines.push(
      equal === 1
        ? '1 row equals an earlier row and has no id; its id got a number at its end (-2)'
        : `${equal} rows equal earlier rows and have no id; their ids got a number at their end (-2, -3, ...)`,
    );
  if (renamed > 0)
    lines.push(
      renamed === 1
        ? '1 row has the id of an earlier row; its id got a number at its end (-2)'
        : `${renamed} rows have the id of an earlier row; their ids got a number at their end (-2, -3, ...)`,
    );
  const most = (counts: ReadonlyMap<string, number>) => {
    const names = [...counts].sort((x, y) => y[1] - x[1]).map(([name, n]) => `${shownName(name, 40)} in ${rows(n)}`);
    return showSome(names, 8);
  };
  if (turnFields.size > 0)
    lines.push(`turns have fields that are not trained on (${most(turnFields)}); they are kept in meta.turnFields`);
  if (unusedFields.size > 0)
    lines.push(
      `rows have fields that may belong to the answer and are not trained on (${most(unusedFields)}); they are kept in meta`,
    );
  for (const [note, n] of notes) lines.push(`${rows(n)} ${note}`);
  return lines;
}

/** Logs the bad rows, and refuses the file with the first of them unless they are to be skipped. */
export function reportProblems(
  { problems, bad, read }: ImportState,
  policy: ImportOptions['badRows'],
  path: string,
  logger: Logger,
) {
  if (bad === 0) return;
  // Under `refuse` the first one is in the error.
  const shown = policy === 'skip' ? problems : problems.slice(1);
  for (const problem of shown.slice(0, SHOWN_ROWS)) logger.warn(problem);
  const left = bad - SHOWN_ROWS - (policy === 'skip' ? 0 : 1);
  if (left > 0) logger.warn(`...${andMore(left)}`);
  if (policy === 'skip') {
    logger.warn(`${path}: skipped ${bad} of ${read} rows`);
    return;
  }
  const more = bad > 1 ? ` (the first of ${bad} bad rows of ${read})` : '';
  throw dataError(`${problems[0]}${more}`, {
    file: path,
    badRows: bad,
    remedies: bad < read ? FIX_OR_SKIP : FIX_OR_OTHER_FORMAT,
  });
}
