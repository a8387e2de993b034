import { deviceOption } from '../../../backend/options.js';
import { buildBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench build`: what comes before the first step. */
export const command = defineCommand({
  command: 'bench build',
  describe: 'time the recording and building of all entries, and the first call of each',
  schema: buildBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench build --json', 'training, held-out loss and decoding of SmolLM2-135M in one program']],
  onlyPrints: () => true,
});
