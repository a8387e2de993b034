import { OpenAI } from 'openai';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { createAdapter } from './adapting.js';
import { askedFor, type Dialect, firstDialect } from './dialect.js';
import { errorIn } from './error-body.js';
import { type Attempt, type Miss, missOfError, missOfTimeout } from './failure.js';
import { createKeyBearer, keyVerdict } from './key-header.js';
import type { EndpointAddress } from './options.js';
import { missOf } from './refusal.js';
import { attemptOf } from './reply.js';
import { bodyOf } from './request.js';
import { promptTokensOf } from './request-tokens.js';
import { HttpRefusal, NoAnswer, openTransport, type Transport } from './transport.js';
import type { Exchange } from './trials.js';
import type { ChatRequest } from './types.js';

/** Sends requests to one endpoint, one at a time or many. */
export interface ChatClient {
  readonly address: EndpointAddress;
  /**
   * One request and what came of it; never throws for what an endpoint does. What the endpoint turns out not to take is left out, here and
   * in later requests, which is told, and noted in the reply. Throws the signal's reason when that is aborted.
   */
  send(request: ChatRequest, signal?: AbortSignal): Promise<Attempt>;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Settings of {@link createChatClient}. */
export interface ClientSettings {
  /** Longest wait for a whole reply, in milliseconds. Default 120,000. */
  readonly timeoutMs?: number;
  readonly logger?: Logger;
  /** Milliseconds since 1970, for dates in headers. */
  readonly now?: () => number;
  /** How long an unclear refusal waits for others in flight until it is looked into, in milliseconds. Default 10,000. */
  readonly patienceMs?: number;
}

/** Longest time-out that the openai package is given: ours, which holds for the body too, is always first. */
const NEVER_MS = 2 ** 31 - 1;

/** A client of the openai package for an endpoint, without its retries, messages and limits on time. */
export function createChatClient(address: EndpointAddress, settings: ClientSettings = {}): ChatClient {
  const { timeoutMs = 120_000, logger = silentLogger, now = Date.now, patienceMs = 10_000 } = settings;
  const transport = openTransport(address.baseUrl);
  const openai = openaiOf(address, transport);
  const adapter = createAdapter(firstDialect(address.baseUrl), { logger, patienceMs });
  const key = createKeyBearer(address, (header) =>
    logger.warn(
      `the endpoint takes the key as ${header === 'api-key' ? 'the header "api-key"' : 'a bearer'}; it is sent so`,
    ),
  );
  const once = async (request: ChatRequest, dialect: Dialect, signal?: AbortSignal): Promise<Exchange> => {
    const body = bodyOf(request, address.model, dialect);
    const outcome = await key.send(
      (headers) => post(openai, body, { headers, timeoutMs, signal }),
      (given) =>
        given instanceof HttpRefusal
          ? keyVerdict(given.status, errorIn(given.body).names)
          : typeof given === 'string'
            ? 'taken'
            : 'open',
    );
    if (typeof outcome !== 'string' && !(outcome instanceof HttpRefusal)) return { attempt: outcome };
    const text = withoutKey(typeof outcome === 'string' ? outcome : outcome.body, address);
    const attempt =
      typeof outcome === 'string'
        ? attemptOf(text, now())
        : missOf({ ...pick(outcome), body: text }, now(), promptTokensOf(request) + (request.maxTokens ?? 0));
    return exchangeOf(attempt, text, request, dialect);
  };
  return {
    address,
    send: (request, signal) => adapter.send(request, (dialect) => once(request, dialect, signal), signal),
    close: transport.close,
  };
}

/** Statuses of a server that does not take a request as it is; some say 500 where they fail at what they do not know. */
const NOT_TAKEN = new Set([400, 415, 422, 500, 501]);

/** An attempt, and whether it may be refused for how it was put; a reply says what it came without. */
function exchangeOf(attempt: Attempt, text: string, request: ChatRequest, { without }: Dialect): Exchange {
  if ('reply' in attempt) {
    const missing = askedFor(request).filter((feature) => without.has(feature));
    return { attempt: missing.length === 0 ? attempt : { reply: { ...attempt.reply, without: missing } } };
  }
  const { failure, next, worked } = attempt;
  // An error in place of a reply may have no status: it is taken for trouble of the server's.
  const status = failure.status ?? (failure.kind === 'server' && !worked ? 500 : 0);
  // What is known to be about the row, the key or the model is not about how it was put.
  if (!NOT_TAKEN.has(status) || (next !== 'refused' && next !== 'retry')) return { attempt };
  return { attempt, refusal: { status, complaint: errorIn(text) } };
}

const pick = ({ status, headers }: HttpRefusal) => ({ status, headers });

/** A server may tell the key back; it shall be in no message and no file. */
const withoutKey = (text: string, { apiKey }: EndpointAddress): string =>
  apiKey ? text.replaceAll(apiKey, '[hidden]') : text;

function openaiOf({ baseUrl, apiKey }: EndpointAddress, transport: Transport): OpenAI {
  const url = new URL(baseUrl);
  const query = Object.fromEntries(url.searchParams);
  url.search = '';
  const own = url.hostname === 'api.openai.com';
  return new OpenAI({
    baseURL: url.href.replace(/\/$/, ''),
    defaultQuery: query,
    apiKey: apiKey ?? 'none',
    // Other servers have no use for who the user is at OpenAI.
    ...(!own && { organization: null, project: null }),
    maxRetries: 0,
    timeout: NEVER_MS,
    logLevel: 'off',
    fetch: transport.fetch as typeof globalThis.fetch,
  });
}

interface PostOptions {
  readonly headers: Record<string, string | null>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The body of a reply, the server's refusal, or what came of the connection. Throws when `signal` is aborted. */
async function post(
  openai: OpenAI,
  body: ReturnType<typeof bodyOf>,
  { headers, timeoutMs, signal }: PostOptions,
): Promise<string | HttpRefusal | Miss> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const response = await openai.chat.completions.create(body, { headers, signal: controller.signal }).asResponse();
    return await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    if (controller.signal.aborted) return missOfTimeout(timeoutMs);
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof HttpRefusal) return cause;
    return missOfError(cause instanceof NoAnswer ? cause.reason : error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
