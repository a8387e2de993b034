import { checkJudgeOptionsSchema } from '../../../workflow/check-judge-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune eval check-judge`: whether a judge's verdicts mean anything. */
export const command = defineCommand({
  command: 'eval check-judge <sources..>',
  describe: 'test a judge on pairs whose better answer is known, before anything is judged by it',
  schema: checkJudgeOptionsSchema,
  recipe: true,
  first: ['judge', 'model', 'out', 'entranceRows', 'judgeBatch', 'device'],
  groups: {
    Judge: ['sources', 'judge', 'model', 'out'],
    Test: ['entranceRows', 'seed', 'badRows'],
    'Local judges': ['judgePrecision', 'judgeBatch', 'judgeMaxLength', 'device', 'mode', 'compile', 'attention'],
  },
  examples: [
    [
      'phasetune eval check-judge staged/mine --judge letters --model models/judge --out judge.json',
      'a local model, on held-out rows',
    ],
    ['phasetune eval check-judge evals/mine --judge length', "on the answers of an evaluation's own sets"],
  ],
});
