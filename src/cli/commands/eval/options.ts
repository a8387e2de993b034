import * as z from 'zod';
import { evaluateOptionsSchema } from '../../../workflow/evaluate-options.js';
import { defineCommand } from '../../command.js';
import { ENDPOINT_GROUPS, PROGRAM_OPTIONS } from '../../help-groups.js';

/** `phasetune eval NAME=SOURCE … --sets FILE… --out DIR`: whose answers are better. */
export const command = defineCommand({
  command: 'eval <arms..>',
  describe: 'let arms answer the same instructions, have a judge compare them, and report win rates',
  schema: evaluateOptionsSchema.extend({
    dryRun: z
      .boolean()
      .default(false)
      .describe('show what would be answered and asked, and what that may cost, then stop'),
  }),
  recipe: true,
  // There it is the model that is trained. A judge is named for each run.
  notFromEnvironment: () => ['model'],
  first: ['sets', 'out', 'rows', 'judge', 'baseUrl', 'model', 'dryRun'],
  groups: {
    'Arms and instructions': ['arms', 'sets', 'out', 'baseline', 'base', 'rows', 'seed', 'badRows', 'force', 'dryRun'],
    Answers: ['maxTokens', 'temperature', 'topK', 'topP', 'template', 'system', 'loss'],
    Judge: ['judge', 'model', 'controls', 'entrance', 'entranceRows', 'pairs', 'orders'],
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
    'Judge in this process': ['judgePrecision', 'judgeBatch', 'judgeMaxLength'],
    Report: ['level', 'resamples', 'maxMissing', 'people', 'against'],
    'Memory and speed': ['device', 'batch', ...PROGRAM_OPTIONS],
  },
  examples: [
    [
      'phasetune eval base=models/base mine=checkpoints/mine --sets koala.jsonl --out evals/mine --model qwen3',
      'a model and the run that tuned it; a judge at OPENAI_BASE_URL',
    ],
    [
      'phasetune eval one-off=runs/o1,runs/o2 phased=runs/p1,runs/p2 --sets staged/mine --out evals/local',
      'two seeds of each arm, judged without an endpoint',
    ],
    [
      'phasetune eval base=models/base phased=checkpoints/phased --sets koala.jsonl --out evals/mine --judge llm --model gpt-4o-mini --max-cost 5',
      'spend at most 5 dollars on the judge',
    ],
  ],
});
