import { setImmediate } from 'node:timers/promises';
import { dataError, PhasetuneError } from '../core/errors.js';
import { chunk } from '../core/lists.js';
import type { Remedy } from '../core/remedies.js';
import { showSome } from '../core/shown.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { encodeBatch } from './encode.js';
import type { EncodedRow } from './encoded.js';
import { FIX_OR_SKIP } from './import-report.js';
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
  /** Ids of kept rows whose template writes no end token after an answer: nothing teaches the model to stop. */
  readonly withoutEnd: readonly string[];
  /** Ids of kept rows whose template leaves out some of their text, such as the reasoning of earlier answers. */
  readonly leftOut: readonly string[];
  /** Ids of rows that were dropped since none of their answers is to be trained. */
  readonly untrained: readonly string[];
  /** Rows that cannot be used, left out under `badRows: 'skip'`, and why. */
  readonly refused: readonly { readonly id: string; readonly reason: string }[];
  /** Tokens and trained tokens of the kept rows. */
  readonly tokens: number;
  readonly trainedTokens: number;
  /** Tokens of the longest row before cutting. */
  readonly longest: number;
}

/** How to watch and stop {@link encodeRows}. */
export interface EncodeHooks {
  /** Called every 256 rows, and at the end. */
  readonly onProgress?: (done: number, of: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Rows that are encoded together; after each batch the event loop gets its turn. */
const BATCH = 256;

/** Rows named in one error message. */
const NAMED = 5;

const RAISE_MAX_LENGTH: Remedy = { option: 'maxLength', change: 'raise' };

/**
 * Encodes a set, see {@link encodeBatch}. Under `overflow: 'refuse'` rows that are too long, by
 * their prompt or in all, are a data error that names them, and so is under `badRows: 'refuse'` a
 * row that the template refuses; otherwise the report lists what was cut and dropped. When no row
 * is left, that is a data error as well.
 *
 * @example
 * const tokenizer = await loadTokenizer('models/tiny-llama');
 * const options = encodeOptionsSchema.parse({ maxLength: 256 });
 * const { rows, report } = await encodeRows(await readRecords('rows.jsonl'), tokenizer, options);
 * console.log(rows.length, report);
 */
export async function encodeRows(
  records: readonly InstructionRecord[],
  tokenizer: Tokenizer,
  options: EncodeOptions,
  hooks: EncodeHooks = {},
): Promise<{ rows: EncodedRow[]; report: EncodeReport }> {
  if (records.length === 0) throw dataError('no rows to encode');
  const rows: EncodedRow[] = [];
  const long: LongRow[] = [];
  const refused: { id: string; reason: string }[] = [];
  const ids = {
    truncated: [] as string[],
    withoutEnd: [] as string[],
    leftOut: [] as string[],
    untrained: [] as string[],
  };
  let longest = 0;
  let done = 0;
  for (const batch of chunk(records, BATCH)) {
    await pause(hooks, done, records.length);
    for (const [i, outcome] of (await encodeBatch(batch, tokenizer, options)).entries()) {
      const { id } = batch[i]!;
      longest = Math.max(longest, outcome.tokens);
      if ('row' in outcome) {
        rows.push(outcome.row);
        if (outcome.kind === 'truncated') ids.truncated.push(id);
        else if (!outcome.ended) ids.withoutEnd.push(id);
        if (outcome.leavesOut) ids.leftOut.push(id);
      } else if (outcome.kind === 'refused') refused.push({ id, reason: outcome.reason });
      else if (outcome.kind === 'untrained') ids.untrained.push(id);
      else long.push({ id, tokens: outcome.tokens, prompt: outcome.kind === 'prompt-too-long' });
    }
    done += batch.length;
  }
  hooks.onProgress?.(records.length, records.length);
  if (refused.length > 0 && options.badRows === 'refuse') throw refusedError(refused, records.length);
  if (long.length > 0 && options.overflow === 'refuse') throw tooLongError(long, records.length, options.maxLength);
  const report: EncodeReport = {
    rows: records.length,
    kept: rows.length,
    ...ids,
    droppedTooLong: long.filter((row) => !row.prompt).map((row) => row.id),
    droppedPromptTooLong: long.filter((row) => row.prompt).map((row) => row.id),
    refused,
    tokens: rows.reduce((n, row) => n + row.ids.length, 0),
    trainedTokens: rows.reduce((n, row) => n + row.trained, 0),
    longest,
  };
  if (rows.length === 0) throw nothingLeftError(report, options);
  return { rows, report };
}

interface LongRow {
  readonly id: string;
  readonly tokens: number;
  /** Whether its prompt alone is too long. */
  readonly prompt: boolean;
}

function nothingLeftError(
  { rows, longest, untrained, refused }: EncodeReport,
  { maxLength, trainOn }: EncodeOptions,
): PhasetuneError {
  const [first] = refused;
  if (refused.length + untrained.length < rows)
    return dataError(`none of ${rows} rows fits in ${maxLength} tokens (the longest has ${longest})`, {
      remedies: [RAISE_MAX_LENGTH],
    });
  if (first) return dataError(`none of ${rows} rows can be trained; row ${first.id}: ${first.reason}`);
  if (trainOn === 'all') return dataError(`none of ${rows} rows can be trained; no answer is to be trained (weight 0)`);
  return dataError(`none of ${rows} rows can be trained; no last answer is to be trained (weight 0)`, {
    remedies: [{ option: 'trainOn', change: 'set', value: 'all', note: 'to train earlier ones' }],
  });
}

function refusedError(refused: EncodeReport['refused'], rows: number): PhasetuneError {
  const { id, reason } = refused[0]!;
  const more = refused.length > 1 ? ` (the first of ${refused.length} such rows of ${rows})` : '';
  return dataError(`row ${id}: ${reason}${more}`, { id, badRows: refused.length, remedies: FIX_OR_SKIP });
}

async function pause({ onProgress, signal }: EncodeHooks, done: number, of: number): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw new PhasetuneError('interrupted', `stopped after encoding ${done} of ${of} rows`);
  onProgress?.(done, of);
}

function tooLongError(long: readonly LongRow[], rows: number, maxLength: number): PhasetuneError {
  const named = long.map((row) => `${row.id} (${row.tokens}${row.prompt ? ', by its prompt alone' : ''})`);
  return dataError(`${long.length} of ${rows} rows are over ${maxLength} tokens: ${showSome(named, NAMED)}`, {
    rows: long.length,
    maxLength,
    remedies: [
      RAISE_MAX_LENGTH,
      { option: 'overflow', change: 'set', value: 'truncate' },
      { option: 'overflow', change: 'set', value: 'drop' },
    ],
  });
}

/** The report for people: a line for the set and one for everything that was cut, dropped or is odd. */
export function describeReport(report: EncodeReport, { maxLength }: Pick<EncodeOptions, 'maxLength'>): string[] {
  const line = (ids: readonly string[], [one, many]: readonly [string, string], what: string) => {
    const rows = ids.length === 1 ? `1 row ${one}` : `${ids.length} rows ${many}`;
    return ids.length > 0 ? [`${rows} ${what}: ${showSome(ids, NAMED)}`] : [];
  };
  const were = ['was', 'were'] as const;
  const have = ['has', 'have'] as const;
  const refused = report.refused.map(({ id }) => id);
  return [
    `${report.kept} of ${report.rows} rows, ${report.tokens} tokens, ${report.trainedTokens} of them trained, longest row ${report.longest} up to its last trained token`,
    ...line(report.truncated, were, `cut at ${maxLength} tokens (the end is not trained)`),
    ...line(report.droppedTooLong, were, `dropped, longer than ${maxLength} tokens`),
    ...line(report.droppedPromptTooLong, were, `dropped, the prompt alone fills ${maxLength} tokens`),
    ...line(report.withoutEnd, have, 'no end token after an answer (nothing teaches the model to stop)'),
    ...line(report.leftOut, have, 'text that the template does not write (it is not in the tokens)'),
    ...line(report.untrained, were, 'dropped, no answer is to be trained (weight 0)'),
    ...line(refused, were, 'left out and cannot be used'),
    ...report.refused.slice(0, NAMED).map(({ id, reason }) => `  row ${id}: ${reason}`),
  ];
}
