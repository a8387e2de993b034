import { loadBackend } from '../../../backend/load.js';
import { benchMatmul as measure } from '../../../bench/matmul.js';
import { programFigures, programOf } from '../../../bench/program.js';
import { round } from '../../../bench/timing.js';
import { formatNumber } from '../../../telemetry/format.js';
import { peakRssMib } from '../../../telemetry/memory.js';
import type { Run } from '../../command.js';
import type { command } from './options.js';

/** See {@link command}. */
export const run: Run<typeof command> = async ({ device, ...options }, { print, logger, verbose }) => {
  const backend = await loadBackend({ device, logger, verbose });
  const program = await programOf(options, backend);
  const { gflops, best, seconds } = await measure(options.size, program);
  print(`${formatNumber(gflops)} GFLOP/s, at best ${formatNumber(best)}`);
  return {
    ...options,
    ...programFigures(program),
    device: backend.device,
    tensorflow: backend.version,
    seconds: round(seconds, 6),
    gflops: round(gflops, 1),
    best_gflops: round(best, 1),
    peak_rss_mib: peakRssMib(),
  };
};
