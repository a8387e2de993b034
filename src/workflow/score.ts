import { parseOptions } from '../config/given-options.js';
import { startTask, type Task } from '../core/task.js';
import { importFile } from '../data/import.js';
import type { InstructionRecord } from '../data/record.js';
import { hashFile } from '../io/files.js';
import { checkScoredOut, type RowScore, type Unscored, writeScored } from '../scoring/scored.js';
import { planJudging, scoreByJudge } from './score-by-judge.js';
import { scoreByLength } from './score-by-length.js';
import { scoredFile, scoresOf } from './score-files.js';
import { type ResolvedScoreOptions, type ScoreOptions, scoreOptionsSchema } from './score-options.js';
import { inProcessProblem } from './score-problem.js';
import type { ScoreEvent, ScoreHooks, ScoreResult, ScoringPlan } from './score-types.js';

/**
 * Scores how hard each row of a file is, and writes the scored rows with a manifest beside them. An
 * LLM at an endpoint judges (`scorer: 'openai'`), a model measures its own loss (`'loss'`), or
 * tokens are counted (`'length'`). Replies and losses are kept in a ledger beside the output:
 * running it again with the same options asks only for what is missing.
 *
 * A result with a `problem` has its files written, but no row has a score, or the endpoint left
 * rows out. Fails with code `usage` or `data` for options and files that are not as they must be,
 * `endpoint` where asking ended early, and `interrupted` where the signal was aborted; what was
 * answered or measured is kept.
 *
 * @example
 * const judge = { baseUrl: 'http://localhost:8000/v1', model: 'qwen3' };
 * const scoring = score({ file: 'rows.jsonl', out: 'scored.jsonl', ...judge });
 * for await (const event of scoring.events)
 *   if (event.type === 'answer') console.log(event.totals.answered, 'of', event.total);
 * const { manifest, problem } = await scoring.result;
 */
export const score = (options: ScoreOptions, hooks: ScoreHooks = {}): Task<ScoreEvent, ScoreResult> =>
  startTask(() => scoreRows(options, hooks));

/**
 * What {@link score} would do with the same options, and what it may cost: without asking an
 * endpoint, without a key, and without writing anything.
 *
 * @example
 * const plan = await planScoring({ file: 'rows.jsonl', out: 'scored.jsonl', model: 'gpt-4o-mini' });
 * if (plan.scorer === 'openai')
 *   console.log(plan.estimate.requests, 'requests, about', plan.estimate.likelyCost, 'dollars');
 */
export async function planScoring(given: ScoreOptions, hooks: ScoreHooks = {}): Promise<ScoringPlan> {
  const options = await checkOptions(given);
  if (options.scorer === 'openai') return planJudging(options, hooks);
  const { records } = await importFile(options.file, options, hooks.logger);
  if (options.scorer === 'length') return { scorer: 'length', rows: records.length };
  const { planMeasuring } = await import('./score-by-loss.js');
  return startTask(() => planMeasuring(records, options, hooks)).result;
}

/** Checks what can be checked before any work is done. */
async function checkOptions(given: ScoreOptions): Promise<ResolvedScoreOptions> {
  const options = parseOptions(scoreOptionsSchema, given);
  const { file, out, rubric, prices, force } = options;
  await checkScoredOut(out, [file, rubric, ...(prices === undefined ? [] : [prices])], force);
  return options;
}

async function* scoreRows(given: ScoreOptions, hooks: ScoreHooks): AsyncGenerator<ScoreEvent, ScoreResult> {
  const options = await checkOptions(given);
  if (options.scorer === 'openai') return yield* scoreByJudge(options, hooks);
  const sha256 = await hashFile(options.file);
  const { records } = await importFile(options.file, options, hooks.logger);
  const input = { options, records, sha256 };
  if (options.scorer === 'loss') {
    const { scoreByLoss } = await import('./score-by-loss.js');
    const { outcomes, options: recorded, ...measured } = yield* scoreByLoss(records, options, hooks);
    return { scorer: 'loss', ...(await writeOutcomes(input, outcomes, recorded)), ...measured };
  }
  const { outcomes, counted } = await scoreByLength(records, options);
  const { lengthOf, model } = options;
  const recorded = { lengthOf, counted, ...(model !== undefined && { model }) };
  return { scorer: 'length', ...(await writeOutcomes(input, outcomes, recorded)), counted };
}

/** The rows that were scored. */
interface ScoredInput {
  readonly options: ResolvedScoreOptions;
  readonly records: readonly InstructionRecord[];
  readonly sha256: string;
}

/** Writes what a scorer found that asks no endpoint. */
async function writeOutcomes(
  { options: { file, out, scorer }, records, sha256 }: ScoredInput,
  outcomes: readonly (RowScore | Unscored)[],
  recorded: Readonly<Record<string, unknown>>,
) {
  const manifest = await writeScored(out, {
    input: { path: file, sha256 },
    records,
    outcomeOf: (_, index) => outcomes[index]!,
    scorer,
    options: recorded,
  });
  const problem = inProcessProblem(file, manifest);
  return { ...scoredFile(out, manifest, scoresOf(outcomes)), ...(problem && { problem }) };
}
