import { loadBackend } from '../../../backend/load.js';
import { programFigures, programOf } from '../../../bench/program.js';
import { benchRead as measure } from '../../../bench/read.js';
import { round } from '../../../bench/timing.js';
import { formatNumber } from '../../../telemetry/format.js';
import { peakRssMib } from '../../../telemetry/memory.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ device, ...options }, { print, logger, verbose }) => {
  const backend = await loadBackend({ device, logger, verbose });
  const program = await programOf({ ...options, dtype: 'float32', compile: 'none' }, backend);
  const { gbps, best, seconds } = await measure(options.mib, program);
  print(`${formatNumber(gbps)} GB/s, at best ${formatNumber(best)}`);
  return {
    ...options,
    ...programFigures(program),
    device: backend.device,
    tensorflow: backend.version,
    seconds: round(seconds, 6),
    gbps: round(gbps, 1),
    best_gbps: round(best, 1),
    peak_rss_mib: peakRssMib(),
  };
};
