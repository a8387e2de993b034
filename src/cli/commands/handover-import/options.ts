import { importHandoverOptionsSchema } from '../../../handover/import-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune handover import DIR`: what another engine trained, as a run. */
export const command = defineCommand({
  command: 'handover import <folder>',
  describe: 'bring back what another engine trained, as a run that eval, ablate and report take',
  schema: importHandoverOptionsSchema,
  groups: { Import: ['folder', 'out', 'model', 'data'], Measuring: ['measure', 'device'] },
  examples: [
    ['phasetune handover import handover --out checkpoints/from-trl', 'checked first; no run is ever replaced'],
    ['phasetune handover import handover --out studies/first/cells/phased-seed-1/run', "a study's cell, then done"],
  ],
});
