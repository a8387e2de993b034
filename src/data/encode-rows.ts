import { setImmediate } from 'node:timers/promises';
import { dataError, PhasetuneError } from '../core/errors.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type EncodedOutcome, encodeRow } from './encode.js';
import type { EncodedRow } from './encoded.js';
import { limitRows } from './limit-rows.js';
import type { EncodeOptions } from './options.js';
import type { InstructionRecord } from './record.js';

/** What encoding a set did to it. Ids are listed in the order of the rows. */
export interface EncodeReport {
  /** Rows that came in. */
  readonly rows: number;
  /** Rows that go to training, cut ones among them. */
  readonly kept: number;
  /** Ids of rows whose answer was cut. */
  readonly truncated: readonly string[];
  /** Ids of rows that were dropped since they are over `maxLength`. */
  readonly droppedTooLong: readonly string[];
  /** Ids of rows that were dropped since their prompt alone fills `maxLength`. */
  readonly droppedPromptTooLong: readonly string[];
  /** Ids of kept rows whose template writes no end token behind the answer: nothing teaches the model to stop. */
  readonly withoutEnd: readonly string[];
  /** Tokens and trained tokens of the kept rows. */
  readonly tokens: number;
  readonly trainedTokens: number;
  /** Tokens of the longest row before cutting. */
  readonly longest: number;
}

/** How to watch and stop {@link encodeRows}. */
interface EncodeHooks {
  /** Called every 256 rows, and at the end. */
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/** Rows between two breaths for the event loop. */
const BREATH = 256;

/** Rows that are encoded under one limit of time. */
const LIMITED = 32;

/** Rows named in one error message. */
const NAMED = 5;

/**
 * Encodes a set, see {@link encodeRow}. Under `refuse` a row that is too long, by its prompt or in all, is a data error that names such
 * rows; otherwise what was cut and dropped is in the report. A data error as well when no row is left.
 */
export async function encodeRows(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  options: EncodeOptions,
  hooks: EncodeHooks = {},
): Promise<{ rows: EncodedRow[]; report: EncodeReport }> {
  const rows: EncodedRow[] = [];
  const long: { id: string; tokens: number; prompt: boolean }[] = [];
  const truncated: string[] = [];
  const withoutEnd: string[] = [];
  let longest = 0;
  let outcomes: EncodedOutcome[] = [];
  for (const [i, record] of records.entries()) {
    if (i % BREATH === 0) await breathe(hooks, i, records.length);
    if (i % LIMITED === 0)
      outcomes = limitRows(records.slice(i, i + LIMITED), tokenizer, (row) => encodeRow(row, tokenizer, options));
    const outcome = outcomes[i % LIMITED]!;
    longest = Math.max(longest, outcome.tokens);
    if (!('row' in outcome)) {
      long.push({ id: record.id, tokens: outcome.tokens, prompt: outcome.kind === 'prompt-too-long' });
      continue;
    }
    rows.push(outcome.row);
    if (outcome.kind === 'truncated') truncated.push(record.id);
    else if (!outcome.ended) withoutEnd.push(record.id);
  }
  hooks.onProgress?.(records.length, records.length);
  if (long.length > 0 && options.overflow === 'refuse') throw refusal(long, records.length, options.maxLength);
  if (rows.length === 0)
    throw dataError(
      records.length === 0
        ? 'no rows to encode'
        : `none of ${records.length} rows fits in ${options.maxLength} tokens (the longest has ${longest}); raise --max-length`,
    );
  const report = {
    rows: records.length,
    kept: rows.length,
    truncated,
    droppedTooLong: long.filter((row) => !row.prompt).map((row) => row.id),
    droppedPromptTooLong: long.filter((row) => row.prompt).map((row) => row.id),
    withoutEnd,
    tokens: rows.reduce((n, row) => n + row.ids.length, 0),
    trainedTokens: rows.reduce((n, row) => n + row.trained, 0),
    longest,
  };
  return { rows, report };
}

async function breathe({ onProgress, signal }: EncodeHooks, done: number, of: number): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw new PhasetuneError('interrupted', `stopped after encoding ${done} of ${of} rows`);
  onProgress?.(done, of);
}

function refusal(
  long: readonly { id: string; tokens: number; prompt: boolean }[],
  of: number,
  maxLength: number,
): PhasetuneError {
  const named = long
    .slice(0, NAMED)
    .map((row) => `${row.id} (${row.tokens}${row.prompt ? ', by its prompt alone' : ''})`);
  const more = long.length > NAMED ? ` and ${long.length - NAMED} more` : '';
  return dataError(
    `${long.length} of ${of} rows are over ${maxLength} tokens: ${named.join(', ')}${more}; raise --max-length, or choose --overflow truncate or drop`,
    { rows: long.length, maxLength },
  );
}

/** The report for people: a line for the set and one for everything that was cut, dropped or is odd. */
export function describeReport(report: EncodeReport, { maxLength }: Pick<EncodeOptions, 'maxLength'>): string[] {
  const line = (ids: readonly string[], what: string) => {
    const more = ids.length > NAMED ? ', ...' : '';
    return ids.length > 0 ? [`${ids.length} rows ${what}: ${ids.slice(0, NAMED).join(', ')}${more}`] : [];
  };
  return [
    `${report.kept} of ${report.rows} rows, ${report.tokens} tokens, ${report.trainedTokens} of them trained, longest row ${report.longest}`,
    ...line(report.truncated, `were cut at ${maxLength} tokens (their end is not trained)`),
    ...line(report.droppedTooLong, `were dropped, longer than ${maxLength} tokens`),
    ...line(report.droppedPromptTooLong, `were dropped, their prompt alone fills ${maxLength} tokens`),
    ...line(report.withoutEnd, 'have no end token behind the answer (nothing teaches the model to stop)'),
  ];
}
