import { checkJudgeOptionsSchema } from '../../../workflow/check-judge-options.js';
import { defineCommand } from '../../command.js';
import { ENDPOINT_GROUPS } from '../../help-groups.js';

/** `phasetune eval check-judge`: whether a judge's verdicts mean anything. */
export const command = defineCommand({
  command: 'eval check-judge <sources..>',
  describe: 'test a judge on pairs whose better answer is known, before anything is judged by it',
  schema: checkJudgeOptionsSchema,
  // A judge is named for each run; there it is the model that is trained.
  recipe: true,
  notFromEnvironment: () => ['model'],
  first: ['judge', 'model', 'baseUrl', 'out', 'entranceRows', 'maxCost'],
  groups: {
    Judge: ['sources', 'judge', 'model', 'out'],
    Test: ['entranceRows', 'seed', 'badRows'],
    ...ENDPOINT_GROUPS,
    Questions: [
      'judgePrompt',
      'expected',
      'judgeTemperature',
      'judgeSeed',
      'judgeMaxTokens',
      'maxChars',
      'structured',
      'systemTurn',
    ],
    'Judge in this process': [
      'judgePrecision',
      'judgeBatch',
      'judgeMaxLength',
      'device',
      'mode',
      'compile',
      'attention',
    ],
  },
  examples: [
    [
      'phasetune eval check-judge staged/mine --judge letters --model models/judge --out judge.json',
      'a local model, on held-out rows',
    ],
    [
      'phasetune eval check-judge evals/mine --base-url http://localhost:8000/v1 --model qwen3',
      "a judge on this machine, on the answers of an evaluation's own sets",
    ],
  ],
});
