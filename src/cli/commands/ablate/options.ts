import * as z from 'zod';
import { ablateOptionsSchema } from '../../../study/options.js';
import { defineCommand } from '../../command.js';

/** `phasetune ablate STUDY --out DIR`: arms, seeds and an honest verdict from one plan. */
export const command = defineCommand({
  command: 'ablate <file>',
  describe: 'train the arms of a study over seeds with one hold-out and one budget, and compare them with a control',
  schema: ablateOptionsSchema.extend({
    dryRun: z
      .boolean()
      .default(false)
      .describe('show cells, tokens, time, disk, memory and what so many seeds can find, then stop'),
    watch: z
      .boolean()
      .default(false)
      .describe('show the study in the browser while it runs: its address is printed, and it ends with the command'),
  }),
  groups: {
    Study: ['file', 'out', 'extend', 'force', 'finish'],
    'Where cells run': ['executor', 'parallel', 'detach', 'render'],
    'While it runs': ['watch'],
    'Before you start': ['dryRun', 'pilot', 'sdFrom'],
  },
  examples: [
    ['phasetune ablate study.yaml --out studies/first --dry-run', 'what it would take, and what it could find'],
    ['phasetune ablate study.yaml --out studies/first', 'run it; the same again continues'],
    [
      'phasetune ablate study.yaml --out studies/first --pilot 3',
      "the control's first three seeds, for the power table",
    ],
    ['phasetune ablate study.yaml --out studies/first --extend', 'after adding seeds or arms to the file'],
    ['phasetune ablate study.yaml --out /data/first --render kubernetes', 'write a Job for a cluster'],
  ],
});
