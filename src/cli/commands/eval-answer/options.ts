import * as z from 'zod';
import { answerSetsOptionsSchema } from '../../../workflow/eval-answer-options.js';
import { defineCommand } from '../../command.js';
import { PROGRAM_OPTIONS } from '../../help-groups.js';

/** `phasetune eval answer NAME=SOURCE … --sets FILE… --out DIR`: every arm answers the same instructions. */
export const command = defineCommand({
  command: 'eval answer <arms..>',
  describe: 'let every arm answer the same instructions, into a folder that is then judged and reported',
  schema: answerSetsOptionsSchema.extend({
    dryRun: z.boolean().default(false).describe('show what would be answered and measured, then stop'),
  }),
  recipe: true,
  first: ['sets', 'out', 'rows', 'maxTokens', 'baseline', 'base', 'batch', 'dryRun'],
  groups: {
    'Arms and instructions': ['arms', 'sets', 'out', 'baseline', 'base', 'rows', 'seed', 'badRows', 'force', 'dryRun'],
    Answers: ['maxTokens', 'temperature', 'topK', 'topP', 'template', 'system', 'loss'],
    'Memory and speed': ['device', 'batch', ...PROGRAM_OPTIONS],
  },
  examples: [
    [
      'phasetune eval answer base=models/base phased=checkpoints/phased --sets sets/*.jsonl --out evals/mine --rows 200',
      'a model and the run that tuned it',
    ],
    [
      'phasetune eval answer one-off=runs/o1,runs/o2 phased=runs/p1,runs/p2 --sets staged/mine --out evals/seeds',
      'two seeds of each arm, on the held-out rows',
    ],
    [
      'phasetune eval answer before=runs/p1@stage-1 after=runs/p1 --sets koala.jsonl --out evals/stages',
      'a stage of a run against its end',
    ],
  ],
});
