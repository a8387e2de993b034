import { PhasetuneError, usageError } from '../../core/errors.js';
import { importRows } from '../../data/import.js';
import { createChatClient } from '../../endpoint/client.js';
import { estimateAsking } from '../../endpoint/estimate.js';
import { openLedger } from '../../endpoint/ledger.js';
import { type EndpointAddress, resolveEndpoint } from '../../endpoint/options.js';
import { costOf, type Price, priceOf } from '../../endpoint/prices.js';
import type { AnswerLine, AskResult, AskTotals } from '../../endpoint/scheduler/ask-types.js';
import { exists, hashFile, remove, statPath } from '../../io/files.js';
import { type Judge, resolveJudge } from '../../scoring/judge.js';
import { type JudgeEvent, judgeRows } from '../../scoring/judge-rows.js';
import { createJudging, type Judging, type Replies } from '../../scoring/judgements.js';
import { promptFor } from '../../scoring/prompt.js';
import { loadRubric } from '../../scoring/rubric.js';
import { type ScoresManifest, scoredPaths, writeScored } from '../../scoring/scored.js';
import { formatCount, formatCounted, formatDuration } from '../../telemetry/format.js';
import { silentLogger } from '../../telemetry/logger.js';
import { collectSooner } from '../../telemetry/memory.js';
import type { CommandContext } from '../command.js';
import { agree, checkMaxCost, dollars, estimateLines, judgeEstimate } from './estimate.js';
import type { ScoreOptions } from './options.js';
import { leftOut, nextStep, scoresJson, tellScores } from './summary.js';

/** All that judging a file works with. */
interface Work {
  readonly options: ScoreOptions;
  readonly context: CommandContext;
  readonly address: EndpointAddress;
  readonly price: Price | undefined;
  readonly judge: Judge;
  readonly judging: Judging;
}

/** Scores rows by an LLM at an endpoint. */
export async function scoreByJudge(options: ScoreOptions, context: CommandContext): Promise<Record<string, unknown>> {
  if (options.reparse && options.dryRun)
    throw usageError('--reparse asks nothing, so there is no dry run of it; leave out one of them', {
      option: 'reparse',
    });
  collectSooner();
  const rubric = await loadRubric(options.rubric);
  const asks = !options.reparse && !options.dryRun;
  // Without asking no key is needed.
  const environment = asks ? process.env : { ...process.env, [options.apiKeyEnv]: 'none' };
  const address = resolveEndpoint(options, environment);
  const price = await priceOf(address, options.prices);
  if (!options.reparse) checkMaxCost(options.maxCost, price, address, options.prices);
  const judge = resolveJudge(options, rubric, address.model);
  const path = scoredPaths(options.out).ledger;
  if (options.reparse && !exists(path))
    throw usageError(`--reparse: there is no ledger of replies at ${path} to parse; score the rows first`, {
      file: path,
    });
  const work = (ledger: Replies): Work => {
    return { options, context, address, price, judge, judging: createJudging(judge, ledger) };
  };
  if (options.dryRun && !exists(path)) return dryRun(work({ get: () => undefined, failure: () => undefined }));
  const isNew = !exists(path);
  const ledger = await openLedger<AnswerLine>(path, `phasetune score --out ${options.out}`, ({ reply }) =>
    price && reply?.usage ? costOf(price, reply.usage) : 0,
  );
  const { bytes } = await statPath(path);
  try {
    if (ledger.dropped > 0) context.logger.warn(`${path}: its last line was half written and is dropped`);
    if (ledger.passedOver > 0)
      context.logger.warn(`${path}: ${ledger.passedOver} lines in it cannot be read and are passed over`);
    if (options.dryRun) return await dryRun(work(ledger));
    return await scoreFile(work(ledger), ledger);
  } finally {
    // Where nothing was asked nothing is left behind.
    if (isNew && (await statPath(path)).bytes === bytes) await remove(path);
    await ledger.close();
  }
}

/** The rows of the file, from the beginning; what there is to say about them is said once. */
const rowsOf = ({ options, context }: Work, first = false) =>
  importRows(options.file, options, first ? context.logger : silentLogger).rows;

/** The rows as often as they are read; what there is to say about them is said in the first reading. */
const readings = (work: Work) => {
  let first = true;
  return () => {
    const rows = rowsOf(work, first);
    first = false;
    return rows;
  };
};

