import { deviceOption } from '../../../backend/options.js';
import { readBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench read`: how fast memory is read. */
export const command = defineCommand({
  command: 'bench read',
  describe: 'time a read of memory from one end to the other, the upper bound of decoding',
  schema: readBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench read --json', 'GB/s of the median call and of the best']],
  onlyPrints: () => true,
});
