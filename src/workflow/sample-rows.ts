import { parseOptions } from '../config/given-options.js';
import { usageError } from '../core/errors.js';
import { importFile } from '../data/import.js';
import { writeFileAtomic } from '../io/atomic.js';
import { writeCsv } from '../io/csv.js';
import { exists } from '../io/files.js';
import { refuseInputs } from '../io/same-file.js';
import { loadRubric } from '../scoring/rubric.js';
import { drawSample, ratingGuide, type Stratum, sheetColumns, sheetRow } from '../scoring/sample.js';
import type { Hooks } from './hooks.js';
import { type SampleOptions, sampleOptionsSchema } from './sample-options.js';

/** A sheet for raters. */
export interface SampleResult {
  /** The sheet. */
  readonly out: string;
  /** The guide for the raters. */
  readonly guide: string;
  readonly rows: number;
  /** From easy to hard. */
  readonly strata: readonly Stratum[];
  /** Rows that could not be drawn: those without a score, and those whose instruction another row before them has. */
  readonly unscored: number;
  readonly repeated: number;
  readonly seed: number;
  /** Hash of the rubric. */
  readonly rubric: string;
}

/**
 * Draws rows from easy to hard into a sheet for people to rate, without the scores, and writes a
 * guide with the words that a judge is given. Compare the filled sheet with the scores by
 * `compareScores`. Throws a usage error for an existing sheet, a data error where there are fewer
 * different scored rows than requested.
 *
 * @example
 * const { guide } = await sampleRows({ file: 'scored.jsonl', out: 'sheet.csv', rows: 50 });
 */
export async function sampleRows(given: SampleOptions, { logger }: Pick<Hooks, 'logger'> = {}): Promise<SampleResult> {
  const { file, out, rows, strata, answers, rubric, seed, force, ...reading } = parseOptions(
    sampleOptionsSchema,
    given,
  );
  if (!/\.csv$/i.test(out))
    throw usageError(`\`out\`: expected a name that ends with .csv, got ${out}`, { option: 'out' });
  if (exists(out) && !force)
    throw usageError(`\`out\`: ${out} exists, and ratings may be in it`, {
      option: 'out',
      file: out,
      remedies: [{ advice: 'choose another name' }, { option: 'force', change: 'set', note: 'to replace it' }],
    });
  const guide = out.replace(/\.csv$/i, '.guide.md');
  await refuseInputs({ out, beside: [guide] }, [file, rubric]);
  const { sha256, ...instructions } = await loadRubric(rubric);
  const { records } = await importFile(file, reading, logger);
  const sample = drawSample(records, { rows, strata, seed });
  await writeFileAtomic(guide, ratingGuide(instructions));
  const lines = sample.rows.map((row) => sheetRow(row, answers));
  await writeCsv(out, sheetColumns(answers), lines);
  return {
    out,
    guide,
    rows,
    strata: sample.strata,
    unscored: sample.unscored,
    repeated: sample.repeated,
    seed,
    rubric: sha256,
  };
}
