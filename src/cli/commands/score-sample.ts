import * as z from 'zod';
import { usageError } from '../../core/errors.js';
import { importOptionsSchema } from '../../data/options.js';
import { defineCommand } from '../command.js';

/** `phasetune score sample`: a sheet of rows to rate by hand. */
export const scoreSample = defineCommand({
  command: 'score sample <file>',
  describe: 'draw rows from easy to hard into a sheet that people rate, without telling them the scores',
  schema: z.strictObject({
    file: z.string().min(1).describe('scored rows'),
    out: z.string().min(1).describe('sheet to write (.csv), with a guide for the raters beside it (.guide.md)'),
    rows: z.number().int().min(2).default(100).describe('rows to draw'),
    strata: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('parts of equal rows, by rising score, that equally many rows are drawn from'),
    answers: z.boolean().default(false).describe('show the answers as well, as a rubric that judges them does'),
    rubric: z.string().min(1).default('difficulty-1-5').describe('rubric whose scale and words the raters are given'),
    seed: z.number().int().min(0).default(0).describe('seed of the draw and of the order of the sheet'),
    ...importOptionsSchema.shape,
    force: z.boolean().default(false).describe('replace a sheet that is there already, and the ratings in it'),
  }),
  examples: [
    ['phasetune score sample scored.jsonl --out sheet.csv', '100 rows to rate'],
    ['phasetune score sample scored.jsonl --out sheet.csv --rows 200 --answers', 'with the answers'],
  ],
  async run({ file, out, rows, strata, answers, rubric, seed, force, ...reading }, { logger, print }) {
    const { importFile } = await import('../../data/import.js');
    const { exists } = await import('../../io/files.js');
    const { writeCsv } = await import('../../io/csv.js');
    const { writeFileAtomic } = await import('../../io/atomic.js');
    const { loadRubric } = await import('../../scoring/rubric.js');
    const { ratingGuide, drawSample: sampleRows, sheetColumns, sheetRow } = await import('../../scoring/sample.js');
    if (!/\.csv$/i.test(out))
      throw usageError(`--out: expected a name that ends with .csv, got ${out}`, { flag: 'out' });
    if (exists(out) && !force)
      throw usageError(`--out: ${out} is there already, and ratings may be in it; choose another name, or --force`, {
        flag: 'out',
      });
    const guide = out.replace(/\.csv$/i, '.guide.md');
    const { refuseInputs } = await import('../../io/same-file.js');
    await refuseInputs({ out, beside: [guide] }, [file, rubric]);
    const told = await loadRubric(rubric);
    const { records } = await importFile(file, reading, logger);
    const sample = sampleRows(records, { rows, strata, seed });
    await writeFileAtomic(guide, ratingGuide(told));
    await writeCsv(
      out,
      sheetColumns(answers),
      sample.rows.map((row) => sheetRow(row, answers)),
    );
    const { unscored, repeated } = sample;
    if (unscored > 0) logger.info(`${unscored} rows have no score and were not drawn from`);
    if (repeated > 0)
      logger.info(`${repeated} rows have an instruction that another row has; it is drawn once at most`);
    print(`${rows} rows in ${out}, from ${sample.strata.length} strata:`);
    for (const { from, to, rows: members, drawn } of sample.strata)
      print(`  ${drawn} of ${members} rows with a score of ${from === to ? from : `${from} to ${to}`}`);
    print(`guide for the raters in ${guide}; then: phasetune score compare ${file} ${out}`);
    return { out, guide, rows, strata: sample.strata, unscored, repeated, seed, rubric: told.sha256 };
  },
});
