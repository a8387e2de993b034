import { deviceOption } from '../../../backend/options.js';
import { buildBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench build`: the time before the first step. */
export const command = defineCommand({
  command: 'bench build',
  describe: 'time recording and building a program, and the first call of each of its entries',
  schema: buildBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench build --json', 'training, held-out loss and decoding of SmolLM2-135M in one program']],
  onlyPrints: () => true,
});
