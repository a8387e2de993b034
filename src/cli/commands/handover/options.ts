import { handoverOptionsSchema } from '../../../handover/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune handover SOURCE`: the plan of a run for another engine. */
export const command = defineCommand({
  command: 'handover <source>',
  describe: 'write the plan of a run for TRL or Axolotl: tokens and labels in order, the first adapter, configuration',
  schema: handoverOptionsSchema,
  groups: {
    Handover: ['source', 'engine', 'out'],
    'How the engine computes': ['processes', 'rowsPerProcess', 'precision', 'attention', 'gradientCheckpointing'],
  },
  examples: [
    ['phasetune handover recipe.yaml --engine trl --out handover', 'then: bash handover/run.sh'],
    ['phasetune handover checkpoints/first --engine trl --processes 8 --out handover', 'the plan of a run, for 8 GPUs'],
    ['phasetune handover studies/first/cells/phased-seed-1 --engine trl --out handover', 'of a cell of a study'],
  ],
});
