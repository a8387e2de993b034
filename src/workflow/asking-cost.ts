import { PhasetuneError, usageError } from '../core/errors.js';
import type { AskingEstimate } from '../endpoint/estimate.js';
import type { EndpointAddress, EndpointOptions } from '../endpoint/options.js';
import { costOf, type Price } from '../endpoint/prices.js';
import { formatDollars } from '../telemetry/format.js';
import type { AskHooks, CostQuestion } from './hooks.js';
import type { JudgingEstimate } from './score-types.js';

/** Adds to an estimate the likely cost, where replies have so many tokens, and how long it takes at least. */
export function estimateJudging(
  estimate: AskingEstimate,
  likelyReplyTokens: number,
  price: Price | undefined,
  { requestsPerMinute, tokensPerMinute }: Pick<EndpointOptions, 'requestsPerMinute' | 'tokensPerMinute'>,
): JudgingEstimate {
  const { requests, promptTokens } = estimate;
  const replyTokens = requests * likelyReplyTokens;
  const minutes = Math.max(
    requests / (requestsPerMinute ?? Number.POSITIVE_INFINITY),
    (promptTokens + replyTokens) / (tokensPerMinute ?? Number.POSITIVE_INFINITY),
  );
  return {
    ...estimate,
    likelyCost: price && costOf(price, { promptTokens, replyTokens }),
    atLeastSeconds: minutes * 60,
  };
}

/** A usage error where a limit of cost is set and the price of tokens is not known. */
export function checkMaxCost(
  { maxCost, prices }: Pick<EndpointOptions, 'maxCost' | 'prices'>,
  price: Price | undefined,
  { baseUrl, model }: EndpointAddress,
): void {
  if (maxCost === undefined || price) return;
  const unknown = `there is no price of ${model} at ${new URL(baseUrl).host}`;
  throw usageError(
    `\`maxCost\` needs the price of tokens, and ${unknown}${prices === undefined ? '' : `, also not in ${prices}`}`,
    {
      option: 'maxCost',
      remedies: [
        prices === undefined
          ? { option: 'prices', change: 'set', note: 'to a file that has one' }
          : { advice: 'add one there' },
      ],
    },
  );
}

/**
 * Has the user agree to the cost. There is nothing to agree to where it is free or counted as free,
 * `yes` is set, or `maxCost` covers it. Without a `confirm` hook a usage error says how to agree. A
 * refusal is an error of code `failed`.
 */
export async function agreeToCost(
  { requests, cost, likelyCost }: JudgingEstimate,
  { yes, maxCost }: { readonly yes: boolean; readonly maxCost?: number | undefined },
  { local }: Pick<EndpointAddress, 'local'>,
  { confirm }: Pick<AskHooks, 'confirm'>,
): Promise<void> {
  if (requests === 0 || cost === 0 || yes || (local && cost === undefined)) return;
  if (likelyCost !== undefined && maxCost !== undefined && likelyCost <= maxCost) return;
  if (!confirm)
    throw usageError(`this may cost ${describeCost({ likelyCost, maxCost })}; no request was sent yet`, {
      option: 'yes',
      remedies: [
        { option: 'yes', change: 'set', note: 'to agree' },
        { option: 'maxCost', change: maxCost === undefined ? 'set' : 'raise', note: 'to limit it' },
      ],
      ...(likelyCost !== undefined && { cost: likelyCost }),
    });
  if (!(await confirm({ likelyCost, maxCost })))
    throw new PhasetuneError('failed', 'stopped before any request was sent');
}

/** A cost in words: `about $0.19, of which `maxCost` allows $0.05`. */
export function describeCost({ likelyCost, maxCost }: CostQuestion): string {
  const price = likelyCost === undefined ? 'money, and the price is not known' : `about ${formatDollars(likelyCost)}`;
  return maxCost === undefined ? price : `${price}, of which \`maxCost\` allows ${formatDollars(maxCost)}`;
}
