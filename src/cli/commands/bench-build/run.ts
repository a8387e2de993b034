import { loadBackend } from '../../../backend/load.js';
import { benchBuild as measure } from '../../../bench/build.js';
import { formatNumber } from '../../../telemetry/format.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ device, ...options }, { print, logger, verbose, signal }) => {
  const backend = await loadBackend({ device, logger, verbose });
  const figures = await measure(backend, options, { signal });
  print(`recorded and built in ${figures.build_seconds} s and ${formatNumber(figures.build_rss_mib)} MiB`);
  for (const [name, { first_seconds, second_seconds }] of Object.entries(figures.calls))
    print(`${name.replaceAll('_', ' ')}: first ${first_seconds} s, then ${second_seconds} s`);
  return { ...options, device: backend.device, tensorflow: backend.version, ...figures };
};
