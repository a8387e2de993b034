import { deviceOption } from '../../backend/options.js';
import { matmulBenchOptions, programOf, toldOf } from '../../bench/options.js';
import { defineCommand } from '../command.js';

/** `phasetune bench matmul`: how fast matrices are multiplied. */
export const benchMatmul = defineCommand({
  command: 'bench matmul',
  describe: 'time the product of two square matrices, the ceiling of every other bench',
  schema: matmulBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench matmul --size 2048 --json', 'GFLOP/s of the median call and of the best']],
  onlyPrints: () => true,
  async run({ device, ...options }, { print, logger, verbose }) {
    const { loadBackend } = await import('../../backend/load.js');
    const { benchMatmul: measure } = await import('../../bench/matmul.js');
    const { round } = await import('../../bench/timing.js');
    const { formatNumber } = await import('../../telemetry/format.js');
    const { peakRssMib } = await import('../../telemetry/memory.js');
    const backend = await loadBackend({ device, logger, verbose });
    const program = programOf(options, backend);
    const { gflops, best, seconds } = await measure(options.size, program);
    print(`${formatNumber(gflops)} GFLOP/s, at best ${formatNumber(best)}`);
    return {
      ...options,
      ...toldOf(program),
      device: backend.device,
      tensorflow: backend.version,
      seconds: round(seconds, 6),
      gflops: round(gflops, 1),
      best_gflops: round(best, 1),
      peak_rss_mib: peakRssMib(),
    };
  },
});
