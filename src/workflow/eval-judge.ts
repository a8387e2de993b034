import { parseOptions } from '../config/given-options.js';
import { PhasetuneError } from '../core/errors.js';
import { startTask, type Task } from '../core/task.js';
import type { Ledger, LedgerLine } from '../endpoint/ledger.js';
import { evalPaths } from '../eval/eval-file.js';
import type { JudgeKind, PairJudge, PairOutcome } from '../eval/judge/pair-judge.js';
import { planVerdicts, verdictsOf } from '../eval/verdicts/questions.js';
import { openLedgerFor } from './asking-ledger.js';
import { judgeByLlm, planLlm } from './eval-judge-llm.js';
import { type JudgeAnswersOptions, judgeAnswersOptionsSchema } from './eval-judge-options.js';
import type { JudgeAnswersEvent, JudgeAnswersResult, JudgedPairs, PairJudgingPlan } from './eval-judge-types.js';
import {
  controlsOf,
  countPairs,
  entranceOf,
  type JudgeWork,
  judgeKindOf,
  judgeModelOf,
  openJudgeWork,
  saveJudge,
  summaryOf,
} from './eval-judge-work.js';
import type { AskHooks } from './hooks.js';
import { openLocalJudge } from './local-judge.js';

/**
 * Judges the answers of an evaluation in pairs, and adds the judge to `eval.json` and its verdicts
 * to `verdicts.jsonl`; those of other judges stay. Controls that cost nothing run beside it.
 * Replies are kept in a ledger: the same call again asks only for what is missing, and the order of
 * arms changes nothing.
 *
 * A result with a `problem` has its files written, but no pair was judged, or `maxCost` ended the run. Fails with code
 * `usage` or `data` for options and files that are not as they must be, before any cost; `endpoint` where asking ended
 * early, and `interrupted` where the signal was aborted. What was answered is kept.
 *
 * @example
 * const judging = judgeAnswers({ folder: 'evals/first', baseUrl: 'http://localhost:8000/v1', model: 'qwen3' });
 * const { judges, problem } = await judging.result;
 * for (const { judge, judged, missing } of judges) console.log(judge, judged, missing);
 */
export const judgeAnswers = (
  options: JudgeAnswersOptions,
  hooks: AskHooks = {},
): Task<JudgeAnswersEvent, JudgeAnswersResult> => startTask(() => judgeAll(options, hooks));

/**
 * What {@link judgeAnswers} would do with the same options, and what it may cost: asks nothing, needs no key, and
 * changes no file.
 *
 * @example
 * const { pairs, questions } = await planJudgingAnswers({ folder: 'evals/first', judge: 'letters' });
 * console.log(pairs, 'pairs,', questions, 'questions');
 */
export async function planJudgingAnswers(given: JudgeAnswersOptions, hooks: AskHooks = {}): Promise<PairJudgingPlan> {
  return planJudging(await openJudgeWork(parseOptions(judgeAnswersOptionsSchema, given), hooks));
}

/** What judging these pairs will ask. `fresh`: nothing was asked before, and there is no folder yet. */
export const planJudging = async (work: JudgeWork, fresh = false): Promise<PairJudgingPlan> =>
  judgeKindOf(work) === 'llm' ? planLlm(work, fresh) : localPlan(work);

async function* judgeAll(
  given: JudgeAnswersOptions,
  hooks: AskHooks,
): AsyncGenerator<JudgeAnswersEvent, JudgeAnswersResult> {
  const work = await openJudgeWork(parseOptions(judgeAnswersOptionsSchema, given), hooks);
  const { folder } = work.options;
  const kind = judgeKindOf(work);
  const judges: JudgedPairs[] = [];
  let problem: PhasetuneError | undefined;
  if (kind === 'llm') {
    const { judged, problem: left } = yield* judgeByLlm(work);
    judges.push(judged);
    problem = left;
  } else yield { type: 'plan', plan: localPlan(work) };
  const local = [...(kind === 'llm' ? [] : [kind]), ...controlsOf(work)];
  const opened = local.every((one) => one === 'length')
    ? undefined
    : await openLedgerFor<LedgerLine>(evalPaths(folder).judgeLedger, {
        owner: `judging ${folder}`,
        logger: hooks.logger,
      });
  try {
    for (const one of local) judges.push(yield* judgeLocally(work, one, opened?.ledger, one !== kind));
  } finally {
    await opened?.close();
  }
  const [{ judged, equal, bothEmpty, pairs }] = judges as [JudgedPairs];
  if (pairs > 0 && judged + equal + bothEmpty === 0)
    problem ??= new PhasetuneError(kind === 'llm' ? 'endpoint' : 'data', `none of ${pairs} pairs was judged`, {
      file: folder,
    });
  return { folder, judges, verdicts: evalPaths(folder).verdicts, ...(problem && { problem }) };
}

function localPlan(work: JudgeWork): PairJudgingPlan {
  const { options, pairs } = work;
  const kind = judgeKindOf(work);
  const { questions } = planVerdicts(pairs, { ordered: kind === 'letters' }, { orders: options.orders, repeats: 1 });
  return {
    folder: options.folder,
    kind,
    judge: kind,
    controls: controlsOf(work),
    ...countPairs(pairs),
    questions: questions.length,
    entrance: entranceOf(work, { ordered: kind === 'letters', kind }).questions.length,
  };
}

/** Opens a judge that needs no endpoint. */
async function openJudge(
  kind: Exclude<JudgeKind, 'llm'>,
  work: JudgeWork,
  ledger: Ledger<LedgerLine> | undefined,
): Promise<PairJudge> {
  const { options, hooks } = work;
  return openLocalJudge(kind, { ...options, model: judgeModelOf(work, kind) }, ledger, hooks);
}

async function* judgeLocally(
  work: JudgeWork,
  kind: Exclude<JudgeKind, 'llm'>,
  ledger: Ledger<LedgerLine> | undefined,
  control: boolean,
): AsyncGenerator<JudgeAnswersEvent, JudgedPairs> {
  const { options, hooks, pairs } = work;
  const judge = await openJudge(kind, work, ledger);
  try {
    const plan = planVerdicts(pairs, judge, { orders: options.orders, repeats: 1 });
    const outcomes: PairOutcome[] = [];
    const entrance = entranceOf(work, judge, control);
    const questions = [...entrance.questions, ...plan.questions];
    const total = questions.length;
    if (total > 0) yield { type: 'start', judge: judge.name, kind, total };
    let done = 0;
    for await (const { index, outcome } of judge.judge(questions, hooks.signal)) {
      outcomes[index] = outcome;
      done++;
      // Thousands of events in no time help nobody.
      if (kind !== 'length') yield { type: 'settled', judge: judge.name, done, total };
    }
    if (hooks.signal?.aborted) throw interruptedJudging(options.folder, done, total);
    const tested = entrance.questions.length;
    const verdicts = verdictsOf(plan, outcomes.slice(tested), judge);
    const record = {
      judge,
      control,
      verdicts,
      ...(tested > 0 && { entrance: entrance.resultOf(outcomes.slice(0, tested)) }),
      about: judge.about,
    };
    await saveJudge(work, record);
    const judged = summaryOf(work, record);
    yield { type: 'judged', judged };
    return judged;
  } finally {
    await judge.close();
  }
}

const interruptedJudging = (folder: string, done: number, total: number) =>
  new PhasetuneError('interrupted', `interrupted: ${done} of ${total} questions are settled`, {
    file: folder,
    remedies: [{ advice: 'run the same task again to continue' }],
  });
