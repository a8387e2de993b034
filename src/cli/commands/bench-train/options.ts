import { deviceOption } from '../../../backend/options.js';
import { trainBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench train`: how fast rows are trained, from end to end. */
export const command = defineCommand({
  command: 'bench train',
  describe: 'time an epoch over real rows, from building the program to the last step, on random weights',
  schema: trainBenchOptions.extend({ device: deviceOption }),
  examples: [
    ['phasetune bench train --tokenizer MODEL --data rows.jsonl --rows 96 --json', 'as the trainer does it by default'],
    ['phasetune bench train --tokenizer MODEL --data rows.jsonl --shape tiny-10m --rows 10000', 'many rows'],
  ],
  onlyPrints: () => true,
});
