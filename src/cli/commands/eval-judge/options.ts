import * as z from 'zod';
import { judgeAnswersOptionsSchema } from '../../../workflow/eval-judge-options.js';
import { defineCommand } from '../../command.js';
import { ENDPOINT_GROUPS } from '../../help-groups.js';

/** `phasetune eval judge DIR`: whose answers are better. */
export const command = defineCommand({
  command: 'eval judge <folder>',
  describe: 'compare the answers of an evaluation in pairs: an LLM judges them, a local model, or their length',
  schema: judgeAnswersOptionsSchema.extend({
    dryRun: z
      .boolean()
      .default(false)
      .describe('show how much would be asked, what it may cost, and one prompt, then stop'),
  }),
  recipe: true,
  // There it is the model that is trained. A judge is named for each run.
  notFromEnvironment: () => ['model'],
  first: ['judge', 'baseUrl', 'model', 'maxCost', 'dryRun'],
  groups: {
    'Answers and judge': ['folder', 'judge', 'model', 'controls', 'pairs', 'orders', 'dryRun'],
    'Entrance test': ['entrance', 'entranceRows'],
    ...ENDPOINT_GROUPS,
    Questions: [
      'judgePrompt',
      'expected',
      'repeats',
      'judgeTemperature',
      'judgeSeed',
      'judgeMaxTokens',
      'maxChars',
      'structured',
      'systemTurn',
      'reparse',
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
      'phasetune eval judge evals/mine --base-url http://localhost:8000/v1 --model qwen3',
      'a judge on this machine, with the length as a control',
    ],
    ['phasetune eval judge evals/mine --judge llm --model gpt-4o-mini --dry-run', 'what it would cost, and one prompt'],
    ['phasetune eval judge evals/mine --judge llm --model gpt-4o-mini --max-cost 5', 'spend at most 5 dollars'],
    ['phasetune eval judge evals/mine --judge length', 'no judge: does the longer answer win?'],
  ],
});
