import { usageError } from '../../core/errors.js';
import { defineCommand } from '../command.js';
import { scoreSchema } from '../score/options.js';

/** `phasetune score FILE --out FILE`: how hard each row is. */
export const score = defineCommand({
  command: 'score <file>',
  describe: 'tell how hard each row is: an LLM judges it, or a model by its own loss',
  schema: scoreSchema,
  recipe: true,
  // PHASETUNE_MODEL is a folder: of the model that is trained, and of that whose loss or tokenizer scores. A judge is named where it is asked.
  notFromEnvironment: ({ scorer = 'openai' }) => (scorer === 'openai' ? ['model'] : []),
  examples: [
    [
      'phasetune score alpaca.json --out scored.jsonl --base-url http://localhost:8000/v1 --model qwen3',
      'a judge on this machine',
    ],
    [
      'phasetune score alpaca.json --out scored.jsonl --model gpt-4o-mini --dry-run',
      'what it would cost, and one prompt',
    ],
    ['phasetune score alpaca.json --out scored.jsonl --model gpt-4o-mini --max-cost 5', 'go on, for at most 5 dollars'],
    ['phasetune score alpaca.json --out scored.jsonl --model gpt-4o-mini --expected', 'finer scores, by probabilities'],
    ['phasetune score alpaca.json --out ifd.jsonl --scorer loss --model models/smollm2', 'no endpoint: IFD'],
    ['phasetune score alpaca.json --out length.jsonl --scorer length', 'the baseline'],
  ],
  async run(options, context) {
    const { checkScoredOut } = await import('../../scoring/scored.js');
    const { file, out, rubric, prices, force } = options;
    await checkScoredOut(out, [file, rubric, ...(prices === undefined ? [] : [prices])], force);
    if (options.scorer === 'openai' && options.model === undefined && process.env.PHASETUNE_MODEL)
      throw usageError(
        'PHASETUNE_MODEL is a model folder, to train or to score with --scorer loss; name the judge by --model, or in a recipe',
        { option: 'model' },
      );
    if (options.scorer === 'openai') return (await import('../score/by-judge.js')).scoreByJudge(options, context);
    return (await import('../score/in-process.js')).scoreInProcess(options, context);
  },
});
