import type { Random } from '../core/random.js';
import type { Account } from './account.js';
import type { Bell } from './bell.js';
import type { Attempt, Miss } from './failure.js';
import type { AskEvent, AskSettings, AskTotals } from './outcome.js';
import { backoffMs, type Clock, type Pace } from './pace.js';
import { fatalError, hopelessError, spentError, tooLongError } from './stop.js';
import type { Answer, Failure, Question } from './types.js';

/** All that changes while questions are asked. */
export interface Run {
  readonly settings: AskSettings;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly random: Random;
  readonly account: Account;
  /** Wakes whoever waits for one of the numbers below. */
  readonly bell: Bell;
  /** Aborted: nothing more is sent. */
  readonly halt: AbortController;
  /** Aborted: what was sent is given up. */
  readonly giveUp: AbortController;
  /** Keys that were taken up and are not answered. */
  readonly busy: Set<string>;
  readonly events: AskEvent[];
  /** Questions that are being asked. */
  open: number;
  /** Outcomes that are on their way to the ledger. */
  unwritten: number;
  begun: number;
  /** All questions were taken up. */
  fed: boolean;
  /** Requests that are in flight, or wait for their turn. */
  sending: number;
  /** Requests that may be in flight now: fewer than allowed after the endpoint said that it were too many. */
  width: number;
  narrowedAt: number;
  repliesSince: number;
  failuresInRow: number;
  stopped?: 'max-cost' | 'interrupted';
  error?: unknown;
}

/** Questions in a row that fail after all tries until the endpoint counts as out of order. */
const HOPELESS = 20;
/** A wait that an endpoint asks for, in milliseconds, that is too long to sit through. */
const TOO_LONG_MS = 15 * 60_000;

/** Ends everything, for the first reason that is given. */
export function fail(run: Run, error: unknown): void {
  run.error ??= error;
  run.halt.abort();
  run.giveUp.abort();
  run.bell.ring();
}

/** How far a run is, now. */
export function totalsOf({ account }: Run): AskTotals {
  const { known, answered, failed, requests, retries, promptTokens, replyTokens, cost } = account;
  return { known, answered, failed, requests, retries, promptTokens, replyTokens, cost };
}

/** Asks one question until there is an answer or no use in asking on; undefined when it is given up because the run ends. */
export async function answerOf(run: Run, question: Question): Promise<Answer | undefined> {
  const { options } = run.settings;
  const { key, item } = question;
  // What is refused for being too much at once was not tried.
  for (let [tries, tried] = [1, 1]; ; tries++) {
    const attempt = await once(run, question);
    if (!attempt) return undefined;
    if ('reply' in attempt) {
      widen(run);
      return { key, item, tries, reply: attempt.reply };
    }
    const { failure, next } = attempt;
    const limited = next === 'wait';
    if (run.halt.signal.aborted) return undefined;
    if (next === 'stop') throw fatalError(run.settings.client.address, attempt);
    if ((next !== 'retry' && !limited) || (!limited && tried >= options.tries)) {
      countFailure(run, failure);
      return { key, item, tries, failure };
    }
    if (!limited) tried++;
    await wait(run, question, attempt, tries - 1);
  }
}

/** One request, when there is room for it. */
async function once(run: Run, question: Question): Promise<Attempt | undefined> {
  const { bell, halt } = run;
  await bell.until(() => halt.signal.aborted || run.sending < run.width);
  run.sending++;
  try {
    return await send(run, question);
  } finally {
    run.sending--;
    bell.ring();
  }
}

async function send(run: Run, { request }: Question): Promise<Attempt | undefined> {
  const { pace, account, halt, giveUp, clock, settings } = run;
  const tokens = account.tokensOf(request);
  await pace.turn(tokens, halt.signal);
  if (halt.signal.aborted) return undefined;
  account.requests++;
  const sentAt = clock.now();
  const attempt = await settings.client.send(request, giveUp.signal).catch((error: unknown) => {
    if (giveUp.signal.aborted) return undefined;
    throw error;
  });
  if (!attempt) return undefined;
  account.note(request, attempt);
  if ('reply' in attempt) {
    const { usage } = attempt.reply;
    if (usage) pace.settle(tokens, usage.promptTokens + usage.replyTokens);
  } else if (attempt.failure.kind === 'rate-limit' && sentAt >= run.narrowedAt) narrow(run);
  return attempt;
}

/** Waits before a retry. A rate limit, and a wait that the endpoint asks for, is everyone's. */
async function wait(run: Run, { item }: Question, { failure, afterMs }: Miss, retry: number): Promise<void> {
  const { settings, account, pace, clock, random, halt } = run;
  const { address } = settings.client;
  if (account.retries >= allowedRetries(run)) throw spentError(address, account.retries, failure);
  if (afterMs !== undefined && afterMs > TOO_LONG_MS) throw tooLongError(address, { failure, afterMs, next: 'stop' });
  account.retries++;
  const waitMs = afterMs ?? backoffMs(retry, settings.options.retryWait * 1000, random);
  run.events.push({ kind: 'retry', item, failure, waitMs, totals: totalsOf(run) });
  run.bell.ring();
  if (afterMs !== undefined || failure.kind === 'rate-limit') pace.hold(waitMs);
  else await clock.sleep(waitMs, halt.signal);
}

function allowedRetries({ settings, begun }: Run): number {
  const { retryBudget } = settings.options;
  if (retryBudget === undefined) return Math.max(100, begun);
  return retryBudget < 1 ? Math.max(20, retryBudget * begun) : retryBudget;
}

/** Halves what may be open at the same time. */
function narrow(run: Run): void {
  run.width = Math.max(1, Math.floor(run.width / 2));
  run.narrowedAt = run.clock.now();
  run.repliesSince = 0;
}

/** One more may be open after as many replies as may be open now. */
function widen(run: Run): void {
  run.failuresInRow = 0;
  if (run.width >= run.settings.options.concurrency || ++run.repliesSince < run.width) return;
  run.width++;
  run.repliesSince = 0;
}

/** What a filter stops says nothing of the endpoint's health. */
function countFailure(run: Run, failure: Failure): void {
  const { account, settings } = run;
  if (failure.kind === 'content-filter') return;
  const unheard = failure.kind === 'network' && account.answered + run.unwritten === 0;
  if (++run.failuresInRow < (unheard ? 1 : HOPELESS)) return;
  fail(run, hopelessError(settings.client.address, run.failuresInRow, failure));
}
