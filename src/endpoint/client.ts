import { OpenAI } from 'openai';
import { type Logger, silentLogger } from '../telemetry/logger.js';
import { errorIn } from './error-body.js';
import { type Attempt, type Miss, missOfError, missOfTimeout } from './failure.js';
import type { EndpointAddress } from './options.js';
import { missOf } from './refusal.js';
import { attemptOf } from './reply.js';
import { bodyOf, type Dialect, firstDialect, refusedFeature, toldOf, without } from './request.js';
import { promptTokensOf } from './request-tokens.js';
import { HttpRefusal, NoAnswer, openTransport, type Transport } from './transport.js';
import type { ChatRequest, Feature } from './types.js';

/** Sends requests to one endpoint, one at a time or many. */
export interface ChatClient {
  readonly address: EndpointAddress;
  /**
   * One request and what came of it; never throws for what an endpoint does. What the endpoint turns out not to have is told once and
   * asked without, at once and ever after. Throws the signal's reason when that is aborted.
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
}

/** Longest time-out that the openai package is given: ours, which holds for the body too, is always first. */
const NEVER_MS = 2 ** 31 - 1;

/** A client of the openai package for an endpoint, without its retries, messages and limits on time. */
export function createChatClient(address: EndpointAddress, settings: ClientSettings = {}): ChatClient {
  const { timeoutMs = 120_000, logger = silentLogger, now = Date.now } = settings;
  const transport = openTransport(address.baseUrl);
  const openai = openaiOf(address, transport);
  let dialect = firstDialect(address.baseUrl);
  const lacks = (feature: Feature, seen: Dialect) => {
    // Others in flight find the same.
    if (dialect !== seen && dialect.without.has(feature)) return;
    dialect = without(dialect, feature);
    logger.warn(`the endpoint refuses ${toldOf(feature)}`);
  };
  const send = async (request: ChatRequest, signal?: AbortSignal): Promise<Attempt> => {
    signal?.throwIfAborted();
    const spoken = dialect;
    const outcome = await post(openai, bodyOf(request, address.model, spoken), timeoutMs, signal);
    if (typeof outcome === 'string') return attemptOf(withoutKey(outcome, address));
    if (!(outcome instanceof HttpRefusal)) return outcome;
    const refusal = { ...pick(outcome), body: withoutKey(outcome.body, address) };
    const feature = refusedFeature(refusal.status, errorIn(refusal.body), request, spoken);
    if (!feature) return missOf(refusal, now(), promptTokensOf(request) + (request.maxTokens ?? 0));
    lacks(feature, spoken);
    return send(request, signal);
  };
  return { address, send, close: transport.close };
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
    ...(!apiKey && { defaultHeaders: { authorization: null } }),
    maxRetries: 0,
    timeout: NEVER_MS,
    logLevel: 'off',
    fetch: transport.fetch as typeof globalThis.fetch,
  });
}

/** The body of a reply, the server's refusal, or what came of the connection. Throws when `signal` is aborted. */
async function post(
  openai: OpenAI,
  body: ReturnType<typeof bodyOf>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<string | HttpRefusal | Miss> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const response = await openai.chat.completions.create(body, { signal: controller.signal }).asResponse();
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
