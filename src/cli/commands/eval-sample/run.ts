import { samplePairs } from '../../../workflow/eval-sample.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, { print }) => {
  const sampled = await samplePairs(options);
  const { out, key, guide, rows, of } = sampled;
  print(`${rows} of ${of} pairs in ${out}; the raters' guide is in ${guide}`);
  print(`which answer is whose is in ${key}: keep it beside the sheet, and away from the raters`);
  print(`when they are done: phasetune eval report ${options.folder} --people ${out}`);
  return { ...sampled };
};
