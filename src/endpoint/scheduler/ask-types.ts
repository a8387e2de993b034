import type { Random } from '../../core/random.js';
import type { ChatClient } from '../client.js';
import type { Ledger, LedgerLine } from '../ledger.js';
import type { EndpointOptions } from '../options.js';
import type { Price } from '../prices.js';
import type { ChatReply, Failure, SettledQuestion, Usage } from '../types.js';
import type { Clock } from './pace.js';

/** A line of the ledger of an endpoint: the reply as it came, or why there is none. */
export interface AnswerLine extends LedgerLine {
  /** When it was written, ISO 8601. */
  readonly at: string;
  /** Who asked, where several share a ledger. */
  readonly by?: string;
  readonly tries: number;
  readonly reply?: ChatReply;
  readonly failure?: Failure;
  /** US dollars that the requests of this line took, as far as it was known when it was written. */
  readonly cost?: number;
  /** Tokens that the endpoint counted for a request without a reply that can be used. */
  readonly usage?: Usage;
}

/** The totals of a run of `askQuestions` so far. */
export interface AskTotals {
  /** Questions that the ledger had an answer to before, and those whose key came twice. */
  readonly known: number;
  readonly answered: number;
  /** Questions without an answer after all tries. */
  readonly failed: number;
  readonly requests: number;
  /** Requests that were sent again after something went wrong, waits that the endpoint asked for not counted. */
  readonly retries: number;
  /** Times that everyone waited because the endpoint asked for it. */
  readonly waits: number;
  /** Tokens that the endpoint counted, in this run. */
  readonly promptTokens: number;
  readonly replyTokens: number;
  /**
   * Money spent in this run, in US dollars; undefined where the price is not known. Every reply
   * counts, whether it can be used or not, and what was given up; where the endpoint counted no
   * tokens, as many as the request allowed.
   */
  readonly cost: number | undefined;
  /** US dollars that earlier runs with this ledger spent, as far as it is known. */
  readonly costBefore: number;
}

/**
 * What `askQuestions` reports: an outcome, which is in the ledger by then; that a question is
 * asked again after a wait; or that everyone waits, since the endpoint asks for it.
 */
export type AskEvent =
  | { readonly type: 'answer'; readonly answer: SettledQuestion; readonly totals: AskTotals }
  | ({ readonly type: 'retry' } & Delay)
  | ({ readonly type: 'wait' } & Delay);

/** Why a question is asked again, and after how long. */
export interface Delay {
  readonly item: string;
  readonly failure: Failure;
  readonly waitMs: number;
  readonly totals: AskTotals;
}

/** How `askQuestions` ended. */
export interface AskResult {
  readonly totals: AskTotals;
  /**
   * Set where questions are left unasked: the next one might have cost more than was allowed, or it
   * was interrupted.
   */
  readonly stopped?: 'max-cost' | 'interrupted';
}

/** What `askQuestions` needs besides questions. */
export interface AskSettings {
  readonly client: ChatClient;
  readonly ledger: Ledger<AnswerLine>;
  readonly options: Pick<
    EndpointOptions,
    'concurrency' | 'requestsPerMinute' | 'tokensPerMinute' | 'tries' | 'retryWait' | 'retryBudget' | 'maxCost'
  >;
  /** Who asks; is written into each line. */
  readonly by?: string;
  /** What the model's tokens cost; `maxCost` needs it. `maxCost` holds for all runs with the ledger together. */
  readonly price?: Price | undefined;
  /** When aborted, no more is asked, and replies that come within `graceMs` [2000] are still taken. */
  readonly signal?: AbortSignal;
  readonly graceMs?: number;
  /** Draws the waits before retries. */
  readonly random?: Random;
  readonly clock?: Clock;
}
