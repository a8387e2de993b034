import { LONGEST_WAIT_MS } from '../answers/limits.js';
import type { FailedRequest } from '../answers/request-outcome.js';
import type { Failure, Question, SettledQuestion } from '../types.js';
import { type Bill, NO_BILL } from './account.js';
import { type AskState, endWithError, totalsOf } from './ask-state.js';
import { backoffMs } from './pace.js';
import {
  fatalError,
  hopelessError,
  limitedError,
  loadingError,
  silentError,
  spentError,
  tooLongError,
} from './stop.js';
import { isLoading, type Turn, takeTurn } from './turn.js';

/** Questions in a row that fail after all tries until the endpoint counts as out of order. */
const HOPELESS = 20;
/** For how long an endpoint may refuse everything for its limits: one of an hour is over by then. */
const LIMITED_MS = 65 * 60_000;
/** For how long a server may load. */
const LOADING_MS = 10 * 60_000;
/** Refusals of one question for a limit, each while no other request was in flight, until its own size is taken for the reason. */
const REFUSED_ALONE = 10;

/** What came of a question, and what it took since its last line in the ledger. */
export interface QuestionResult {
  /** Undefined when it is given up because the run ends. */
  readonly answer: SettledQuestion | undefined;
  readonly bill: Bill;
}

/** Writes down a request that took money and is sent again. */
export type NoteFailure = (failure: Failure, tries: number, bill: Bill) => Promise<void>;

/** Asks one question until there is an answer or no use in asking on. Never throws: what ends the run is kept in it. */
export async function settleQuestion(run: AskState, question: Question, note: NoteFailure): Promise<QuestionResult> {
  const asked: Asked = { item: question.item, tries: 1, tried: 1, alone: 0, firstRefusal: undefined, ...NO_BILL };
  let answer: SettledQuestion | undefined;
  try {
    answer = await settle(run, question, asked, note);
  } catch (error) {
    endWithError(run, error);
  }
  return { answer, bill: take(asked) };
}

/** How often one question was asked, and what it took. */
interface Asked {
  readonly item: string;
  /** Requests that were sent for it. */
  tries: number;
  /** Those that count as tries. */
  tried: number;
  /** Refusals for a limit while nothing else was in flight. */
  alone: number;
  /** When the first such refusal came, and how many questions were answered by then. */
  firstRefusal: { readonly answered: number; readonly at: number } | undefined;
  usage: Bill['usage'];
  cost: number;
}

/** What it took since this was last asked for. */
function take(asked: Asked): Bill {
  const { usage, cost } = asked;
  Object.assign(asked, NO_BILL);
  return { usage, cost };
}

async function settle(
  run: AskState,
  question: Question,
  asked: Asked,
  note: NoteFailure,
): Promise<SettledQuestion | undefined> {
  const { key, item } = question;
  const events = {
    again: (waitedMs: number) => mayAskBeside(run, asked, waitedMs),
    bill: ({ cost, usage }: Bill) => {
      asked.cost += cost;
      asked.usage = usage ?? asked.usage;
    },
  };
  for (;;) {
    const turn = await takeTurn(run, question, events);
    if (!turn) return undefined;
    const { attempt } = turn;
    if ('reply' in attempt) {
      run.failuresInRow = 0;
      return { key, item, tries: asked.tries, reply: attempt.reply };
    }
    // What is the row's own fault is known once and for all, and need not be paid for again.
    if (run.halt.signal.aborted && attempt.next !== 'skip') return undefined;
    const failure = reasonToEnd(run, asked, turn, attempt);
    if (failure) return { key, item, tries: asked.tries, failure };
    if (asked.cost > 0) await note(attempt.failure, asked.tries, take(asked));
    await wait(run, asked, turn, attempt);
  }
}

/** Whether a question whose reply is late may be asked a second time; counts and reports it. */
function mayAskBeside(run: AskState, asked: Asked, waitedMs: number): boolean {
  const { account, settings } = run;
  const spent = asked.tried >= settings.options.tries || account.retries >= allowedRetries(run);
  if (run.halt.signal.aborted || spent) return false;
  asked.tries++;
  asked.tried++;
  account.retries++;
  const message = `no reply in ${(waitedMs / 1000).toFixed(1)} s, far longer than any before`;
  const failure: Failure = { kind: 'timeout', message };
  run.events.push({ type: 'retry', item: asked.item, failure, waitMs: 0, totals: totalsOf(run) });
  run.bell.ring();
  return true;
}

