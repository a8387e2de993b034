import { exportTensorBoardOptionsSchema } from '../../../report/tensorboard/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune export tensorboard DIR`: event files of a run or a study. */
export const command = defineCommand({
  command: 'export tensorboard <folder>',
  describe: "write event files of a run, or of all runs of a study, for TensorBoard's scalars, text and HParams tabs",
  schema: exportTensorBoardOptionsSchema,
  groups: { Export: ['folder', 'out'] },
  examples: [
    ['phasetune export tensorboard checkpoints/first --out logs/first', 'then: tensorboard --logdir logs'],
    ['phasetune export tensorboard studies/first --out logs/study', 'a folder for each cell'],
  ],
});
