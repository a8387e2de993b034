import { env } from 'node:process';
import { PhasetuneError, usageError } from '../core/errors.js';
import { reporting } from '../core/task.js';
import { createChatClient } from '../endpoint/client.js';
import type { Ledger } from '../endpoint/ledger.js';
import { type EndpointAddress, resolveEndpoint } from '../endpoint/options.js';
import { type Price, priceOf } from '../endpoint/prices.js';
import type { AnswerLine } from '../endpoint/scheduler/ask-types.js';
import { evalPaths } from '../eval/eval-file.js';
import type { EntrancePlan, EntranceResult } from '../eval/judge/entrance.js';
import { type AskingEvent, createLlmJudge, type LlmJudge } from '../eval/judge/llm-judge.js';
import { type LlmSettings, resolveLlm } from '../eval/judge/llm-question.js';
import { loadPairForm } from '../eval/judge/pair-form.js';
import type { PairOutcome, PairQuestion } from '../eval/judge/pair-judge.js';
import { planVerdicts, type VerdictPlan, verdictsOf } from '../eval/verdicts/questions.js';
import { exists } from '../io/files.js';
import { formatCount, formatDollars } from '../telemetry/format.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { agreeToCost, checkMaxCost, estimateJudging } from './asking-cost.js';
import { costOfLine, interruptedAsking, logSpent, openLedgerFor } from './asking-ledger.js';
import type { JudgeAnswersEvent, JudgedPairs, PairJudgingPlan } from './eval-judge-types.js';
import {
  controlsOf,
  countPairs,
  createTally,
  entranceOf,
  type JudgeWork,
  saveJudge,
  summaryOf,
} from './eval-judge-work.js';

/** Tokens of a reply that is as short as the judge is asked to make it. */
const SHORT_REPLY = { reason: 60, bare: 12 };

/** An endpoint, and how its model is asked. */
interface LlmSetup {
  readonly address: EndpointAddress;
  readonly price: Price | undefined;
  readonly settings: LlmSettings;
}

async function setUpLlm({ options, hooks }: JudgeWork, asks: boolean): Promise<LlmSetup> {
  const form = await loadPairForm(options.judgePrompt);
  const environment = hooks.environment ?? env;
  // Where nothing is asked no key is needed.
  const address = resolveEndpoint(options, asks ? environment : { ...environment, [options.apiKeyEnv]: 'none' });
  const price = await priceOf(address, options.prices);
  if (!options.reparse) checkMaxCost(options, price, address);
  return { address, price, settings: resolveLlm(options, form, address.model) };
}

/** What an LLM would be asked; needs no key. `fresh`: nothing was asked before, and no ledger is read. */
export async function planLlm(work: JudgeWork, fresh = false): Promise<PairJudgingPlan> {
  const { options, hooks } = work;
  if (options.reparse)
    throw usageError('`reparse` asks nothing, so there is nothing to plan', {
      option: 'reparse',
      remedies: [{ option: 'reparse', change: 'omit' }],
    });
  const setup = await setUpLlm(work, false);
  const path = evalPaths(options.folder).judgeLedger;
  const planWith = async (ledger: Pick<Ledger<AnswerLine>, 'get' | 'failure'>) => {
    const tools = { client: undefined, ledger: ledger as Ledger<AnswerLine>, options, price: setup.price };
    return planOf(work, setup, createLlmJudge(setup.settings, tools), planAll(work));
  };
  if (fresh || !exists(path)) return planWith({ get: () => undefined, failure: () => undefined });
  const { ledger, close } = await openLedgerFor<AnswerLine>(path, {
    owner: `planning ${options.folder}`,
    logger: hooks.logger,
  });
  try {
    return await planWith(ledger);
  } finally {
    await close();
  }
}

/** The entrance test and the pairs, which are asked about together. */
interface AllQuestions {
  readonly entrance: EntrancePlan;
  readonly verdicts: VerdictPlan;
  /** Those of the test, then those about pairs. */
  readonly questions: readonly PairQuestion[];
}

function planAll(work: JudgeWork): AllQuestions {
  const entrance = entranceOf(work, { ordered: true, kind: 'llm' });
  const verdicts = planVerdicts(work.pairs, { ordered: true }, work.options);
  return { entrance, verdicts, questions: [...entrance.questions, ...verdicts.questions] };
}

async function planOf(
  work: JudgeWork,
  { address, price, settings }: LlmSetup,
  judge: LlmJudge,
  { entrance, verdicts, questions }: AllQuestions,
): Promise<PairJudgingPlan> {
  const { pairs, options, hooks } = work;
  const { estimate, ...asking } = await judge.plan(questions);
  if (asking.cut > 0)
    hooks.logger?.warn(
      `${formatCount(asking.cut)} questions are longer than ${formatCount(settings.maxChars)} characters; the judge sees them cut (\`maxChars\`)`,
    );
  const { apiKey: _, headers: __, ...place } = address;
  const short = Math.min(settings.maxTokens, settings.form.reason ? SHORT_REPLY.reason : SHORT_REPLY.bare);
  return {
    folder: options.folder,
    kind: 'llm',
    judge: judge.name,
    controls: controlsOf(work),
    ...countPairs(pairs),
    questions: verdicts.questions.length,
    entrance: entrance.questions.length,
    asking: { ...asking, estimate: estimateJudging(estimate, short, price, options), address: place, price },
  };
}

/**
 * Has an LLM at an endpoint judge the pairs: asks what the ledger does not answer, then writes the
 * verdicts. `problem` is set where `maxCost` ended the run.
 */
