import * as z from 'zod';
import { importOptionsSchema } from '../../data/options.js';
import { compareOptionsSchema } from '../../scoring/compare/options.js';
import { defineCommand } from '../command.js';
import { ratingOptions, ratingsOf } from '../ratings.js';

/** `phasetune score import`: scores that someone else made, put to rows. */
export const scoreImport = defineCommand({
  command: 'score import <file>',
  describe:
    'put scores from another file, or from odd fields of the rows themselves, to rows, and tell what was cleaned',
  schema: z.strictObject({
    file: z.string().min(1).describe('rows of any format that `data import` reads'),
    out: z.string().min(1).describe('JSON Lines file of scored records to write, with its manifest beside it'),
    from: z
      .string()
      .min(1)
      .optional()
      .describe('file with the scores: a table (CSV and the like), JSON, JSON Lines or Parquet [the rows themselves]'),
    ...ratingOptions,
    range: compareOptionsSchema.shape.range,
    match: compareOptionsSchema.shape.match,
    format: importOptionsSchema.shape.format,
    badRows: importOptionsSchema.shape.badRows,
    force: z.boolean().default(false).describe('replace a file at --out that no scorer made'),
  }),
  examples: [
    ['phasetune score import rows.jsonl --from ratings.csv --out scored.jsonl', 'columns id and score (or rating)'],
    [
      'phasetune score import rows.jsonl --from r.csv --id-column key --score-column level --out s.jsonl',
      'other columns',
    ],
    [
      'phasetune score import phasedsft.jsonl --out scored.jsonl --range 1,5',
      'scores of PhasedSFT, as texts in the rows',
    ],
  ],
  async run({ file, out, from, match, format, badRows, force, ...columns }, { logger, print }) {
    const { importFile } = await import('../../data/import.js');
    const { hashFile } = await import('../../io/files.js');
    const { cleaningLines } = await import('../../scoring/cleaning.js');
    const { joinRatings } = await import('../../scoring/join-ratings.js');
    const { checkScoredOut, writeScored } = await import('../../scoring/scored.js');
    const source = from ?? file;
    await checkScoredOut(out, [file, source], force);
    const { records } = await importFile(file, { format, badRows }, logger);
    const ratings = await ratingsOf(source, columns);
    const { by, scores, missing, unused, differing } = joinRatings(records, ratings, match);
    const sha256 = await hashFile(source);
    const { counts } = await writeScored(out, {
      input: { path: file, rows: records.length },
      records,
      outcomeOf: ({ id }) => {
        const score = scores.get(id);
        return score === undefined ? { kind: 'missing', reason: 'no score for this row' } : { score };
      },
      scorer: 'import',
      options: { ...columns, match: by, from: { sha256, rows: ratings.cleaning.rows } },
    });
    for (const line of cleaningLines(ratings.cleaning)) print(line);
    print(`${counts.scored} of ${counts.rows} rows got a score, matched by ${by}`);
    if (missing > 0) print(`${missing} rows have none: there is no score for them in ${source}`);
    if (unused > 0) print(`${unused} of its scores match no row`);
    if (differing > 0) print(`${differing} rows have the id of a score for a different text, and got no score`);
    print(`written to ${out}`);
    return { out, ...counts, matchedBy: by, missing, unused, differing, cleaning: ratings.cleaning };
  },
});
