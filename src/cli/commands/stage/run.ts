import { stage } from '../../../workflow/stage.js';
import { showBars } from '../../bars.js';
import type { Run } from '../../command.js';
import { barsOf, factsOf, tableOf } from '../../stage-view.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async (options, context) => {
  const { logger, print, color, signal, progress } = context;
  const staged = await stage(options, { logger, signal, onProgress: showBars(progress) });
  const { out, manifest, staging, warnings } = staged;
  for (const line of [...tableOf(manifest), '', ...barsOf(staging, color), '', ...factsOf(manifest)]) print(line);
  print(`written to ${out}`);
  for (const warning of warnings) logger.warn(warning);
  const { cuts, duplicates, length, lengths, holdoutFrom } = manifest;
  const stages = manifest.stages.map(({ file: _, sha256: __, ...rest }) => rest);
  return {
    out,
    by: manifest.options.by,
    tokensCounted: lengths.counted,
    stages,
    cuts,
    ...(holdoutFrom && { holdoutFrom }),
    duplicates,
    length,
    warnings,
  };
};