export async function* judgeByLlm(
  work: JudgeWork,
): AsyncGenerator<JudgeAnswersEvent, { readonly judged: JudgedPairs; readonly problem: PhasetuneError | undefined }> {
  const { options, hooks } = work;
  const { folder, reparse } = options;
  const setup = await setUpLlm(work, !reparse);
  const path = evalPaths(folder).judgeLedger;
  if (reparse && !exists(path))
    throw usageError(`\`reparse\`: there is no ledger of replies at ${path} to read`, {
      option: 'reparse',
      file: path,
      remedies: [{ option: 'reparse', change: 'omit', note: 'at first' }],
    });
  const { logger = silentLogger } = hooks;
  const tally = createTally();
  const opened = await openLedgerFor<AnswerLine>(path, {
    owner: `judging ${folder}`,
    logger,
    costOf: costOfLine(setup.price),
    watch: tally.watch,
  });
  try {
    const outcomes: PairOutcome[] = [];
    const plan = planAll(work);
    const judge = yield* askAll(work, setup, opened.ledger, plan, outcomes);
    const replies = judge.replies();
    logModel(replies.models, setup.settings.model, logger);
    const tested = plan.entrance.questions.length;
    const verdicts = verdictsOf(plan.verdicts, outcomes.slice(tested), judge);
    const entrance = tested > 0 ? plan.entrance.resultOf(outcomes.slice(0, tested)) : undefined;
    const about = {
      ...judge.about,
      baseUrl: setup.address.baseUrl,
      orders: options.orders,
      pairs: options.pairs,
      // Whoever answered, by the server's own name.
      returned: replies.models,
    };
    const record = { judge, control: false, verdicts, about, spent: tally.of(setup.settings.model), entrance };
    await saveJudge(work, record);
    const asked = judge.asked();
    const judged = { ...summaryOf(work, record), replies, asked: asked?.totals };
    yield { type: 'judged', judged };
    return { judged, problem: asked?.stopped === 'max-cost' ? endedEarly(work, judged) : undefined };
  } finally {
    await opened.close();
  }
}

/** Has an LLM at an endpoint take the entrance test alone; replies are kept in the ledger `path`. */
export async function* testLlm(
  work: JudgeWork,
  path: string,
): AsyncGenerator<JudgeAnswersEvent, { readonly judge: LlmJudge; readonly entrance: EntranceResult }> {
  const setup = await setUpLlm(work, true);
  const { logger } = work.hooks;
  const opened = await openLedgerFor<AnswerLine>(path, {
    owner: 'testing a judge',
    logger,
    costOf: costOfLine(setup.price),
  });
  try {
    const outcomes: PairOutcome[] = [];
    const plan = planAll({ ...work, pairs: [] });
    const judge = yield* askAll(work, setup, opened.ledger, plan, outcomes);
    return { judge, entrance: plan.entrance.resultOf(outcomes) };
  } finally {
    await opened.close();
  }
}

/** Asks what is left, after the plan was reported and its cost agreed to; `outcomes` gets what was said. */
async function* askAll(
  work: JudgeWork,
  setup: LlmSetup,
  ledger: Ledger<AnswerLine>,
  plan: AllQuestions,
  outcomes: PairOutcome[],
): AsyncGenerator<JudgeAnswersEvent, LlmJudge> {
  const { options, hooks } = work;
  const { address, price, settings } = setup;
  const { logger = silentLogger } = hooks;
  const timeoutMs = options.timeoutSeconds * 1000;
  const client = options.reparse ? undefined : createChatClient(address, { timeoutMs, logger });
  const costBefore = ledger.cost;
  let total = 0;
  let report: (event: AskingEvent) => void = () => {};
  const judge = createLlmJudge(settings, { client, ledger, options, price, report: (event) => report(event) });
  try {
    if (client) {
      const judging = await planOf(work, setup, judge, plan);
      yield { type: 'plan', plan: judging };
      const { estimate } = judging.asking!;
      await agreeToCost(estimate, options, address, hooks);
      total = estimate.requests;
      if (total > 0) yield { type: 'start', judge: judge.name, kind: 'llm', total };
    }
    const { signal } = total > 0 ? hooks : {};
    yield* reporting<JudgeAnswersEvent, void>(async (emit, left) => {
      report = (event) => emit(event.type === 'answer' ? { ...event, total } : event);
      const stop = signal ? AbortSignal.any([signal, left]) : left;
      for await (const { index, outcome } of judge.judge(plan.questions, stop)) outcomes[index] = outcome;
    });
  } catch (error) {
    logSpent(ledger, costBefore, logger);
    throw error;
  } finally {
    await judge.close();
  }
  const asked = judge.asked();
  if (asked) yield { type: 'asked', ...asked };
  if (asked?.stopped === 'interrupted')
    throw interruptedAsking(asked.totals, ledger.path, { advice: 'run the same task again to continue' });
  return judge;
}

/** Names the model that the server says it is, where that is another name. */
function logModel([model]: readonly string[], asked: string, logger: Logger): void {
  if (model !== undefined && model !== asked)
    logger.info(`the server answers for ${asked} as ${model}; eval.json records it`);
}

const endedEarly = ({ options: { folder, maxCost } }: JudgeWork, { missing, pairs }: JudgedPairs) =>
  new PhasetuneError(
    'endpoint',
    `${formatCount(missing)} of ${formatCount(pairs)} pairs are missing, since \`maxCost\` of ${formatDollars(maxCost ?? 0)} ended the run; the others are in ${evalPaths(folder).verdicts}`,
    {
      file: folder,
      option: 'maxCost',
      remedies: [{ option: 'maxCost', change: 'raise', note: 'to ask about the rest' }],
    },
  );
