import type { Ledger } from './ledger.js';
import { costOf, type Price } from './prices.js';
import { promptTokensOf } from './request-tokens.js';
import type { AnswerLine } from './scheduler/ask-types.js';
import type { Question } from './types.js';

/** Tokens of a reply whose request sets no limit, where nothing better is known. */
export const USUAL_REPLY_TOKENS = 500;

/** What asking will take, if nothing goes wrong. */
export interface AskingEstimate {
  /** Questions that were answered before. */
  readonly known: number;
  readonly requests: number;
  readonly promptTokens: number;
  /** At most. */
  readonly replyTokens: number;
  /** US dollars, at most; undefined where the model's price is not known. */
  readonly cost: number | undefined;
}

/** Counts what is left to ask; reads all questions once. Equal keys count once, as they are asked. */
export async function estimateAsking(
  questions: Iterable<Question> | AsyncIterable<Question>,
  { ledger, price }: { readonly ledger?: Ledger<AnswerLine>; readonly price?: Price | undefined },
): Promise<AskingEstimate> {
  let [known, promptTokens, replyTokens] = [0, 0, 0];
  const left = new Set<string>();
  for await (const { key, request } of questions) {
    if (ledger?.has(key) || left.has(key)) {
      known++;
      continue;
    }
    left.add(key);
    promptTokens += promptTokensOf(request);
    replyTokens += request.maxTokens ?? USUAL_REPLY_TOKENS;
  }
  const cost = price && costOf(price, { promptTokens, replyTokens });
  return { known, requests: left.size, promptTokens, replyTokens, cost };
}
