import { importEvaluationOptionsSchema } from '../../../workflow/eval-import-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune eval import`: AlpacaEval's files as an evaluation. */
export const command = defineCommand({
  command: 'eval import <files..>',
  describe: "make an evaluation of AlpacaEval's annotations.json or model_outputs.json, to report or to judge",
  schema: importEvaluationOptionsSchema,
  examples: [
    ['phasetune eval import annotations.json --out evals/theirs', 'verdicts, then: phasetune eval report evals/theirs'],
    ['phasetune eval import base.json mine.json --out evals/both', 'answers of two models, then: phasetune eval judge'],
  ],
});
