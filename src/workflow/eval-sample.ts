import { parseOptions } from '../config/given-options.js';
import { usageError } from '../core/errors.js';
import { drawPairs } from '../eval/people/draw-pairs.js';
import { pairsToRate } from '../eval/people/rated-pair.js';
import { guidePath, keyPath, RATER_GUIDE, SHEET_COLUMNS, sheetOf } from '../eval/people/sheet.js';
import { readEvaluation } from '../eval/result/evaluation.js';
import { headlineJudge } from '../eval/result/judge-figures.js';
import { writeFileAtomic, writeJson } from '../io/atomic.js';
import { writeCsv } from '../io/csv.js';
import { exists } from '../io/files.js';
import { type SamplePairsOptions, samplePairsOptionsSchema } from './eval-sample-options.js';

/** A sheet for people. */
export interface SampledPairs {
  /** The sheet. */
  readonly out: string;
  /** Which pair each row is, and whose answer is A. Not for the raters. */
  readonly key: string;
  readonly guide: string;
  /** Pairs in the sheet, and pairs that it was drawn from. */
  readonly rows: number;
  readonly of: number;
  readonly seed: number;
}

/**
 * Draws pairs of answers of an evaluation into a sheet for people, who say which answer is better
 * without seeing arms, ids or verdicts, and writes its key and a guide beside it. It loads no
 * model. Throws a usage error for an existing sheet and an unknown arm, a data error for a folder
 * that is no evaluation and where there are fewer pairs than asked for.
 *
 * @example
 * const { guide } = await samplePairs({ folder: 'evals/first', out: 'sheet.csv', rows: 2 });
 */
export async function samplePairs(given: SamplePairsOptions): Promise<SampledPairs> {
  const { folder, out, rows, arm, seed, force } = parseOptions(samplePairsOptionsSchema, given);
  if (!/\.csv$/i.test(out))
    throw usageError(`\`out\`: expected a name that ends with .csv, got ${out}`, { option: 'out' });
  const [key, guide] = [keyPath(out), guidePath(out)];
  const there = [out, key].find(exists);
  if (there !== undefined && !force)
    throw usageError(`\`out\`: ${there} exists, and ratings may be in the sheet`, {
      option: 'out',
      file: there,
      remedies: [{ advice: 'choose another name' }, { option: 'force', change: 'set', note: 'to replace it' }],
    });
  const evaluation = await readEvaluation(folder);
  const { file, verdicts } = evaluation;
  const arms = Object.keys(file.arms).filter((name) => name !== file.baseline);
  if (arm !== undefined && !arms.includes(arm))
    throw usageError(`\`arm\`: ${arm} is not compared with ${file.baseline}; expected one of ${arms.join(', ')}`, {
      option: 'arm',
      name: arm,
    });
  const pairs = pairsToRate(evaluation).filter((pair) => arm === undefined || pair.arm === arm);
  const judge = headlineJudge(file);
  const said = verdicts.filter((verdict) => verdict.judge === judge);
  const sheet = sheetOf(drawPairs(pairs, said, { rows, seed }), seed);
  // The sheet last: with it there, the key is.
  await writeFileAtomic(guide, RATER_GUIDE);
  await writeJson(key, sheet.key);
  await writeCsv(out, SHEET_COLUMNS, sheet.rows);
  return { out, key, guide, rows: sheet.rows.length, of: pairs.length, seed };
}
