import { sampleRows } from '../../../workflow/sample-rows.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { logger, print }) => {
  const sample = await sampleRows(options, { logger });
  const { out, guide, rows, strata, unscored, repeated } = sample;
  if (unscored > 0) logger.info(`${unscored} rows have no score and were not drawn from`);
  if (repeated > 0)
    logger.info(`${repeated} rows have the instruction of another row; an instruction is drawn once at most`);
  print(`${rows} rows in ${out}, from ${strata.length} strata:`);
  for (const { from, to, rows: members, drawn } of strata)
    print(`  ${drawn} of ${members} rows with a score of ${from === to ? from : `${from} to ${to}`}`);
  print(`guide for the raters in ${guide}; then: phasetune score compare ${options.file} ${out}`);
  return { ...sample };
};
