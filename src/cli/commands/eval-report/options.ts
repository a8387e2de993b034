import { reportEvaluationOptionsSchema } from '../../../workflow/eval-report-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune eval report`: the result of an evaluation from its files. */
export const command = defineCommand({
  command: 'eval report <folder>',
  describe: 'compute win rates from verdicts and write the report, pictures and files for AlpacaEval; loads no model',
  schema: reportEvaluationOptionsSchema,
  groups: {
    Evaluation: ['folder', 'against', 'people'],
    Statistics: ['level', 'resamples', 'seed', 'maxMissing'],
  },
  examples: [
    ['phasetune eval report evals/mine', 'the report of an evaluation'],
    [
      'phasetune eval report evals/mine --level 0.99 --max-missing 0.1',
      'wider intervals, more missing verdicts allowed',
    ],
    [
      'phasetune eval report evals/mine --people anna.csv,ben.csv',
      'what people say, and the win rates corrected by it',
    ],
    ['phasetune eval report evals/mine --against length', 'how often the judge agrees with another one'],
  ],
});
