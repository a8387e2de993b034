import { compareScoresOptionsSchema } from '../../../workflow/compare-options.js';
import { defineCommand } from '../../command.js';

/** `phasetune score compare`: how well several scores of the same rows agree. */
export const command = defineCommand({
  command: 'score compare <files..>',
  describe: 'report how well scores agree: order, rank correlation, stages that change, worst rows; human ratings too',
  schema: compareScoresOptionsSchema,
  examples: [
    ['phasetune score compare scored.jsonl sheet.csv', "a judge's scores and the ratings of a sheet"],
    [
      'phasetune score compare gpt4=a.jsonl ifd=b.jsonl length=c.jsonl --out agreement.md',
      'three scorers, as a report',
    ],
    [
      'phasetune score compare a.jsonl b.csv --score-column level --stages 4 --plots plots',
      'four stages, with pictures',
    ],
  ],
  onlyPrints: ({ out, plots }) => out === undefined && plots === undefined,
});
