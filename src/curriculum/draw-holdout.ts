import { dataError } from '../core/errors.js';
import { jsonText } from '../core/json-text.js';
import { withAtomicFile } from '../io/atomic.js';
import { cut } from './cut.js';
import { holdOut } from './holdout.js';
import { estimatedLengths } from './lengths.js';
import { duplicatesOf, type ReadingHooks, type Rows, readTable } from './read-table.js';
import { checkHoldout, type StagingOptions } from './staging-options.js';

/** How a hold-out is drawn before any cut. */
export interface DrawOptions extends Pick<StagingOptions, 'nearDuplicates' | 'unscored' | 'seed'> {
  /** Below 1 a share of the rows, otherwise a number of them. */
  readonly holdout: number;
}

/**
 * Draws held-out rows from a whole set, spread over ten parts of all its rows by score, clusters of near-duplicates
 * kept together, and writes them as records, in the order of the set and without a stage. Which rows are drawn depends
 * on the rows and the options only. `read` is called twice and gives the same rows each time. Throws as staging does
 * for an empty set, rows without a score and a hold-out that is all of the set, or none of it.
 */
export async function drawHoldout(
  path: string,
  read: () => Rows,
  options: DrawOptions,
  hooks: ReadingHooks = {},
): Promise<void> {
  const holdout = checkHoldout(options.holdout);
  const { table } = await readTable(read(), { ...hooks, plan: options, measure: estimatedLengths });
  const { clusterOf } = await duplicatesOf(table, options, hooks);
  const { order, stageOf } = cut(table.scores, table.tokens, { ...options, stages: 1, by: 'rows', ties: 'split' });
  const held = holdOut({ order, stageOf, clusterOf }, { stages: 1, holdout, seed: options.seed });
  if (!held.includes(1))
    throw dataError('no row can be held out: all of them are near-duplicates of each other', {
      rows: table.rows,
      remedies: [{ option: 'nearDuplicates', change: 'raise' }],
    });
  await withAtomicFile(path, async (file) => {
    let place = 0;
    for await (const { stage: _, ...row } of read())
      if (row.score !== undefined && held[place++] === 1) await file.write(`${jsonText(row)}\n`);
  });
}
