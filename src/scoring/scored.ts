import { basename } from 'node:path';
import * as z from 'zod';
import { dataError, usageError } from '../core/errors.js';
import { scaleToOrdinary } from '../core/ordinary.js';
import type { Remedy } from '../core/remedies.js';
import type { InstructionRecord } from '../data/record.js';
import { ledgerPathFor } from '../endpoint/ledger.js';
import { writeJson } from '../io/atomic.js';
import { exists, hashFile, statPath } from '../io/files.js';
import { checkSchema, readJson } from '../io/json.js';
import { writeJsonLines } from '../io/jsonl.js';
import { countField as count, hashField as hash, measuredField } from '../io/manifest-fields.js';
import { refuseInputs } from '../io/same-file.js';
import { hide } from '../telemetry/redact.js';

const file = z.strictObject({ file: z.string(), sha256: hash, rows: count });

/** Schema of the file beside scored rows: how they were scored, and which were not. */
export const scoresManifestSchema = z.strictObject({
  schema: z.literal('phasetune/scores'),
  version: z.literal(1),
  input: file,
  output: file,
  /** `openai`, `loss`, `length`, ... */
  scorer: z.string().min(1),
  /** Everything that the scores depend on, such as the model; no secret. */
  options: z.record(z.string(), z.unknown()),
  /** Replies that came without a requested feature because the endpoint refused it, by its name (`temperature`, ...). */
  without: z.record(z.string(), count).optional(),
  /** The judge's instructions, where there is a judge. */
  rubric: z
    .strictObject({
      name: z.string(),
      version: z.string(),
      sha256: hash,
      scale: z.strictObject({ min: measuredField, max: measuredField, whole: z.boolean() }),
    })
    .optional(),
  counts: z.strictObject({ rows: count, scored: count, unscored: count }),
  /** Absent when no row was scored. `deviation` is the standard deviation over all rows. */
  scores: z
    .strictObject({ min: measuredField, max: measuredField, mean: measuredField, deviation: measuredField })
    .optional(),
  /** Rows without a score by kind of reason. */
  reasons: z.record(z.string(), count),
  /** Every row without a score. */
  failures: z.array(z.strictObject({ id: z.string(), kind: z.string(), reason: z.string() })),
});

/** See `scoresManifestSchema`. */
export type ScoresManifest = z.infer<typeof scoresManifestSchema>;

