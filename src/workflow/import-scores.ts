import { parseOptions } from '../config/given-options.js';
import { importFile } from '../data/import.js';
import { hashFile } from '../io/files.js';
import type { Cleaning } from '../scoring/cleaning.js';
import { joinRatings } from '../scoring/join-ratings.js';
import type { MatchBy } from '../scoring/match.js';
import { checkScoredOut, type ScoresManifest, scoredPaths, writeScored } from '../scoring/scored.js';
import type { Hooks } from './hooks.js';
import { type ImportScoresOptions, importScoresOptionsSchema } from './import-scores-options.js';
import { ratingsOf } from './rating-columns.js';

/** Rows with scores from another file. */
export interface ImportScoresResult {
  readonly out: string;
  readonly manifestFile: string;
  readonly manifest: ScoresManifest;
  /** The file that the scores are from. */
  readonly source: string;
  /** How rows and scores were matched. */
  readonly matchedBy: MatchBy;
  /** Rows that no score was found for. */
  readonly missing: number;
  /** Scores that belong to none of the rows. */
  readonly unused: number;
  /** Rows that have the id of a score but another text, and therefore get none. */
  readonly differing: number;
  /** What was dropped or repaired among the scores. */
  readonly cleaning: Cleaning;
}

/**
 * Gives rows the scores of another file, matched by id or by instruction, or of an odd field of
 * their own, and writes them with a manifest. What is not a number is dropped and counted, never
 * guessed. Throws a data error where no score is left.
 *
 * @example
 * const files = { file: 'rows.jsonl', from: 'scored.jsonl', out: 'imported.jsonl' };
 * const { manifest, missing } = await importScores(files);
 * console.log(manifest.counts.scored, 'scored,', missing, 'without a rating');
 */
export async function importScores(
  given: ImportScoresOptions,
  { logger }: Pick<Hooks, 'logger'> = {},
): Promise<ImportScoresResult> {
  const { file, out, from, match, format, badRows, force, ...columns } = parseOptions(importScoresOptionsSchema, given);
  const source = from ?? file;
  await checkScoredOut(out, [file, source], force);
  const { records } = await importFile(file, { format, badRows }, logger);
  const { cleaning, ...ratings } = await ratingsOf(source, columns);
  const { by, scores, missing, unused, differing } = joinRatings(records, { ...ratings, cleaning }, match);
  const sha256 = await hashFile(source);
  const manifest = await writeScored(out, {
    input: { path: file, rows: records.length },
    records,
    outcomeOf: ({ id }) => {
      const score = scores.get(id);
      return score === undefined ? { kind: 'missing', reason: 'no score for this row' } : { score };
    },
    scorer: 'import',
    options: { ...columns, match: by, from: { sha256, rows: cleaning.rows } },
  });
  const manifestFile = scoredPaths(out).manifest;
  return { out, manifestFile, manifest, source, matchedBy: by, missing, unused, differing, cleaning };
}
