import * as z from 'zod';
import { scoreOptionsSchema } from '../../../workflow/score-options.js';
import { defineCommand } from '../../command.js';
import { ENDPOINT_GROUPS, PROGRAM_OPTIONS } from '../../help-groups.js';

/** `phasetune score FILE --out FILE`: how hard each row is. */
export const command = defineCommand({
  command: 'score <file>',
  describe: 'score how hard each row is: an LLM judges it, or a model by its own loss',
  schema: scoreOptionsSchema.extend({
    dryRun: z
      .boolean()
      .default(false)
      .describe('show what would be asked or measured, what it may cost, and one prompt, then stop'),
  }),
  recipe: true,
  // PHASETUNE_MODEL is a folder: of the model that is trained, and of the one whose loss or
  // tokenizer scores. A judge is named for each run.
  notFromEnvironment: ({ scorer = 'openai' }) => (scorer === 'openai' ? ['model'] : []),
  first: ['out', 'scorer', 'baseUrl', 'model', 'rubric', 'expected', 'maxCost', 'dryRun'],
  groups: {
    'Rows and scorer': ['file', 'out', 'scorer', 'model', 'format', 'badRows', 'force', 'dryRun'],
    ...ENDPOINT_GROUPS,
    Judge: [
      'rubric',
      'repeats',
      'expected',
      'temperature',
      'seed',
      'maxTokens',
      'maxChars',
      'structured',
      'systemTurn',
      'reparse',
    ],
    Loss: ['lossScore', 'adapter', 'template', 'maxLength', 'batchRows', ...PROGRAM_OPTIONS, 'device'],
    Length: ['lengthOf'],
  },
  examples: [
    [
      'phasetune score alpaca.json --out scored.jsonl --base-url http://localhost:8000/v1 --model qwen3',
      'a judge on this machine',
    ],
    [
      'phasetune score alpaca.json --out scored.jsonl --model gpt-4o-mini --dry-run',
      'what it would cost, and one prompt',
    ],
    ['phasetune score alpaca.json --out scored.jsonl --model gpt-4o-mini --max-cost 5', 'spend at most 5 dollars'],
    ['phasetune score alpaca.json --out scored.jsonl --model gpt-4o-mini --expected', 'finer scores, by probabilities'],
    ['phasetune score alpaca.json --out ifd.jsonl --scorer loss --model models/smollm2', 'no endpoint: IFD'],
    ['phasetune score alpaca.json --out length.jsonl --scorer length', 'the baseline'],
  ],
});
