import * as z from 'zod';
import { errorIn } from './error-body.js';
import { type Attempt, type Miss, missOf, type Next, quoted } from './failure.js';
import type { ChatReply, Failure, TokenLogprob } from './types.js';

const logprobSchema = z.looseObject({
  content: z
    .array(
      z.looseObject({
        token: z.string(),
        logprob: z.number(),
        top_logprobs: z.array(z.looseObject({ token: z.string(), logprob: z.number() })).nullish(),
      }),
    )
    .nullish(),
});

const contentSchema = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish();

const saidSchema = z.looseObject({
  content: contentSchema,
  refusal: z.string().nullish(),
  /** How servers name the thoughts of a model that they tell apart from its reply. */
  reasoning_content: z.string().nullish().catch(null),
  reasoning: z.string().nullish().catch(null),
});

const bodySchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: saidSchema.optional(),
        /** In a stream, a piece of the message. */
        delta: saidSchema.optional(),
        finish_reason: z.string().nullish(),
        logprobs: logprobSchema.nullish().catch(null),
      }),
    )
    .nullish(),
  usage: z.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish().catch(null),
});

type Body = z.infer<typeof bodySchema>;

/** What a body that came with a status of success says, whole or as a stream of events, whatever type it claims to have. */
export function attemptOf(text: string): Attempt {
  const bodies = /^\s*(data|event|id|retry)?:/.test(text) ? eventsOf(text) : [parsed(text)];
  const first = bodies[0];
  if (bodies.includes(undefined) || typeof first !== 'object' || first === null) return noReply(whatIs(text), 'retry');
  const error = bodies.find((body) => (body as { error?: unknown } | null)?.error) as { error: unknown } | undefined;
  if (error) return errorAsReply(error);
  const read = z.array(bodySchema).safeParse(bodies);
  if (!read.success) return noReply(`not laid out as the protocol has it: ${quoted(text)}`, 'retry');
  return judge(read.data);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The values of a stream's events, the last of which ("[DONE]") is none; undefined for one that is broken. */
const eventsOf = (text: string): unknown[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trim())
    .filter((data) => data !== '[DONE]' && data !== '')
    .map(parsed);

function whatIs(text: string): string {
  if (text.trim() === '') return 'an empty body';
  const { message } = errorIn(text);
  if (/^\s*</.test(text)) return `${quoted(message)} instead of a reply`;
  return `a body that is not whole JSON: ${quoted(text)}`;
}

const noReply = (message: string, next: Next, kind: Failure['kind'] = 'no-reply'): Miss => ({
  failure: { kind, message },
  next,
  worked: true,
});

/** Gateways tell what went wrong behind them under a status of success. */
function errorAsReply(body: { error: unknown }): Miss {
  const code = Number((body.error as { code?: unknown } | null)?.code);
  const status = code >= 400 && code < 600 ? code : 502;
  return missOf({ status, headers: {}, body: JSON.stringify(body) }, 0);
}

function judge(bodies: readonly Body[]): Attempt {
  const choices = bodies.flatMap((body) => body.choices?.slice(0, 1) ?? []);
  if (choices.length === 0) return noReply('no choices in the reply', 'retry');
  const said = choices.map(({ message, delta }) => message ?? delta ?? {});
  const text = said.map(({ content }) => textOf(content)).join('');
  const finish = choices.findLast(({ finish_reason }) => finish_reason)?.finish_reason;
  const refusal = said.map((piece) => piece.refusal ?? '').join('');
  const thoughts = said.some((piece) => piece.reasoning_content || piece.reasoning);
  if (finish === 'content_filter') return noReply('stopped by a content filter', 'skip', 'content-filter');
  if (refusal && !text) return noReply(`the model declines: ${quoted(refusal)}`, 'skip', 'content-filter');
  const streamed = choices.every(({ message }) => message === undefined);
  if (streamed && !finish) return noReply('a stream that ends before the reply does', 'retry');
  if (!text.trim() && thoughts)
    return noReply(`nothing but thoughts${finish === 'length' ? ', up to the limit of tokens' : ''}`, 'skip');
  if (!text.trim()) return noReply('an empty reply', 'retry');
  return { reply: replyOf(text, finish ?? 'stop', choices, bodies) };
}

function replyOf(
  text: string,
  finish: string,
  choices: readonly NonNullable<Body['choices']>[number][],
  bodies: readonly Body[],
): ChatReply {
  const usage = bodies.findLast((body) => body.usage)?.usage;
  const logprobs = choices.flatMap(({ logprobs }) => logprobs?.content ?? []).map(tokenOf);
  return {
    text,
    finish,
    ...(usage && { usage: { promptTokens: usage.prompt_tokens, replyTokens: usage.completion_tokens } }),
    ...(logprobs.length > 0 && { logprobs }),
  };
}

interface GivenToken {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs?: readonly { readonly token: string; readonly logprob: number }[] | null | undefined;
}

const tokenOf = ({ token, logprob, top_logprobs }: GivenToken): TokenLogprob => ({
  token,
  logprob,
  top: (top_logprobs ?? []).map((other) => ({ token: other.token, logprob: other.logprob })),
});

function textOf(content: z.infer<typeof contentSchema>): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join('');
}
