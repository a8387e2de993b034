import { cleaningLines } from '../../../scoring/cleaning.js';
import { importScores } from '../../../workflow/import-scores.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { logger, print }) => {
  const { out, manifest, source, matchedBy, missing, unused, differing, cleaning } = await importScores(options, {
    logger,
  });
  const { counts } = manifest;
  for (const line of cleaningLines(cleaning)) print(line);
  print(`${counts.scored} of ${counts.rows} rows got a score, matched by ${matchedBy}`);
  if (missing > 0) print(`${missing} rows have none: there is no score for them in ${source}`);
  if (unused > 0) print(`${unused} of its scores match no row`);
  if (differing > 0) print(`${differing} rows have the id of a score for a different text, and got no score`);
  print(`written to ${out}`);
  return { out, ...counts, matchedBy, missing, unused, differing, cleaning };
};
