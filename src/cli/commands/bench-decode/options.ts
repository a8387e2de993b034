import { deviceOption } from '../../../backend/options.js';
import { decodeBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench decode`: how fast answers are written. */
export const command = defineCommand({
  command: 'bench decode',
  describe: 'time how fast answers are decoded, with random weights and prompts',
  schema: decodeBenchOptions.extend({ device: deviceOption }),
  examples: [['phasetune bench decode --rows 16 --prompt 64 --tokens 128 --json', 'SmolLM2-135M, 16 answers together']],
  onlyPrints: () => true,
});
