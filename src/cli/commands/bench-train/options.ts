import { deviceOption } from '../../../backend/options.js';
import { trainBenchOptions } from '../../../bench/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune bench train`: how fast rows are trained, end to end. */
export const command = defineCommand({
  command: 'bench train',
  describe: 'time an epoch over real rows with random weights, from building the program to the last step',
  schema: trainBenchOptions.extend({ device: deviceOption }),
  examples: [
    ['phasetune bench train --tokenizer MODEL --data rows.jsonl --rows 96 --json', 'as the trainer does it by default'],
    ['phasetune bench train --tokenizer MODEL --data rows.jsonl --shape tiny-10m --rows 10000', 'many rows'],
  ],
  groups: {
    Rows: ['data', 'tokenizer', 'rows', 'maxLength'],
    Model: ['shape', 'layers', 'width', 'vocab', 'seed'],
    Batches: ['batchRows', 'accumulate', 'batching', 'packLength', 'padTo', 'maxShapes', 'shuffle', 'window'],
    'Memory and speed': [
      'device',
      'dtype',
      'loadIn16bit',
      'loadIn8bit',
      'loadIn4bit',
      'microBatches',
      'gradientCheckpointing',
      'attention',
      'mode',
      'compile',
    ],
  },
  onlyPrints: () => true,
});
