import { setTimeout as sleep } from 'node:timers/promises';
import { PhasetuneError, usageError } from '../core/errors.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';

/** How to reach a hub. */
export interface HubSettings {
  /** Base address; default https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** Access token, for private and gated models. It goes to the endpoint's own host only and into no message. */
  readonly token?: string | undefined;
  /** Attempts at each request that make no headway; default 5. */
  readonly attempts?: number;
  /** Wait before the second attempt, doubled for each further one; default 1000. */
  readonly retryDelayMs?: number;
  /** Longest time without a sign of life; default 30,000. */
  readonly stallMs?: number;
  readonly logger?: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** Where downloaded bytes go; knows how many are there from before. */
export interface Sink {
  readonly bytes: number;
  append(chunk: Uint8Array): Promise<void>;
  restart(): Promise<void>;
}

/**
 * A hub, or a mirror with the same paths. Broken connections, silence, 5xx, 408 and 429 are tried again after a while (as
 * long as the server says by `Retry-After`); other refusals are errors of code `endpoint` that say what to do.
 */
export interface HubClient {
  readonly endpoint: string;
  /** The JSON at an address; `what` names it in messages. */
  getJson(path: string, what: string): Promise<unknown>;
  /** Fills a sink up to `bytes`, going on where it is; a server that cannot do that begins anew. */
  download(path: string, what: string, sink: Sink, bytes: number): Promise<void>;
}

/** A failure that may pass: tried again. */
class PassingFailure extends Error {
  constructor(
    message: string,
    readonly afterMs?: number,
  ) {
    super(message);
  }
}

/** Longest time that a server's `Retry-After` is followed. */
const LONGEST_WAIT_MS = 120_000;

/** A client of the hub at `endpoint`. */
export function hubClient(settings: HubSettings = {}): HubClient {
  const endpoint = checkedEndpoint(settings.endpoint ?? 'https://huggingface.co');
  return {
    endpoint,
    getJson: (path, what) =>
      retrying(settings, what, async () => {
        const { response, chunks } = await ask(settings, `${endpoint}/${path}`, what, 0);
        const parts: Uint8Array[] = [];
        for await (const chunk of chunks) parts.push(chunk);
        try {
          return JSON.parse(Buffer.concat(parts).toString('utf8'));
        } catch (cause) {
          const type = response.headers.get('content-type') ?? 'no content type';
          throw refusal(`${what}: expected JSON from ${endpoint}, got ${type}; is this the address of a hub?`, cause);
        }
      }),
    download: (path, what, sink, bytes) =>
      retrying(settings, what, async (madeHeadway) => {
        if (sink.bytes > bytes) await sink.restart();
        if (sink.bytes === bytes && bytes > 0) return;
        const { response, chunks } = await ask(settings, `${endpoint}/${path}`, what, sink.bytes);
        if (sink.bytes > 0 && !response.headers.get('content-range')?.startsWith(`bytes ${sink.bytes}-`))
          await sink.restart();
        for await (const chunk of chunks) {
          if (sink.bytes + chunk.length > bytes) {
            await sink.restart();
            throw refusal(`${what}: expected ${bytes} bytes from ${endpoint}, it sends more`);
          }
          await sink.append(chunk);
          madeHeadway();
        }
        if (sink.bytes < bytes) throw new PassingFailure(`the connection ended after ${sink.bytes} of ${bytes} bytes`);
      }),
  };
}

const refusal = (message: string, cause?: unknown) => new PhasetuneError('endpoint', message, {}, { cause });

function checkedEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw usageError('the endpoint must be an address such as https://huggingface.co, without a user name in it');
  return endpoint.replace(/\/+$/, '');
}

async function retrying<T>(
  { attempts = 5, retryDelayMs = 1000, logger = silentLogger, signal }: HubSettings,
  what: string,
  work: (madeHeadway: () => void) => Promise<T>,
): Promise<T> {
  const interrupted = () =>
    new PhasetuneError('interrupted', `interrupted while fetching ${what}; run it again to go on`);
  for (let failures = 0; ; ) {
    try {
      return await work(() => {
        failures = 0;
      });
    } catch (error) {
      if (signal?.aborted) throw interrupted();
      if (error instanceof PhasetuneError) throw error;
      failures++;
      const reason = reasonOf(error);
      if (failures >= attempts)
        throw refusal(`${what}: ${reason}, ${failures} times in a row; try again later, what has come is kept`, error);
      const wait = (error instanceof PassingFailure ? error.afterMs : undefined) ?? retryDelayMs * 2 ** (failures - 1);
      logger.warn(`${what}: ${reason}; trying again in ${(wait / 1000).toFixed(1)} s`);
      await sleep(wait, undefined, signal ? { signal } : {}).catch(() => {
        throw interrupted();
      });
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof PassingFailure) return error.message;
  // fetch says only "fetch failed"; why is in the cause.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string'
    ? `no connection (${code})`
    : `no connection (${cause instanceof Error ? cause.message : cause})`;
}

/** One request; both its answer and each piece of its body must come within the stall time. */
async function ask(settings: HubSettings, url: string, what: string, from: number) {
  const { token, stallMs = 30_000, signal } = settings;
  const headers: Record<string, string> = { 'user-agent': 'phasetune', 'accept-encoding': 'identity' };
  if (from > 0) headers.range = `bytes=${from}-`;
  // fetch itself leaves this header out when it follows a redirect to another host.
  if (token) headers.authorization = `Bearer ${token}`;
  const stalled = new AbortController();
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const timer = setTimeout(() => stalled.abort(), stallMs);
    try {
      return await work();
    } catch (error) {
      throw stalled.signal.aborted ? new PassingFailure(`silence for ${stallMs / 1000} s`) : error;
    } finally {
      clearTimeout(timer);
    }
  };
  const either = AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]);
  const response = await timed(() => fetch(url, { headers, signal: either }));
  if (!response.ok) {
    await response.body?.cancel();
    throw failureOf(response, what, settings);
  }
  const reader = response.body!.getReader();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let part = await timed(() => reader.read()); !part.done; part = await timed(() => reader.read()))
        yield part.value;
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
  return { response, chunks: chunks() };
}

function failureOf(response: Response, what: string, { token, endpoint }: HubSettings): Error {
  const { status } = response;
  if (status === 429 || status === 408 || status >= 500)
    return new PassingFailure(`the hub answers ${status}`, retryAfterMs(response.headers.get('retry-after')));
  const gated = response.headers.get('x-error-code') === 'GatedRepo';
  if (gated || status === 403)
    return refusal(
      `${what}: no access (${status}); accept the model's terms on its page on ${endpoint ?? 'huggingface.co'} and set HF_TOKEN to a token of that account`,
    );
  if (status === 401)
    return refusal(
      token
        ? `${what}: no access (401) with the token in HF_TOKEN; check the model's name, and that the token is valid and may read it`
        : `${what}: no access (401); check the model's name, or, when it is private, set HF_TOKEN to an access token`,
    );
  if (status === 404) return refusal(`${what}: not found (404); check the model's name and the revision`);
  return refusal(`${what}: the hub answers ${status}`);
}

function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), LONGEST_WAIT_MS) : undefined;
}
