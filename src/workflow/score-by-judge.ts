import { env } from 'node:process';
import { usageError } from '../core/errors.js';
import { streamRows } from '../data/import.js';
import { createChatClient } from '../endpoint/client.js';
import { estimateAsking } from '../endpoint/estimate.js';
import type { Ledger } from '../endpoint/ledger.js';
import { type EndpointAddress, resolveEndpoint } from '../endpoint/options.js';
import { type Price, priceOf } from '../endpoint/prices.js';
import type { AnswerLine } from '../endpoint/scheduler/ask-types.js';
import { exists, hashFile } from '../io/files.js';
import { type Judge, resolveJudge } from '../scoring/judge.js';
import { type JudgeResult, judgeRows } from '../scoring/judge-rows.js';
import { countJudgements, outcomeAt } from '../scoring/judged-outcomes.js';
import { type Judgements, openQuestions, type Replies, type RowSource, readJudgements } from '../scoring/judgements.js';
import { promptFor } from '../scoring/prompt.js';
import { loadRubric } from '../scoring/rubric.js';
import { scoredPaths, writeScored } from '../scoring/scored.js';
import { formatCount } from '../telemetry/format.js';
import { silentLogger } from '../telemetry/logger.js';
import { agreeToCost, checkMaxCost, estimateJudging } from './asking-cost.js';
import { costOfLine, interruptedAsking, logSpent } from './asking-ledger.js';
import { openScoreLedger, scoredFile, scoresOf } from './score-files.js';
import type { ResolvedScoreOptions } from './score-options.js';
import { judgingProblem } from './score-problem.js';
import type { JudgedFile, JudgingPlan, ScoreEvent, ScoreHooks } from './score-types.js';

/** What judging a file works with. */
interface JudgeWork {
  readonly options: ResolvedScoreOptions;
  readonly hooks: ScoreHooks;
  readonly address: EndpointAddress;
  readonly price: Price | undefined;
  readonly judge: Judge;
  /** The rows, again at each call; warnings about them are logged in the first reading. */
  readonly rows: RowSource;
}

/**
 * Has an LLM at an endpoint judge rows: asks what the ledger does not answer, then writes the
 * scored file and its manifest.
 */
export async function* scoreByJudge(
  options: ResolvedScoreOptions,
  hooks: ScoreHooks,
): AsyncGenerator<ScoreEvent, JudgedFile> {
  const work = await openWork(options, hooks, !options.reparse);
  const path = scoredPaths(options.out).ledger;
  if (options.reparse && !exists(path))
    throw usageError(`\`reparse\`: there is no ledger of replies at ${path} to read`, {
      option: 'reparse',
      file: path,
      remedies: [{ task: 'score', note: 'on the rows first' }],
    });
  const { ledger, close } = await openScoreLedger(options.out, hooks.logger, costOfLine(work.price));
  try {
    return yield* judgeFile(work, ledger);
  } finally {
    await close();
  }
}

/** What {@link scoreByJudge} would ask, and what that may cost; needs no key and writes nothing. */
export async function planJudging(options: ResolvedScoreOptions, hooks: ScoreHooks): Promise<JudgingPlan> {
  if (options.reparse)
    throw usageError('`reparse` asks nothing, so there is nothing to plan', {
      option: 'reparse',
      remedies: [{ option: 'reparse', change: 'omit' }],
    });
  const work = await openWork(options, hooks, false);
  const plan = async (replies: Replies) => {
    const judgements = await readJudgements(work.rows, work.judge, replies);
    return { ...(await planOf(work, judgements)), ...(await sampleOf(work)) };
  };
  if (!exists(scoredPaths(options.out).ledger)) return plan({ get: () => undefined, failure: () => undefined });
  const { ledger, close } = await openScoreLedger(options.out, hooks.logger, costOfLine(work.price));
  try {
    return await plan(ledger);
  } finally {
    await close();
  }
}

async function openWork(options: ResolvedScoreOptions, hooks: ScoreHooks, asks: boolean): Promise<JudgeWork> {
  const rubric = await loadRubric(options.rubric);
  const environment = hooks.environment ?? env;
  // Where nothing is asked no key is needed.
  const address = resolveEndpoint(options, asks ? environment : { ...environment, [options.apiKeyEnv]: 'none' });
  const price = await priceOf(address, options.prices);
  if (!options.reparse) checkMaxCost(options, price, address);
  const judge = resolveJudge(options, rubric, address.model);
  let logger = hooks.logger ?? silentLogger;
  const rows = () => {
    const source = streamRows(options.file, options, logger).rows;
    logger = silentLogger;
    return source;
  };
  return { options, hooks, address, price, judge, rows };
}

