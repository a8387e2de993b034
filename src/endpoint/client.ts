import { type Logger, silentLogger } from '../telemetry/logger.js';
import { isSecret } from '../telemetry/redact.js';
import { errorIn } from './answers/error-body.js';
import { readRefusal } from './answers/refusal.js';
import { readReply } from './answers/reply.js';
import {
  connectionFailure,
  type FailedRequest,
  type RequestOutcome,
  timeoutFailure,
} from './answers/request-outcome.js';
import { createDialectAdapter } from './dialect/adapting.js';
import { type Dialect, firstDialect, requestedFeatures } from './dialect/dialect.js';
import { createKeyBearer, type KeyVerdict, keyVerdict } from './dialect/key-header.js';
import { bodyOf } from './dialect/request.js';
import type { Exchange } from './dialect/trials.js';
import type { EndpointAddress } from './options.js';
import { promptTokensOf } from './request-tokens.js';
import { isSuccess, openTransport, type Transport, type WholeAnswer } from './transport.js';
import type { ChatRequest } from './types.js';

/** Sends requests to one endpoint, one at a time or many. */
export interface ChatClient {
  readonly address: EndpointAddress;
  /**
   * One request and what came of it; never throws for what an endpoint does. What the endpoint
   * turns out not to take is left out, here and in later requests, which is logged, and noted in
   * the reply. Throws the signal's reason when that is aborted.
   */
  send(request: ChatRequest, signal?: AbortSignal): Promise<RequestOutcome>;
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
  /**
   * How long an unclear refusal waits for others in flight until it is looked into, in
   * milliseconds. Default 10,000.
   */
  readonly patienceMs?: number;
}

/** A client for an endpoint of OpenAI's chat completions. */
export function createChatClient(address: EndpointAddress, settings: ClientSettings = {}): ChatClient {
  const { timeoutMs = 120_000, logger = silentLogger, now = Date.now, patienceMs = 10_000 } = settings;
  const transport = openTransport(address.baseUrl);
  const url = chatUrl(address);
  const adapter = createDialectAdapter(firstDialect(address.baseUrl), { logger, patienceMs });
  const key = createKeyBearer(address, (header) =>
    logger.warn(
      `the endpoint takes the key as ${header === 'api-key' ? 'the header "api-key"' : 'a bearer'}; it is sent so`,
    ),
  );
  const once = async (request: ChatRequest, dialect: Dialect, signal?: AbortSignal): Promise<Exchange> => {
    const body = JSON.stringify(bodyOf(request, address.model, dialect));
    const outcome = await key.send(
      (headers) => post(transport, { url, headers: { ...address.headers, ...headers }, body, timeoutMs, signal }),
      verdictOf,
    );
    if (!('status' in outcome)) return { attempt: outcome };
    const text = withoutKey(outcome.body, address);
    const attempt = isSuccess(outcome)
      ? readReply(text, now())
      : readRefusal({ ...outcome, body: text }, now(), promptTokensOf(request) + (request.maxTokens ?? 0));
    return exchangeOf(otherModel(attempt, address.model), text, request, dialect);
  };
  return {
    address,
    send: (request, signal) => adapter.send(request, (dialect) => once(request, dialect, signal), signal),
    close: transport.close,
  };
}

/** An attempt whose reply names its model only where that is not the one that was asked. */
function otherModel(attempt: RequestOutcome, asked: string): RequestOutcome {
  if (!('reply' in attempt) || attempt.reply.model !== asked) return attempt;
  const { model: _, ...reply } = attempt.reply;
  return { reply };
}

/** What an outcome shows of the key. */
function verdictOf(outcome: WholeAnswer | FailedRequest): KeyVerdict {
  if (!('status' in outcome)) return 'open';
  return isSuccess(outcome) ? 'taken' : keyVerdict(outcome.status, errorIn(outcome.body).names);
}

/** Where chat completions are asked for; a query of the address is kept. */
function chatUrl({ baseUrl }: EndpointAddress): string {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/chat/completions`;
  return url.href;
}

/**
 * Statuses of a server that does not take a request as it is; some say 500 where they fail at what
 * they do not know.
 */
const NOT_TAKEN = new Set([400, 415, 422, 500, 501]);

/** An attempt, and whether it may be refused for how it was put; a reply says what it came without. */
function exchangeOf(attempt: RequestOutcome, text: string, request: ChatRequest, { without }: Dialect): Exchange {
  if ('reply' in attempt) {
    const missing = requestedFeatures(request).filter((feature) => without.has(feature));
    return { attempt: missing.length === 0 ? attempt : { reply: { ...attempt.reply, without: missing } } };
  }
  const { failure, next, worked } = attempt;
  // An error in place of a reply may have no status: it is taken for trouble of the server's.
  const status = failure.status ?? (failure.kind === 'server' && !worked ? 500 : 0);
  // What is known to be about the row, the key or the model is not about how it was put.
  if (!NOT_TAKEN.has(status) || (next !== 'refused' && next !== 'retry')) return { attempt };
  return { attempt, refusal: { status, complaint: errorIn(text) } };
}

/** A server may repeat the key; it shall be in no message and no file. */
const withoutKey = (text: string, { apiKey }: EndpointAddress): string =>
  apiKey && isSecret(apiKey) ? text.replaceAll(apiKey, '[hidden]') : text;

interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What the server answered, or what came of the connection. Throws when `signal` is aborted. */
async function post(
  transport: Transport,
  { url, headers, body, timeoutMs, signal }: Post,
): Promise<WholeAnswer | FailedRequest> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await transport.post(url, headers, body, controller.signal);
  } catch (error) {
    signal?.throwIfAborted();
    return controller.signal.aborted ? timeoutFailure(timeoutMs) : connectionFailure(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
