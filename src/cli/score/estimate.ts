import { PhasetuneError, usageError } from '../../core/errors.js';
import type { AskingEstimate } from '../../endpoint/estimate.js';
import type { EndpointAddress, EndpointOptions } from '../../endpoint/options.js';
import { costOf, type Price } from '../../endpoint/prices.js';
import type { Judge } from '../../scoring/judge.js';
import { formatCounted, formatDuration, formatNumber } from '../../telemetry/format.js';
import type { CommandContext } from '../command.js';

/** What asking will take, as far as it is known. */
export interface JudgeEstimate extends AskingEstimate {
  /** US dollars where replies are as short as they are asked to be; undefined where the price is not known. */
  readonly likelyCost: number | undefined;
  /** Seconds that the limits of requests and tokens a minute stretch it to at least; 0 without limits. */
  readonly atLeastSeconds: number;
}

/** Tokens of a reply of the form that a rubric asks for. */
const SHORT_REPLY = { number: 3, json: 10, reasoned: 50 } as const;

/** Adds to an estimate what it likely costs, and how long it takes at least. */
export function judgeEstimate(
  estimate: AskingEstimate,
  judge: Judge,
  price: Price | undefined,
  { requestsPerMinute = Number.POSITIVE_INFINITY, tokensPerMinute = Number.POSITIVE_INFINITY }: EndpointOptions,
): JudgeEstimate {
  const { requests, promptTokens } = estimate;
  const replyTokens = requests * Math.min(judge.maxTokens, SHORT_REPLY[judge.rubric.reply]);
  const minutes = Math.max(requests / requestsPerMinute, (promptTokens + replyTokens) / tokensPerMinute);
  return {
    ...estimate,
    likelyCost: price && costOf(price, { promptTokens, replyTokens }),
    atLeastSeconds: minutes * 60,
  };
}

/** An amount of US dollars; small ones with the cents' parts that they have. */
export const dollars = (amount: number): string =>
  amount === 0 ? '$0' : amount < 0.005 ? `$${amount.toPrecision(1)}` : `$${amount.toFixed(2)}`;

/** An estimate in lines. */
export function estimateLines(
  { requests, promptTokens, cost, likelyCost, atLeastSeconds }: JudgeEstimate,
  address: EndpointAddress,
  price: Price | undefined,
): string[] {
  const { host } = new URL(address.baseUrl);
  const lines = [
    `${formatCounted(requests, 'request')} to ${address.model} at ${host}, about ${roughly(promptTokens)} tokens`,
  ];
  if (requests === 0) return [];
  if (address.local && cost === undefined)
    lines.push(
      `counted as free, since ${host} is on this machine or network; give --prices if it is a gateway that charges`,
    );
  else if (cost === undefined || likelyCost === undefined)
    lines.push(`what they cost is not known: no price of ${address.model} at ${host}; give one with --prices`);
  else if (cost > 0)
    lines.push(
      `about ${dollars(likelyCost)}; at most ${dollars(cost)}, should every reply be as long as --max-tokens allows and none be asked for again${price?.date ? ` (prices of ${price.date})` : ''}`,
    );
  else lines.push('they cost nothing, by --prices');
  if (atLeastSeconds > 0) lines.push(`at least ${formatDuration(atLeastSeconds)}, by the limits a minute`);
  return lines;
}

/** A number that is a guess: two or three of its digits. */
const roughly = (n: number) =>
  n < 1e6 ? formatNumber(Number(n.toPrecision(2))) : `${(n / 1e6).toPrecision(3)} million`;

/** A usage error where a limit of cost is set and nobody knows what tokens cost. */
export function checkMaxCost(
  maxCost: number | undefined,
  price: Price | undefined,
  { baseUrl, model }: EndpointAddress,
  file: string | undefined,
) {
  if (maxCost === undefined || price) return;
  throw usageError(
    `--max-cost needs to know what tokens cost, and there is no price of ${model} at ${new URL(baseUrl).host}${file === undefined ? '; give one with --prices' : `, also not in ${file}; add one there`}`,
    { option: 'maxCost' },
  );
}

/**
 * Has the user agree to what asking may cost: nothing to agree to where it is free or taken as free, `--yes` was given, or `--max-cost` covers
 * it. Asks on a terminal; elsewhere a usage error says how to agree. A refusal is an error of code `failed`.
 */
export async function agree(
  estimate: JudgeEstimate,
  { yes, maxCost }: { readonly yes: boolean; readonly maxCost?: number | undefined },
  { local }: Pick<EndpointAddress, 'local'>,
  { confirm }: Pick<CommandContext, 'confirm'>,
): Promise<void> {
  const { requests, cost, likelyCost } = estimate;
  if (requests === 0 || cost === 0 || yes || (local && cost === undefined)) return;
  const price = likelyCost === undefined ? 'money, nobody knows how much' : `about ${dollars(likelyCost)}`;
  const limit = maxCost === undefined ? '' : `, of which --max-cost allows ${dollars(maxCost)}`;
  if (likelyCost !== undefined && maxCost !== undefined && likelyCost <= maxCost) return;
  if (!confirm)
    throw usageError(
      `this may cost ${price}${limit}: agree with --yes, or set a limit with --max-cost; no request was sent yet`,
      { option: 'yes', ...(likelyCost !== undefined && { cost: likelyCost }) },
    );
  if (!(await confirm(`This may cost ${price}${limit}. Go on?`)))
    throw new PhasetuneError('failed', 'stopped before any request was sent');
}