async function tellEstimate(work: Work) {
  const { judging, judge, price, address, options, context } = work;
  const estimate = judgeEstimate(
    await estimateAsking(judging.questions(readings(work)), { price }),
    judge,
    price,
    options,
  );
  const { rows, repeated, cut } = judging.counts();
  const questions = (rows - repeated) * judge.repeats;
  const same = repeated > 0 ? `, ${formatCount(repeated)} of them like another one` : '';
  const times = judge.repeats > 1 ? `, each judged ${judge.repeats} times` : '';
  context.logger.info(
    `${formatCounted(rows, 'row')}${same}${times}; rubric ${judge.rubric.name}, version ${judge.rubric.version}`,
  );
  if (estimate.requests < questions)
    context.logger.info(
      `${formatCount(questions - estimate.requests)} of ${formatCount(questions)} replies are already in the ledger`,
    );
  for (const line of estimateLines(estimate, address, price)) context.logger.info(line);
  if (cut > 0)
    context.logger.warn(
      `${formatCount(cut)} rows are longer than ${formatCount(judge.maxChars)} characters; the judge sees them cut (--max-chars)`,
    );
  return estimate;
}

async function dryRun(work: Work): Promise<Record<string, unknown>> {
  const { judge, judging, context } = work;
  const estimate = await tellEstimate(work);
  for await (const record of rowsOf(work)) {
    const { messages } = promptFor(judge.rubric, judge)(record);
    context.print(`row ${record.id} is put before the judge like this:`);
    for (const { role, content } of messages) {
      for (const line of ['', `--- ${role}`]) context.print(line);
      context.printText(content);
    }
    break;
  }
  return { dryRun: true, ...judging.counts(), ...estimate };
}

async function scoreFile(work: Work, ledger: Awaited<ReturnType<typeof openLedger<AnswerLine>>>) {
  const { options, context, address, judge, judging } = work;
  const { file, out, reparse } = options;
  const sha256 = await hashFile(file);
  let totals: AskTotals | undefined;
  let enough = true;
  if (reparse) for await (const _ of judging.questions(readings(work)));
  else {
    const estimate = await tellEstimate(work);
    await agree(estimate, options, address, context);
    const end = estimate.requests === 0 ? undefined : await askAll(work, ledger, estimate.requests);
    totals = end?.totals;
    if (totals && totals.requests > 0) tellSpent(totals, context);
    if (end?.stopped === 'interrupted') return tellInterrupted(work, ledger.path, totals!);
    enough = end?.stopped !== 'max-cost';
    if (!enough)
      context.logger.warn(
        `stopped before --max-cost ${dollars(options.maxCost!)} could be exceeded${totals!.costBefore > 0 ? `, of which earlier runs spent ${dollars(totals!.costBefore)}` : ''}: not all rows were asked about; a larger --max-cost asks about the rest`,
      );
  }
  const values: number[] = [];
  const manifest = await writeScored(out, {
    input: { path: file, sha256 },
    records: rowsOf(work),
    outcomeOf: (record, index) => {
      const outcome = judging.outcomeOf(record, index);
      if ('score' in outcome) values.push(outcome.score);
      return outcome;
    },
    scorer: 'openai',
    options: whatDecides(work),
    without: judging.counts().without,
    rubric: {
      name: judge.rubric.name,
      version: judge.rubric.version,
      sha256: judge.rubric.sha256,
      scale: judge.rubric.scale,
    },
  });
  return tellEnd(work, manifest, values, { path: ledger.path, asked: totals, enough });
}

/** What the scores depend on, and where they are from. */
const whatDecides = ({ address, judge }: Work) => {
  const { model, temperature, seed, repeats, expected, maxChars } = judge;
  return {
    baseUrl: address.baseUrl,
    model,
    temperature,
    ...(seed !== undefined && { seed }),
    repeats,
    expected,
    maxChars,
  };
};

async function askAll(
  work: Work,
  ledger: Awaited<ReturnType<typeof openLedger<AnswerLine>>>,
  total: number,
): Promise<AskResult> {
  const { options, context, address, price, judging } = work;
  const client = createChatClient(address, { timeoutMs: options.timeoutSeconds * 1000, logger: context.logger });
  const bar = context.progress({ label: 'judge', total, unit: 'questions' });
  const settings = { client, ledger, options, price, signal: context.signal };
  const events = judgeRows(judging, () => rowsOf(work), settings);
  const delayed = createDelayLines();
  const costBefore = ledger.cost;
  try {
    for (;;) {
      const { done, value } = await events.next();
      if (done) return value;
      const { totals } = value;
      if (value.kind === 'answer') bar.update(totals.answered + totals.failed, note(totals, value.unreadable));
      else for (const line of delayed(value)) context.logger.warn(line);
    }
  } catch (error) {
    const spent = ledger.cost - costBefore;
    if (spent > 0) context.logger.info(`this run spent ${dollars(spent)}`);
    throw error;
  } finally {
    await events.return(undefined as never);
    bar.finish();
    await client.close();
  }
}

