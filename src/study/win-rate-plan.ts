import { env } from 'node:process';
import { dataError } from '../core/errors.js';
import { type EndpointAddress, resolveEndpoint } from '../endpoint/options.js';
import type { Price } from '../endpoint/prices.js';
import type { JudgeKind } from '../eval/judge/pair-judge.js';
import { type ChosenSet, chooseRows } from '../eval/sets/choose-rows.js';
import { readSets } from '../eval/sets/read-set.js';
import type { Pair } from '../eval/verdicts/pair-types.js';
import { exists } from '../io/files.js';
import { silentLogger } from '../telemetry/logger.js';
import { agreeToCost } from '../workflow/asking-cost.js';
import { planJudging } from '../workflow/eval-judge.js';
import type { PairJudgingPlan } from '../workflow/eval-judge-types.js';
import type { JudgeWork } from '../workflow/eval-judge-work.js';
import type { AskHooks } from '../workflow/hooks.js';
import type { JudgingEstimate } from '../workflow/score-types.js';
import type { StudyRecord } from './study-record.js';
import { type EvaluatedCell, evaluationsOf } from './win-rate-evaluations.js';
import { fromHere, type WinRateOptions, winRateOptions } from './win-rate-options.js';

/** A study as far as it is needed to plan how it is measured: one that is registered, or that would be. */
export interface PlannedWinRateStudy {
  readonly record: Pick<StudyRecord, 'study' | 'begunIn'>;
  readonly cells: readonly EvaluatedCell[];
}

/** What measuring win rates will take, if every cell is done. */
export interface WinRatePlan {
  /** One for each combination of the axes. */
  readonly evaluations: number;
  readonly sets: readonly { readonly name: string; readonly rows: number; readonly chosen: number }[];
  /** Instructions that every cell answers. */
  readonly rows: number;
  /** Answers of all cells. */
  readonly answers: number;
  /** Pairs of an answer with the control's. */
  readonly pairs: number;
  readonly judge: JudgeKind;
  /** At most: nobody is asked about equal answers. */
  readonly questions: number;
  /** Questions of the entrance tests, one test for each evaluation. */
  readonly entrance: number;
  /** Only where an LLM at an endpoint is asked. At most, with answers as long as they may be; no reply is known yet. */
  readonly asking?:
    | {
        readonly estimate: JudgingEstimate;
        /** Without the key. */
        readonly address: Omit<EndpointAddress, 'apiKey' | 'headers'>;
        readonly price: Price | undefined;
      }
    | undefined;
}

/**
 * What measuring the win rates of a study will take, without a model, a key or a request. Undefined in a study that
 * compares something else. Throws usage and data errors of the sets, the judge's instructions and the limit of cost,
 * so that they are found before anything is trained.
 */
export async function planWinRates(
  { record, cells }: PlannedWinRateStudy,
  hooks: Pick<AskHooks, 'logger' | 'environment'> = {},
): Promise<WinRatePlan | undefined> {
  const given = winRateOptions(record.study);
  if (!given) return undefined;
  const options = fromHere(given, record.begunIn);
  checkModel(options);
  const sets = chooseRows(await readSets(options.sets, options, hooks.logger), options.rows, options.seed);
  const evaluations = evaluationsOf(
    { cells, record },
    cells.map(() => ({ state: 'done' as const })),
  );
  const compared = evaluations.reduce((n, { arms }) => n + arms.reduce((sum, arm) => sum + arm.cells.length, 0), 0);
  const controls = evaluations.reduce((n, { control }) => n + control.cells.length, 0);
  const rows = sets.reduce((n, { chosen }) => n + chosen.length, 0);
  const one = await planCell(options, sets, true, hooks);
  const test = await planCell(options, sets, false, hooks);
  /** Each evaluation has a test, and each compared cell its pairs. */
  const all = (count: (plan: PairJudgingPlan) => number): number =>
    evaluations.length * count(test) + compared * (count(one) - count(test));
  return {
    evaluations: evaluations.length,
    sets: sets.map(({ name, rows, chosen }) => ({ name, rows: rows.length, chosen: chosen.length })),
    rows,
    answers: rows * (compared + controls),
    pairs: rows * compared,
    judge: one.kind,
    questions: all(({ questions }) => questions),
    entrance: all(({ entrance }) => entrance),
    asking: one.asking && {
      estimate: {
        known: 0,
        requests: all(({ asking }) => asking!.estimate.requests),
        promptTokens: all(({ asking }) => asking!.estimate.promptTokens),
        replyTokens: all(({ asking }) => asking!.estimate.replyTokens),
        cost: one.asking.price && all(({ asking }) => asking!.estimate.cost!),
        likelyCost: one.asking.price && all(({ asking }) => asking!.estimate.likelyCost!),
        atLeastSeconds: all(({ asking }) => asking!.estimate.atLeastSeconds),
      },
      address: one.asking.address,
      price: one.asking.price,
    },
  };
}

/**
 * Checks what measuring the win rates will need, before anything is trained: what {@link planWinRates} checks, the
 * judge's key, and that its cost is agreed to or somebody can be asked.
 */
export async function checkWinRates(
  study: PlannedWinRateStudy,
  hooks: Pick<AskHooks, 'logger' | 'environment' | 'confirm'> = {},
): Promise<void> {
  const options = winRateOptions(study.record.study);
  if (options?.judge === 'llm') resolveEndpoint(options, hooks.environment ?? env);
  const plan = await planWinRates(study, hooks);
  if (!options || !plan?.asking) return;
  const { estimate, address } = plan.asking;
  // `maxCost` limits each evaluation, and they are of one size.
  const each = (sum: number | undefined) => sum && sum / plan.evaluations;
  const asked = { ...estimate, cost: each(estimate.cost), likelyCost: each(estimate.likelyCost) };
  await agreeToCost(asked, options, address, { confirm: hooks.confirm && (async () => true) });
}

function checkModel({ judge, model }: WinRateOptions): void {
  if (judge === 'llm' || model === undefined || exists(model)) return;
  throw dataError(`there is no ${model}`, { file: model, option: 'metric.win-rate.model' });
}

/** What judging the pairs of one cell asks, with the entrance test; without its pairs the test alone. */
async function planCell(
  options: WinRateOptions,
  sets: readonly ChosenSet[],
  asks: boolean,
  { environment }: Pick<AskHooks, 'environment'>,
): Promise<PairJudgingPlan> {
  const rows = options.entrance ? sets.flatMap((set) => set.rows) : [];
  const work: JudgeWork = {
    options: { ...options, folder: '', reparse: false },
    hooks: { logger: silentLogger, ...(environment && { environment }) },
    file: { seed: options.seed, begunIn: '', baseline: 'control', arms: {} },
    pairs: asks ? longestPairs(options, sets) : [],
    rows: rows.filter(({ reference }) => reference !== undefined),
  };
  return planJudging(work, true);
}

/** Pairs of different answers that are as long as they may be. */
function longestPairs({ maxTokens }: WinRateOptions, sets: readonly ChosenSet[]): Pair[] {
  const answer = (word: string) => `${word} `.repeat(maxTokens);
  const answers = { baseline: answer('this'), arm: answer('that') };
  const about = { baseline: 'control', arm: 'arm', run: 1, baselineRun: 1 };
  return sets.flatMap(({ name, chosen }) =>
    chosen.map(({ id, messages }): Pair => ({ ...about, set: name, id, messages, answers })),
  );
}
