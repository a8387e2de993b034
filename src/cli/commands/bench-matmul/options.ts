import { deviceOption } from '../../../backend/options.js';
import { matmulBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench matmul`: how fast matrices are multiplied. */
export const command = defineCommand({
  command: 'bench matmul',
  describe: 'time the product of two square matrices, the upper bound of every other benchmark',
  schema: matmulBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench matmul --size 2048 --json', 'GFLOP/s of the median call and of the best']],
  onlyPrints: () => true,
});
