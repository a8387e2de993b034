/**
 * How far apart the trained tokens of arms with 1 to 6 stages are under the same `budget`: sets of
 * the given scored rows with one hold-out, planned in every order, nothing trained. One line per
 * budget and size of a step.
 *
 *     npx tsx scripts/study/budget-spread.ts --rows datasets/demo/raw.jsonl --model models/tiny-llama
 *         [--budgets 20000,100000] [--batch-rows 8] [--accumulate 1,4] [--seeds 6]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readStaged } from '../../src/curriculum/manifest.js';
import type { StagedSet } from '../../src/curriculum/types.js';
import { encodeRows } from '../../src/data/encode-rows.js';
import type { EncodedRow } from '../../src/data/encoded.js';
import { encodeOptionsSchema } from '../../src/data/options.js';
import { makeSets } from '../../src/study/sets.js';
import type { StudySet } from '../../src/study/study-set.js';
import { loadTokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainOptions } from '../../src/train/options.js';
import { planRun, type RunPlan } from '../../src/train/run-plan.js';

const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: 'datasets/demo/raw.jsonl' },
    model: { type: 'string', default: 'models/tiny-llama' },
    budgets: { type: 'string', default: '20000,100000' },
    'batch-rows': { type: 'string', default: '8' },
    accumulate: { type: 'string', default: '1,4' },
    seeds: { type: 'string', default: '6' },
  },
});
const numbers = (text: string) => text.split(',').map(Number);

/** The sets of 2 to 6 stages, and the rows of all of them. */
async function setsOf(folder: string): Promise<{ sets: StagedSet[]; rows: readonly EncodedRow[] }> {
  const file = given.rows;
  const wanted = [2, 3, 4, 5, 6].map(
    (stages): StudySet => ({
      name: `${stages}-stages`,
      holdout: 'split-1',
      rows: file,
      scored: file,
      split: 1,
      stage: { stages },
    }),
  );
  for await (const _ of makeSets(folder, wanted, { holdout: 0.05, unscored: 'drop' })) void _;
  const sets = await Promise.all(wanted.map(({ name }) => readStaged(join(folder, 'staged', name))));
  const tokenizer = await loadTokenizer(given.model);
  const records = [...sets[0]!.stages.flatMap(({ rows }) => rows), ...sets[0]!.holdout];
  const { rows } = await encodeRows(records, tokenizer, encodeOptionsSchema.parse({}));
  return { sets, rows };
}

const trainedIn = ({ stages }: RunPlan) => stages.reduce((sum, { batches }) => sum + batches.trainedTokens, 0);
const largestStep = ({ stages }: RunPlan) =>
  Math.max(...stages.flatMap(({ batches }) => batches.steps.map((step) => step.trainedTokens)));

const folder = await mkdtemp(join(tmpdir(), 'phasetune-budget-'));
try {
  const { sets, rows } = await setsOf(folder);
  for (const budget of numbers(given.budgets))
    for (const accumulate of numbers(given.accumulate)) {
      const plans: RunPlan[] = [];
      let spread = 0;
      for (let seed = 1; seed <= Number(given.seeds); seed++) {
        const base = { batchRows: Number(given['batch-rows']), accumulate, budget, seed };
        const ofSeed = [
          planRun(sets[0]!, rows, trainOptions.parse({ ...base, order: 'one-off' })),
          ...sets.map((set) => planRun(set, rows, trainOptions.parse({ ...base, order: 'phased' }))),
          ...['random', 'reversed'].map((order) => planRun(sets[1]!, rows, trainOptions.parse({ ...base, order }))),
        ];
        const trained = ofSeed.map(trainedIn);
        spread = Math.max(spread, Math.max(...trained) - Math.min(...trained));
        plans.push(...ofSeed);
      }
      const over = plans.map((plan) => trainedIn(plan) - budget);
      const step = Math.max(...plans.map(largestStep));
      console.log(
        JSON.stringify({
          budget,
          accumulate,
          plans: plans.length,
          largestStep: step,
          over: { least: Math.min(...over), most: Math.max(...over) },
          largestDifference: spread,
          share: Number((spread / budget).toFixed(5)),
        }),
      );
    }
} finally {
  await rm(folder, { recursive: true });
}