/** A wait of that many milliseconds is reported each time: nothing else is seen meanwhile. */
const LONG_WAIT_MS = 20_000;

/** What is said of requests that are sent again: the first of each kind, and each long wait. */
function createDelayLines(): (event: Exclude<JudgeEvent, { kind: 'answer' }>) => string[] {
  const seen = new Set<string>();
  return ({ kind, failure, waitMs }) => {
    const known = seen.has(failure.kind);
    seen.add(failure.kind);
    const why = `${failure.kind}: ${failure.message}`;
    if (waitMs >= LONG_WAIT_MS) return [`${why}; all requests pause for ${formatDuration(waitMs / 1000)}`];
    if (known) return [];
    return [`${why}; ${kind === 'wait' ? 'waiting, then retrying' : 'retrying'} (reported once)`];
  };
}

const note = ({ cost, failed, retries, waits }: AskTotals, unreadable: number): string =>
  [
    cost ? dollars(cost) : '',
    failed > 0 ? `${formatCount(failed)} failed` : '',
    unreadable > 0 ? `${formatCount(unreadable)} unreadable` : '',
    retries > 0 ? `${formatCount(retries)} asked again` : '',
    waits > 0 ? formatCounted(waits, 'wait') : '',
  ]
    .filter(Boolean)
    .join(', ');

function tellSpent(
  { requests, retries, waits, promptTokens, replyTokens, cost, costBefore }: AskTotals,
  { logger }: CommandContext,
): void {
  const again = retries > 0 ? `, ${formatCount(retries)} of them again` : '';
  const tokens = `${formatCount(promptTokens)} tokens in, ${formatCount(replyTokens)} out`;
  const waited = waits > 0 ? `, ${formatCounted(waits, 'wait')} for the endpoint` : '';
  const before = costBefore > 0 ? ` (${dollars(costBefore + (cost ?? 0))} with earlier runs)` : '';
  logger.info(
    `${formatCounted(requests, 'request')}${again}${waited}, ${tokens}${cost ? `, ${dollars(cost)}${before}` : ''}`,
  );
}

function tellInterrupted({ options, context }: Work, path: string, totals: AskTotals) {
  context.logger.warn(
    `interrupted: ${formatCount(totals.answered)} replies of this run are in ${path}; the same command continues from there`,
  );
  return { interrupted: true, out: options.out, ledger: path, asked: totals };
}

/** How asking ended. */
interface Asked {
  /** The ledger. */
  readonly path: string;
  readonly asked: AskTotals | undefined;
  /** False where `--max-cost` was too little. */
  readonly enough: boolean;
}

function tellEnd(work: Work, manifest: ScoresManifest, values: readonly number[], { path, asked, enough }: Asked) {
  const { options, context, judging, judge } = work;
  const { out } = options;
  const { partial, fromText, mass, ...counts } = judging.counts();
  const { logger, print } = context;
  const spent = { ledger: path, ...(asked && { requests: asked.requests, cost: asked.cost }) };
  tellScores(out, manifest, values, context);
  if (partial > 0)
    logger.warn(
      `${formatCount(partial)} rows were judged fewer than ${judge.repeats} times; the same command asks for the rest`,
    );
  if (fromText > 0)
    logger.warn(
      `${formatCount(fromText)} replies came without log-probabilities that could be used; there the score is the text's`,
    );
  if (mass !== undefined) print(`on average ${(mass * 100).toFixed(1)} % of the probability was on the scale`);
  print(`raw replies: ${path}`);
  if (manifest.counts.scored === 0) throw nothing(manifest, spent);
  if (manifest.counts.unscored > 0)
    throw leftOut(
      out,
      manifest,
      `the same command${enough ? '' : ' with a larger --max-cost'} asks for the missing ones again, and \`phasetune stage\` leaves those rows out with --unscored drop`,
      spent,
    );
  print(nextStep(out));
  return {
    ...scoresJson(out, manifest),
    ledger: path,
    partial,
    fromText,
    ...(mass !== undefined && { mass }),
    ...counts,
    ...(asked && { asked }),
  };
}

const nothing = ({ failures, counts }: ScoresManifest, details: PhasetuneError['fields']) =>
  new PhasetuneError(
    'endpoint',
    `none of ${formatCount(counts.rows)} rows has a score; the first: ${failures[0]!.kind}: ${failures[0]!.reason}`,
    { ...counts, ...details },
  );
