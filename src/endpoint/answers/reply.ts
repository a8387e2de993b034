import * as z from 'zod';
import type { ChatReply, Failure, TokenLogprob } from '../types.js';
import { bodiesIn } from './bodies.js';
import { errorIn, type JsonObject } from './error-body.js';
import { endingOf, isLimit } from './finish.js';
import { isError, strangerIn } from './layout.js';
import { readErrorReply } from './refusal.js';
import {
  type Completion,
  type CompletionChoice,
  completionSchema,
  hasThoughts,
  messageText,
  refusalOf,
} from './reply-schema.js';
import { type FailedRequest, type FollowUp, quote, type RequestOutcome } from './request-outcome.js';
import { type CountedUsage, usageOf } from './usage.js';

/**
 * What a body that came with a status of success says, whole or as a stream of events, whatever
 * type it claims to have.
 */
export function readReply(body: string, now: number = Date.now()): RequestOutcome {
  const text = body.replace(/^\uFEFF/, '');
  const { values, broken } = bodiesIn(text);
  const usage = values.map(usageIn).findLast((counted) => counted !== undefined);
  const attempt = readValues(text, values, broken, usage, now);
  return 'reply' in attempt || !usage ? attempt : { ...attempt, usage: plain(usage) };
}

const plain = ({ promptTokens, replyTokens }: CountedUsage) => ({ promptTokens, replyTokens });

function usageIn(value: unknown): CountedUsage | undefined {
  const { usage, x_groq: groq } = (value ?? {}) as { usage?: unknown; x_groq?: { usage?: unknown } | null };
  return usageOf(usage) ?? usageOf(groq?.usage);
}

function readValues(
  text: string,
  values: readonly unknown[],
  broken: boolean,
  usage: CountedUsage | undefined,
  now: number,
): RequestOutcome {
  const error = errorAmong(values);
  if (error) {
    const begun = values.some((value) => choicesOf(value).length > 0);
    return { ...readErrorReply(errorIn(JSON.stringify(error)), now), ...(begun && { worked: true }) };
  }
  const stranger = values.map(strangerIn).find(Boolean);
  if (stranger) return { failure: { kind: 'refused-request', message: stranger }, next: 'stop', worked: true };
  if (broken || typeof values[0] !== 'object' || values[0] === null) return noReply(whatIs(text), 'retry');
  const read = z.array(completionSchema).safeParse(values);
  if (!read.success) return noReply(`not in the form that the API defines: ${quote(text)}`, 'retry');
  return judge(read.data, usage);
}

/** Gateways report what went wrong at the server under a status of success, for the whole reply or for a choice. */
function errorAmong(values: readonly unknown[]): unknown {
  const whole = values.find((value) => isError(Array.isArray(value) ? value[0] : value));
  if (whole !== undefined) return whole;
  const choice = values.flatMap(choicesOf).find((choice) => isError({ error: choice?.error }));
  return choice && { error: choice.error };
}

function choicesOf(value: unknown): (JsonObject | null)[] {
  const { choices } = (value ?? {}) as { choices?: unknown };
  return Array.isArray(choices) ? (choices as (JsonObject | null)[]) : [];
}

function whatIs(text: string): string {
  if (text.trim() === '') return 'an empty body';
  const { message, html } = errorIn(text);
  return html ? `${quote(message)} instead of a reply` : `a body that is not whole JSON: ${quote(text)}`;
}

const noReply = (message: string, next: FollowUp, kind: Failure['kind'] = 'no-reply'): FailedRequest => ({
  failure: { kind, message },
  next,
  worked: true,
});

function judge(bodies: readonly Completion[], usage: CountedUsage | undefined): RequestOutcome {
  const choices = bodies.flatMap((body) => body.choices?.slice(0, 1) ?? []);
  const blocked = bodies.map(({ promptFeedback }) => promptFeedback?.blockReason).find(Boolean);
  if (blocked) return noReply(`stopped by a content filter (${quote(blocked)})`, 'skip', 'content-filter');
  if (choices.length === 0) return noReply('no choices in the reply', 'retry');
  const said = choices.map(({ message, delta }) => message ?? delta ?? {});
  const text = said.map(({ content }) => messageText(content)).join('');
  const finish = choices.findLast(({ finish_reason }) => finish_reason)?.finish_reason ?? '';
  const ending = endingOf(finish);
  if (ending === 'filtered') return noReply(`stopped by a content filter (${quote(finish)})`, 'skip', 'content-filter');
  const refusal = said.map(refusalOf).join('');
  if (refusal && !text.trim()) return noReply(`the model declines: ${quote(refusal)}`, 'skip', 'content-filter');
  const streamed = choices.every(({ message }) => message === undefined);
  if (streamed && !finish) return noReply('a stream that ends before the reply does', 'retry');
  if (ending === 'broken') return noReply(`the reply was ended by the server ("${quote(finish)}")`, 'retry', 'server');
  if (!text.trim()) return nothingSaid(finish, (usage?.thoughtTokens ?? 0) > 0 || said.some(hasThoughts));
  const model = bodies.find((body) => body.model)?.model ?? undefined;
  return { reply: { ...replyOf(text, finish || 'stop', choices, usage), ...(model && { model }) } };
}

/** With the same limit and the same thoughts there would be no reply next time either. */
function nothingSaid(finish: string, thoughts: boolean): FailedRequest {
  const what = thoughts ? 'nothing but thoughts' : 'an empty reply';
  if (isLimit(finish)) return noReply(`${what}, up to the limit of tokens; raise \`maxTokens\``, 'skip');
  if (thoughts) return noReply(`${what}; a larger \`maxTokens\` may help`, 'skip');
  return noReply(/tool|function/.test(finish) ? 'the model calls a tool instead of a reply' : what, 'retry');
}

function replyOf(
  text: string,
  finish: string,
  choices: readonly CompletionChoice[],
  usage: CountedUsage | undefined,
): ChatReply {
  const logprobs = choices.flatMap(({ logprobs }) => logprobs?.content ?? []).map(tokenOf);
  return { text, finish, ...(usage && { usage: plain(usage) }), ...(logprobs.length > 0 && { logprobs }) };
}

type GivenToken = NonNullable<NonNullable<CompletionChoice['logprobs']>['content']>[number];

const tokenOf = ({ token, logprob, top_logprobs }: GivenToken): TokenLogprob => ({
  token,
  logprob,
  top: (top_logprobs ?? []).flatMap((other) =>
    typeof other.logprob === 'number' ? [{ token: other.token, logprob: other.logprob }] : [],
  ),
});