/** Why a question is asked no more; undefined where it is asked again. Throws where nothing more can come of the whole run. */
function reasonToEnd(run: AskState, asked: Asked, turn: Turn, miss: FailedRequest): Failure | undefined {
  const { options, client } = run.settings;
  const { failure, next } = miss;
  if (next === 'stop') throw fatalError(client.address, miss);
  if (next === 'skip') return failure;
  if (next === 'wait') return tooLarge(run, asked, turn, miss);
  if (isLoading(run, miss)) return undefined;
  checkSilence(run, failure);
  if (next === 'retry' && asked.tried < options.tries) return undefined;
  countFailure(run, failure);
  return failure;
}

/** Limits that refuse one question again and again, and others not, refuse it for its size. */
function tooLarge(run: AskState, asked: Asked, { pass }: Turn, { failure }: FailedRequest): Failure | undefined {
  const { account, clock } = run;
  asked.firstRefusal ??= { answered: account.answered, at: clock.now() };
  if (pass.alone) asked.alone++;
  const others = account.answered > asked.firstRefusal.answered && asked.alone >= REFUSED_ALONE;
  const last = run.fed && run.open === 1 && clock.now() - asked.firstRefusal.at > LONGEST_WAIT_MS;
  if (!others && !last) return undefined;
  const why = others
    ? 'while others were answered; it may be more than the account allows at once'
    : 'with no other request in flight';
  return { ...failure, message: `${failure.message}; refused ${asked.tries} times ${why}` };
}

/** Waits before a question is asked again. A limit, and a server that loads, count as no try and use nothing of the budget of retries. */
async function wait(run: AskState, asked: Asked, { wait: hold }: Turn, miss: FailedRequest): Promise<void> {
  const { account, clock, random, settings } = run;
  const { options, client } = settings;
  const { failure, next, afterMs } = miss;
  const loading = isLoading(run, miss);
  const counts = next === 'retry' && !loading;
  if (counts && account.retries >= allowedRetries(run)) throw spentError(client.address, account.retries, failure);
  if (afterMs !== undefined && afterMs > LONGEST_WAIT_MS) throw tooLongError(client.address, miss);
  const sinceMs = hold?.sinceMs ?? 0;
  if (next === 'wait' && sinceMs > LIMITED_MS) throw limitedError(client.address, sinceMs, failure);
  if (loading && sinceMs > LOADING_MS) throw loadingError(client.address, sinceMs, failure);
  asked.tries++;
  if (counts) {
    asked.tried++;
    account.retries++;
  }
  if (hold?.first) account.waits++;
  const waitMs = hold?.waitMs ?? backoffMs(asked.tried - 2, options.retryWait * 1000, random);
  const type = counts ? 'retry' : 'wait';
  if (counts || hold?.first) run.events.push({ type, item: asked.item, failure, waitMs, totals: totalsOf(run) });
  run.bell.ring();
  if (!hold) await clock.sleep(waitMs, run.halt.signal);
}

function allowedRetries({ settings, begun }: AskState): number {
  const { retryBudget } = settings.options;
  if (retryBudget === undefined) return Math.max(100, begun);
  return retryBudget < 1 ? Math.max(20, retryBudget * begun) : retryBudget;
}

/** A server that takes connections and answers none of the first round, each at least once, answers nothing. */
function checkSilence(run: AskState, failure: Failure): void {
  const { settings } = run;
  if (run.heard || failure.kind !== 'timeout') return;
  const round = Math.max(2, Math.min(settings.options.concurrency, run.begun));
  if (++run.silent >= round) throw silentError(settings.client.address, run.silent, failure);
}

/** Many questions in a row that fail for no reason of their own, or one where nothing was ever answered, end the run. */
function countFailure(run: AskState, failure: Failure): void {
  const { settings } = run;
  const unheard = failure.kind === 'network' && !run.heard;
  if (++run.failuresInRow < (unheard ? 1 : HOPELESS)) return;
  endWithError(run, hopelessError(settings.client.address, run.failuresInRow, failure));
}
