import type { RequestOutcome } from '../answers/request-outcome.js';
import { USUAL_REPLY_TOKENS } from '../estimate.js';
import { costOf, type Price } from '../prices.js';
import { promptTokensOf } from '../request-tokens.js';
import type { ChatRequest, Usage } from '../types.js';

/** What one request cost. */
export interface Bill {
  /** Tokens that the endpoint counted; undefined where it did not. */
  readonly usage: Usage | undefined;
  /** US dollars; at their most where the endpoint did not count. 0 where the price is not known. */
  readonly cost: number;
}

/** The most that a request may cost, set aside while it is in flight. */
export interface Reservation {
  /**
   * Ends it with what came of the request; undefined for one that was given up, which the endpoint may charge for as well. Later calls change
   * nothing.
   */
  settle(attempt: RequestOutcome | undefined): Bill;
  /** Ends it for a request that was never sent. */
  cancel(): void;
}

/** Counts what requests take, and keeps them within what may be spent. */
export interface Account {
  known: number;
  answered: number;
  failed: number;
  requests: number;
  retries: number;
  /** Times that everyone waited because the endpoint asked for it. */
  waits: number;
  readonly promptTokens: number;
  readonly replyTokens: number;
  /** US dollars spent in this run; undefined where the price is not known. */
  readonly cost: number | undefined;
  /** Requests for which money is set aside. */
  readonly reservations: number;
  /** Tokens that a request may take at most, as far as it can be known from those before. */
  tokensOf(request: ChatRequest): number;
  /** Whether a request may be sent beside those in flight without the limit being exceeded. */
  fits(request: ChatRequest): boolean;
  /** Sets aside what a request may cost. */
  reserve(request: ChatRequest): Reservation;
}

export interface AccountSettings {
  /** What tokens cost; undefined where it is not known. */
  readonly price?: Price | undefined;
  /** Most US dollars to spend, with those spent before; undefined is no limit. */
  readonly maxCost?: number | undefined;
  /** US dollars that earlier runs spent. */
  readonly spentBefore?: number;
}

/** The bill of what costs nothing. */
export const NO_BILL: Bill = { usage: undefined, cost: 0 };

/** An account of one run; what earlier runs spent counts towards `maxCost`. */
export function createAccount({ price, maxCost, spentBefore = 0 }: AccountSettings): Account {
  const meter = createMeter(price);
  let [reserved, reservations, spent] = [0, 0, 0];
  return {
    known: 0,
    answered: 0,
    failed: 0,
    requests: 0,
    retries: 0,
    waits: 0,
    get promptTokens() {
      return meter.total().promptTokens;
    },
    get replyTokens() {
      return meter.total().replyTokens;
    },
    get cost() {
      return price && spent;
    },
    get reservations() {
      return reservations;
    },
    tokensOf(request) {
      const { promptTokens, replyTokens } = meter.most(request);
      return promptTokens + replyTokens;
    },
    fits: (request) => maxCost === undefined || spentBefore + spent + reserved + meter.mostCost(request) <= maxCost,
    reserve(request) {
      const cost = meter.mostCost(request);
      let open = true;
      const end = () => {
        if (!open) return false;
        open = false;
        // Nothing is left of many sums where nothing is set aside.
        reserved = --reservations === 0 ? 0 : reserved - cost;
        return true;
      };
      reserved += cost;
      reservations++;
      return {
        settle(attempt) {
          if (!end()) return NO_BILL;
          const bill = meter.billOf(request, attempt);
          spent += bill.cost;
          return bill;
        },
        cancel: () => void end(),
      };
    },
  };
}

/** Counts tokens; those counted so far decide how many a further request may take at most. */
function createMeter(price: Price | undefined) {
  // How many times more tokens a prompt has than was estimated, at the worst, and the longest reply.
  let [worst, longest] = [1, 0];
  let [promptTokens, replyTokens] = [0, 0];
  const inDollars = (usage: Usage) => (price ? costOf(price, usage) : 0);
  const most = (request: ChatRequest): Usage => ({
    promptTokens: Math.ceil(promptTokensOf(request) * worst),
    replyTokens: Math.max(longest, request.maxTokens ?? USUAL_REPLY_TOKENS),
  });
  const add = (usage: Usage) => {
    promptTokens += usage.promptTokens;
    replyTokens += usage.replyTokens;
    return inDollars(usage);
  };
  return {
    most,
    mostCost: (request: ChatRequest) => (price ? inDollars(most(request)) : 0),
    total: (): Usage => ({ promptTokens, replyTokens }),
    /** What a request took, with what was sent besides; at its most where the endpoint may have worked on it and counted nothing. */
    billOf(request: ChatRequest, attempt: RequestOutcome | undefined): Bill {
      const besides = attempt?.besides?.usage ? add(attempt.besides.usage) : 0;
      const usage = attempt && ('reply' in attempt ? attempt.reply.usage : attempt.usage);
      if (!usage || !(usage.promptTokens >= 0 && usage.replyTokens >= 0)) {
        const charged = attempt === undefined || 'reply' in attempt || attempt.worked;
        return { usage: undefined, cost: besides + (charged && price ? inDollars(most(request)) : 0) };
      }
      worst = Math.max(worst, usage.promptTokens / promptTokensOf(request));
      longest = Math.max(longest, usage.replyTokens);
      return { usage, cost: besides + add(usage) };
    },
  };
}