/** Tokens of a reply of the form that a rubric asks for. */
const SHORT_REPLY = { number: 3, json: 10, reasoned: 50 } as const;

async function planOf(work: JudgeWork, judgements: Judgements): Promise<JudgingPlan> {
  const { judge, price, address, options, hooks, rows } = work;
  const counts = countJudgements(judgements);
  const asking = await estimateAsking(openQuestions(judgements, rows), { price });
  if (counts.cut > 0)
    hooks.logger?.warn(
      `${formatCount(counts.cut)} rows are longer than ${formatCount(judge.maxChars)} characters; the judge sees them cut (\`maxChars\`)`,
    );
  const { apiKey: _, headers: __, ...place } = address;
  return {
    scorer: 'openai',
    judge,
    address: place,
    price,
    estimate: estimateJudging(asking, Math.min(judge.maxTokens, SHORT_REPLY[judge.rubric.reply]), price, options),
    counts,
    questions: (counts.rows - counts.repeated) * judge.repeats,
  };
}

async function sampleOf({ judge, rows }: JudgeWork): Promise<Pick<JudgingPlan, 'sample'>> {
  for await (const record of rows())
    return { sample: { id: record.id, prompt: promptFor(judge.rubric, judge)(record) } };
  return {};
}

async function* judgeFile(work: JudgeWork, ledger: Ledger<AnswerLine>): AsyncGenerator<ScoreEvent, JudgedFile> {
  const { options, hooks, address, judge, rows } = work;
  const { file, out } = options;
  const sha256 = await hashFile(file);
  let judgements = await readJudgements(rows, judge, ledger);
  let asked: JudgeResult | undefined;
  if (!options.reparse) {
    const plan = await planOf(work, judgements);
    yield { type: 'plan', plan };
    await agreeToCost(plan.estimate, options, address, hooks);
    if (plan.estimate.requests > 0) {
      asked = yield* askOpen(work, judgements, ledger, plan.estimate.requests);
      ({ judgements } = asked);
      yield { type: 'asked', totals: asked.totals, ...(asked.stopped && { stopped: asked.stopped }) };
      if (asked.stopped === 'interrupted')
        throw interruptedAsking(asked.totals, ledger.path, {
          task: 'score',
          note: 'again with the same options to continue from there',
        });
    }
  }
  const outcomes: (number | undefined)[] = [];
  const counts = countJudgements(judgements);
  const { name, version, sha256: rubricHash, scale } = judge.rubric;
  const manifest = await writeScored(out, {
    input: { path: file, sha256 },
    records: rows(),
    outcomeOf: (record, index) => {
      const outcome = outcomeAt(judgements, record, index);
      outcomes.push(...scoresOf([outcome]));
      return outcome;
    },
    scorer: 'openai',
    options: recordedOptions(work),
    without: counts.without,
    rubric: { name, version, sha256: rubricHash, scale },
  });
  const problem = judgingProblem(out, manifest, { ledger: ledger.path, asked });
  return {
    scorer: 'openai',
    ...scoredFile(out, manifest, outcomes),
    ledger: ledger.path,
    judge,
    counts,
    asked: asked?.totals,
    ...(problem && { problem }),
  };
}

/** What the manifest records: all that the scores depend on. */
const recordedOptions = ({ address, judge }: JudgeWork) => {
  const { model, temperature, seed, repeats, expected, maxChars } = judge;
  const { baseUrl } = address;
  return { baseUrl, model, temperature, ...(seed !== undefined && { seed }), repeats, expected, maxChars };
};

async function* askOpen(
  { options, hooks, address, price, rows }: JudgeWork,
  judgements: Judgements,
  ledger: Ledger<AnswerLine>,
  total: number,
): AsyncGenerator<ScoreEvent, JudgeResult> {
  const { logger = silentLogger, signal } = hooks;
  const costBefore = ledger.cost;
  const client = createChatClient(address, { timeoutMs: options.timeoutSeconds * 1000, logger });
  try {
    yield { type: 'start', scorer: 'openai', total };
    const judging = judgeRows(judgements, rows, { client, ledger, options, price, ...(signal && { signal }) });
    for await (const event of judging.events) yield event.type === 'answer' ? { ...event, total } : event;
    return await judging.result;
  } catch (error) {
    logSpent(ledger, costBefore, logger);
    throw error;
  } finally {
    await client.close();
  }
}
