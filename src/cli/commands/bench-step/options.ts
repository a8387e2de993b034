import { deviceOption } from '../../../backend/options.js';
import { stepBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench step`: how fast a training step is. */
export const command = defineCommand({
  command: 'bench step',
  describe: 'time a LoRA step with random weights and tokens: speed, memory, and how it compares with a matrix product',
  schema: stepBenchOptions.extend({ device: deviceOption }),
  examples: [
    ['phasetune bench step --json', 'SmolLM2-135M, 4 rows of 256 tokens'],
    ['phasetune bench step --shape small-33m --batch 8 --seq 512', 'another model, another batch'],
  ],
  onlyPrints: () => true,
});