/** What a scorer found for a row; `details` go into the record's `meta.score`, beside the scorer's name. */
export interface RowScore {
  readonly score: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Why a row has no score: a kind of few words to count by (`timeout`, `unparsable`), and the reason for people. */
export interface Unscored {
  readonly kind: string;
  readonly reason: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What {@link writeScored} writes. */
export interface ScoredSet {
  /** `rows` where not all of its rows are among the records, `sha256` where it must still have that hash. */
  readonly input: { readonly path: string; readonly rows?: number; readonly sha256?: string };
  /** In the input's order. */
  readonly records: Iterable<InstructionRecord> | AsyncIterable<InstructionRecord>;
  /** Called once a record, in order; `index` counts from 0. */
  outcomeOf(record: InstructionRecord, index: number): RowScore | Unscored;
  readonly scorer: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Replies that came without something that was asked for, by its name. */
  readonly without?: ScoresManifest['without'];
  readonly rubric?: ScoresManifest['rubric'] | undefined;
}

/** The files that belong to a file of scored rows: of `NAME.jsonl`, `NAME.manifest.json` and `NAME.ledger.jsonl`. */
export const scoredPaths = (out: string): { manifest: string; ledger: string } => ({
  manifest: ledgerPathFor(out).replace(/ledger\.jsonl$/, 'manifest.json'),
  ledger: ledgerPathFor(out),
});

/**
 * Writes `out`, the records with their new scores in the input's order, and its manifest beside it, each atomically. A row that
 * was not scored is kept without a score, and listed. An old score and stage of a record go. A score that is not finite is refused.
 */
export async function writeScored(out: string, set: ScoredSet): Promise<ScoresManifest> {
  const { input, scorer, rubric, without } = set;
  const inputHash = await hashFile(input.path);
  if (input.sha256 !== undefined && inputHash !== input.sha256)
    throw dataError(`${input.path}: it was changed while its rows were scored`, {
      file: input.path,
      remedies: [{ task: 'score', note: 'again: what is known is not asked twice' }],
    });
  const tally = startTally();
  async function* rows() {
    let index = 0;
    for await (const record of set.records) {
      const outcome = set.outcomeOf(record, index++);
      tally.add(record.id, outcome);
      yield scoredRecord(record, scorer, outcome);
    }
  }
  const written = await writeJsonLines(out, rows());
  const manifest: ScoresManifest = {
    schema: 'phasetune/scores',
    version: 1,
    input: { file: basename(input.path), sha256: inputHash, rows: input.rows ?? written },
    output: { file: basename(out), sha256: await hashFile(out), rows: written },
    scorer,
    options: hide({ ...set.options }),
    ...(without && Object.keys(without).length > 0 && { without: { ...without } }),
    ...(rubric && { rubric }),
    ...tally.result(),
  };
  await writeJson(scoredPaths(out).manifest, manifest);
  return manifest;
}

function scoredRecord(record: InstructionRecord, scorer: string, outcome: RowScore | Unscored): InstructionRecord {
  const { score: _, stage: __, meta, ...rest } = record;
  const details = 'score' in outcome ? outcome.details : { failure: hide(outcome.reason), ...outcome.details };
  return {
    ...rest,
    ...('score' in outcome && { score: outcome.score }),
    meta: { ...meta, score: { scorer, ...details } },
  };
}

function startTally() {
  const failures: ScoresManifest['failures'] = [];
  const reasons = new Map<string, number>();
  const scores: number[] = [];
  return {
    add(id: string, outcome: RowScore | Unscored): void {
      if (!('score' in outcome)) {
        failures.push({ id, kind: outcome.kind, reason: hide(outcome.reason) });
        reasons.set(outcome.kind, (reasons.get(outcome.kind) ?? 0) + 1);
        return;
      }
      const { score } = outcome;
      if (!Number.isFinite(score)) throw dataError(`row ${id}: expected a finite score, got ${score}`, { id });
      scores.push(score);
    },
    result: () => ({
      counts: { rows: scores.length + failures.length, scored: scores.length, unscored: failures.length },
      ...(scores.length > 0 && { scores: summary(scores) }),
      reasons: Object.fromEntries([...reasons].sort((a, b) => b[1] - a[1])),
      failures,
    }),
  };
}

/** Smallest, largest, mean and standard deviation, in one pass. */
function summary(scores: readonly number[]): NonNullable<ScoresManifest['scores']> {
  const scale = scaleToOrdinary(scores);
  let [mean, squares, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [i, score] of scores.entries()) {
    const off = score * scale - mean;
    mean += off / (i + 1);
    squares += off * (score * scale - mean);
    [min, max] = [Math.min(min, score), Math.max(max, score)];
  }
  const deviation = Math.sqrt(squares / scores.length);
  return { min, max, mean: rounded(mean / scale), deviation: rounded(deviation / scale) };
}

const rounded = (value: number) => Number(value.toPrecision(9));

/**
 * Refuses, with a usage error, an `out` that {@link writeScored} must not write to: one of the inputs under any name, also with the
 * files beside it, a folder, a packed name, and an existing file that no scorer made, unless `replace` is set. Checked before the
 * work instead of after it.
 */
export async function checkScoredOut(out: string, inputs: readonly string[], replace = false): Promise<void> {
  const refuse = (what: string, remedies: readonly Remedy[] = []) =>
    usageError(`\`out\`: ${out} ${what}`, { option: 'out', file: out, remedies });
  if (/\.gz$/i.test(out))
    throw refuse('would be packed, and scored rows are written plain', [{ advice: 'leave out .gz' }]);
  const { kind } = await statPath(out);
  if (kind === 'folder') throw refuse('is a folder; expected the name of a file, such as scored.jsonl');
  if (kind === 'other')
    throw refuse('is a pipe or a device; expected a file, next to which manifest and ledger can be written');
  const { manifest, ledger } = scoredPaths(out);
  await refuseInputs({ out, beside: [manifest, ledger] }, inputs);
  if (kind === 'file' && !replace && !exists(manifest) && !exists(ledger))
    throw refuse('exists and was not made by scoring', [
      { advice: 'choose another name' },
      { option: 'force', change: 'set', note: 'to replace it' },
    ]);
}

/**
 * Reads the manifest of a file of scored rows; undefined where there is none beside it. One of another version, and one of other rows
 * than those that are there, is a data error.
 *
 * @example
 * const manifest = await readScoresManifest('scored.jsonl');
 * console.log(manifest?.scorer);
 */
export async function readScoresManifest(scored: string): Promise<ScoresManifest | undefined> {
  const path = scoredPaths(scored).manifest;
  if (!exists(path)) return undefined;
  const value = await readJson(path);
  const version = (value as { version?: unknown } | null)?.version;
  if (version !== 1)
    throw dataError(
      `${path}: expected version 1, got ${JSON.stringify(version)}; it is of another version of phasetune`,
      { file: path, remedies: [{ task: 'score', note: 'again on these rows' }] },
    );
  const manifest = checkSchema(value, scoresManifestSchema, path);
  if ((await hashFile(scored)) !== manifest.output.sha256)
    throw dataError(`${scored}: was changed after ${path} was written`, {
      file: scored,
      remedies: [{ task: 'score', note: 'again' }, { advice: 'remove the manifest' }],
    });
  return manifest;
}
