import { stageOptionsSchema } from '../../../workflow/stage-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune stage`: cuts scored rows into stages of increasing difficulty and holds out a part of each. */
export const command = defineCommand({
  command: 'stage <file>',
  describe: 'cut scored rows into 2 to 6 stages of increasing difficulty, with held-out rows of each',
  schema: stageOptionsSchema,
  groups: {
    Rows: ['file', 'out', 'format', 'scoreField', 'badRows', 'unscored', 'force'],
    Stages: ['stages', 'by', 'thresholds', 'ties', 'minShare', 'model'],
    'Hold-out': ['holdout', 'holdoutFrom', 'nearDuplicates', 'seed'],
  },
  examples: [
    ['phasetune stage scored.jsonl --out datasets/staged/mine --stages 3', 'three stages of equal rows'],
    [
      'phasetune stage scored.jsonl --out datasets/staged/paper --by thresholds --thresholds 3.5,4.5',
      'cut at given scores',
    ],
    [
      'phasetune stage scored.jsonl --out datasets/staged/even --by tokens --model models/smollm2',
      'stages of equal tokens',
    ],
    ['phasetune stage scored.jsonl --out datasets/staged/fair --by length', 'stages that differ least in length'],
  ],
});
