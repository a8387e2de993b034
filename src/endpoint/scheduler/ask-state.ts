import type { Random } from '../../core/random.js';
import type { Account } from './account.js';
import type { AskEvent, AskSettings, AskTotals } from './ask-types.js';
import type { Bell } from './bell.js';
import type { Gate } from './gate.js';
import type { Clock, Pace } from './pace.js';
import type { Patience } from './patience.js';

/** A request that is in flight, or waits for its turn. */
export interface Recallable {
  /** Gives it up unless it was sent. */
  recall(): void;
  /** Gives it up, wherever it is. */
  drop(): void;
}

/** The state of one run of {@link askQuestions}. */
export interface AskState {
  readonly settings: AskSettings;
  readonly pace: Pace;
  readonly gate: Gate;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly random: Random;
  readonly account: Account;
  /** US dollars that earlier runs spent. */
  readonly costBefore: number;
  /** Wakes whoever waits for one of the numbers below. */
  readonly bell: Bell;
  /** Aborted: nothing more is sent. */
  readonly halt: AbortController;
  /** Requests that are in flight, or wait for their turn. */
  readonly flights: Set<Recallable>;
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
  /** Questions in a row that failed after all tries. */
  failuresInRow: number;
  /** The endpoint said something, be it a refusal. */
  heard: boolean;
  /** Requests that got no answer in time while nothing was heard. */
  silent: number;
  stopped?: 'max-cost' | 'interrupted';
  error?: unknown;
}

/** Sends no further request; those in flight may still be answered. */
export function stopSending(run: AskState): void {
  run.halt.abort();
  for (const flight of run.flights) flight.recall();
  run.bell.ring();
}

/** Gives up the requests in flight. */
export function dropFlights(run: AskState): void {
  for (const flight of run.flights) flight.drop();
  run.bell.ring();
}

/** Ends the run with an error; the first one counts. */
export function endWithError(run: AskState, error: unknown): void {
  run.error ??= error;
  stopSending(run);
  dropFlights(run);
}

/** The totals of the run so far. */
export function totalsOf({ account, costBefore }: AskState): AskTotals {
  const { known, answered, failed, requests, retries, waits, promptTokens, replyTokens, cost } = account;
  return { known, answered, failed, requests, retries, waits, promptTokens, replyTokens, cost, costBefore };
}
