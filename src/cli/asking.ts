import type { EndpointAddress, EndpointOptions } from '../endpoint/options.js';
import type { Price } from '../endpoint/prices.js';
import type { AskEvent, AskResult, AskTotals } from '../endpoint/scheduler/ask-types.js';
import type { RequestMessage } from '../endpoint/types.js';
import { formatCount, formatCounted, formatDollars, formatDuration, formatNumber } from '../telemetry/format.js';
import type { JudgingEstimate } from '../workflow/score-types.js';
import type { CommandContext } from './command.js';

/** What asking an endpoint will take. */
interface AskingCosts {
  readonly estimate: JudgingEstimate;
  readonly address: Pick<EndpointAddress, 'baseUrl' | 'model' | 'local'>;
  readonly price: Price | undefined;
}

/** What asking takes and costs, for people; nothing where nothing is left to ask. */
export function estimateLines({ estimate, address, price }: AskingCosts): string[] {
  const { requests, promptTokens, atLeastSeconds } = estimate;
  if (requests === 0) return [];
  const { host } = new URL(address.baseUrl);
  return [
    `${formatCounted(requests, 'request')} to ${address.model} at ${host}, about ${roughly(promptTokens)} tokens`,
    costLine({ estimate, address, price }, host),
    ...(atLeastSeconds > 0 ? [`at least ${formatDuration(atLeastSeconds)}, because of the limits per minute`] : []),
  ];
}

function costLine({ estimate, address, price }: AskingCosts, host: string): string {
  const { cost, likelyCost } = estimate;
  if (address.local && cost === undefined)
    return `counted as free, since ${host} is on this machine or network; set \`prices\` if it is a gateway that charges`;
  if (cost === undefined || likelyCost === undefined)
    return `their cost is not known: there is no price of ${address.model} at ${host}; set \`prices\` to a file with one`;
  if (cost === 0) return 'they cost nothing, according to `prices`';
  const dated = price?.date ? ` (prices of ${price.date})` : '';
  return `about ${formatDollars(likelyCost)}; at most ${formatDollars(cost)}, if every reply is as long as \`maxTokens\` allows and none is asked for again${dated}`;
}

/** A number that is a guess: two or three of its digits. */
const roughly = (n: number) =>
  n < 1e6 ? formatNumber(Number(n.toPrecision(2))) : `${(n / 1e6).toPrecision(3)} million`;

/** A wait of that many milliseconds is reported each time: nothing else is seen meanwhile. */
const LONG_WAIT_MS = 20_000;

/** The lines about requests that are sent again: about the first of each kind, and about each long wait. */
export function createDelayLines(): (event: Extract<AskEvent, { type: 'retry' | 'wait' }>) => string[] {
  const seen = new Set<string>();
  return ({ type, failure, waitMs }) => {
    const known = seen.has(failure.kind);
    seen.add(failure.kind);
    const why = `${failure.kind}: ${failure.message}`;
    if (waitMs >= LONG_WAIT_MS) return [`${why}; all requests pause for ${formatDuration(waitMs / 1000)}`];
    if (known) return [];
    return [`${why}; ${type === 'wait' ? 'waiting, then retrying' : 'retrying'} (reported once)`];
  };
}

/** What there is to say about the requests so far, beside a bar. */
export const noteOf = ({ cost, failed, retries, waits }: AskTotals, unreadable: number): string =>
  [
    cost ? formatDollars(cost) : '',
    failed > 0 ? `${formatCount(failed)} failed` : '',
    unreadable > 0 ? `${formatCount(unreadable)} unreadable` : '',
    retries > 0 ? `${formatCount(retries)} asked again` : '',
    waits > 0 ? formatCounted(waits, 'wait') : '',
  ]
    .filter(Boolean)
    .join(', ');

/** What asking took, and why it stopped early. */
export function logAsked(
  { totals, stopped }: AskResult,
  { maxCost }: Pick<EndpointOptions, 'maxCost'>,
  { logger }: Pick<CommandContext, 'logger'>,
): void {
  const { requests, retries, waits, promptTokens, replyTokens, cost, costBefore } = totals;
  if (requests > 0) {
    const again = retries > 0 ? `, ${formatCount(retries)} of them again` : '';
    const tokens = `${formatCount(promptTokens)} tokens in, ${formatCount(replyTokens)} out`;
    const waited = waits > 0 ? `, ${formatCounted(waits, 'wait')} for the endpoint` : '';
    const before = costBefore > 0 ? ` (${formatDollars(costBefore + (cost ?? 0))} with earlier runs)` : '';
    const spent = cost ? `, ${formatDollars(cost)}${before}` : '';
    logger.info(`${formatCounted(requests, 'request')}${again}${waited}, ${tokens}${spent}`);
  }
  if (stopped !== 'max-cost' || maxCost === undefined) return;
  const earlier = costBefore > 0 ? `, of which earlier runs spent ${formatDollars(costBefore)}` : '';
  logger.warn(
    `stopped before \`maxCost\` of ${formatDollars(maxCost)} could be exceeded${earlier}: not everything was asked; a larger \`maxCost\` asks about the rest`,
  );
}

/** Prints a prompt, turn by turn. */
export function printPrompt(
  messages: readonly RequestMessage[],
  { print, printText }: Pick<CommandContext, 'print' | 'printText'>,
): void {
  for (const { role, content } of messages) {
    for (const line of ['', `--- ${role}`]) print(line);
    printText(content);
  }
}
