import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { PhasetuneError, usageError } from '../core/errors.js';
import { drop, textOf, unpackedBody } from '../io/http/body.js';
import { type Connections, type HttpAnswer, openConnections } from '../io/http/connections.js';
import { connectionProblem } from '../io/http/problem.js';
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
export interface DownloadSink {
  readonly bytes: number;
  append(chunk: Uint8Array): Promise<void>;
  restart(): Promise<void>;
}

/**
 * A hub, or a mirror with the same paths. Broken connections, silence, 5xx, 408 and 429 are tried
 * again after a while (as long as the server says by `Retry-After`); other refusals are errors of
 * code `endpoint` that say what to do.
 */
export interface HubClient {
  readonly endpoint: string;
  /** The JSON at an address; `what` names it in messages. */
  getJson(path: string, what: string): Promise<unknown>;
  /** Fills a sink up to `bytes`, continuing where it is; with a server that cannot do that, from the beginning. */
  download(path: string, what: string, sink: DownloadSink, bytes: number): Promise<void>;
  /** Ends all connections. */
  close(): Promise<void>;
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
/** Longest JSON that is read, in bytes: the list of a model with thousands of files has a few MiB. */
const MAX_JSON_BYTES = 64 << 20;
/** Redirects that are followed one after the other. */
const MOST_REDIRECTS = 20;

/**
 * A client of the hub at `endpoint`, through the proxy that the environment names. Throws a usage
 * error where the address, or the proxy's, is none.
 */
export function hubClient(settings: HubSettings = {}): HubClient {
  const endpoint = checkedEndpoint(settings.endpoint ?? 'https://huggingface.co');
  const connections = openConnections();
  connections.check(endpoint);
  const get = (path: string, what: string, from: number) =>
    ask({ ...settings, endpoint }, connections, `${endpoint}/${path}`, what, from);
  return {
    endpoint,
    close: connections.close,
    getJson: (path, what) =>
      retrying(settings, what, async () => {
        const { answer, within } = await get(path, what, 0);
        const parts: Uint8Array[] = [];
        let bytes = 0;
        for await (const chunk of chunksOf(answer, within)) {
          bytes += chunk.length;
          if (bytes > MAX_JSON_BYTES) throw refusal(`${what}: expected JSON from ${endpoint}, it does not end`);
          parts.push(chunk);
        }
        try {
          return JSON.parse(textOf(Buffer.concat(parts)) ?? '');
        } catch (cause) {
          const type = answer.headers['content-type'] ?? 'no content type';
          throw refusal(`${what}: expected JSON from ${endpoint}, got ${type}; is this the address of a hub?`, cause);
        }
      }),
    download: (path, what, sink, bytes) =>
      retrying(settings, what, async (madeHeadway) => {
        if (sink.bytes > bytes) await sink.restart();
        if (sink.bytes === bytes && bytes > 0) return;
        const { answer, within } = await get(path, what, sink.bytes);
        if (sink.bytes > 0 && !goesOnAt(sink.bytes, answer)) {
          await sink.restart();
          // The part of a packed file is no packed file.
          if (answer.status === 206) throw new PassingFailure('not the part of the file that was asked for');
        }
        for await (const chunk of chunksOf(answer, within)) {
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

/** Whether an answer is the rest of a file, as it is, from a byte on. */
const goesOnAt = (from: number, { status, headers }: HttpAnswer): boolean =>
  status === 206 &&
  !!headers['content-range']?.startsWith(`bytes ${from}-`) &&
  (headers['content-encoding'] ?? 'identity') === 'identity';

const refusal = (message: string, cause?: unknown) => new PhasetuneError('endpoint', message, {}, { cause });

function checkedEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw usageError('the endpoint must be an address such as https://huggingface.co, without a user name in it');
  return endpoint.replace(/\/+$/, '');
}

const reasonOf = (error: unknown): { message: string; retry: boolean } =>
  error instanceof PassingFailure ? { message: error.message, retry: true } : connectionProblem(error);

async function retrying<T>(
  { attempts = 5, retryDelayMs = 1000, logger = silentLogger, signal }: HubSettings,
  what: string,
  work: (madeHeadway: () => void) => Promise<T>,
): Promise<T> {
  const interrupted = () =>
    new PhasetuneError('interrupted', `interrupted while fetching ${what}; run it again to continue`);
  for (let failures = 0; ; ) {
    try {
      return await work(() => {
        failures = 0;
      });
    } catch (error) {
      if (signal?.aborted) throw interrupted();
      if (error instanceof PhasetuneError) throw error;
      failures++;
      const { message: reason, retry } = reasonOf(error);
      if (!retry) throw refusal(`${what}: ${reason}`, error);
      if (failures >= attempts)
        throw refusal(
          `${what}: ${reason}, ${failures} times in a row; try again later; what was downloaded is kept`,
          error,
        );
      const wait = (error instanceof PassingFailure ? error.afterMs : undefined) ?? retryDelayMs * 2 ** (failures - 1);
      logger.warn(`${what}: ${reason}; trying again in ${(wait / 1000).toFixed(1)} s`);
      await sleep(wait, undefined, signal ? { signal } : {}).catch(() => {
        throw interrupted();
      });
    }
  }
}

/** Runs a piece of work that is given up after a time without an end. */
type Within = <T>(work: () => Promise<T>) => Promise<T>;

/** One request, its redirects followed; the answer, and each piece of its body, must come within the stall time. */
async function ask(settings: HubSettings, connections: Connections, first: string, what: string, from: number) {
  const { token, stallMs = 30_000, signal } = settings;
  const stalled = new AbortController();
  const within: Within = async (work) => {
    const timer = setTimeout(() => stalled.abort(), stallMs);
    try {
      return await work();
    } catch (error) {
      throw stalled.signal.aborted ? new PassingFailure(`no data for ${stallMs / 1000} s`) : error;
    } finally {
      clearTimeout(timer);
    }
  };
  const either = AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]);
  const headers: Record<string, string> = { 'user-agent': 'phasetune', 'accept-encoding': 'identity' };
  if (from > 0) headers.range = `bytes=${from}-`;
  if (token) headers.authorization = `Bearer ${token}`;
  let url = first;
  for (let redirects = 0; ; redirects++) {
    const answer = await within(() => connections.send(url, { headers, signal: either }));
    if (answer.status >= 200 && answer.status <= 299) return { answer, within };
    drop(answer);
    const next = redirectOf(answer, url);
    if (!next) throw failureOf(answer, what, settings);
    if (redirects === MOST_REDIRECTS)
      throw refusal(`${what}: more than ${MOST_REDIRECTS} redirects; check the address`);
    // The token is for one host only.
    if (new URL(next).origin !== new URL(url).origin) delete headers.authorization;
    url = next;
  }
}

function redirectOf({ status, headers }: HttpAnswer, url: string): string | undefined {
  const { location } = headers;
  if (![301, 302, 303, 307, 308].includes(status) || !location || !URL.canParse(location, url)) return undefined;
  const next = new URL(location, url);
  return /^https?:$/.test(next.protocol) ? next.href : undefined;
}

async function* chunksOf(answer: HttpAnswer, within: Within): AsyncGenerator<Uint8Array> {
  const body: Readable = unpackedBody(answer);
  const parts = body[Symbol.asyncIterator]();
  try {
    for (let part = await within(() => parts.next()); !part.done; part = await within(() => parts.next()))
      yield part.value;
  } finally {
    drop({ body });
    drop(answer);
  }
}

function failureOf({ status, headers }: HttpAnswer, what: string, { token, endpoint }: HubSettings): Error {
  if (status === 429 || status === 408 || status >= 500)
    return new PassingFailure(`the hub answers ${status}`, retryAfterMs(headers['retry-after']));
  const gated = headers['x-error-code'] === 'GatedRepo';
  if (gated || status === 403)
    return refusal(
      `${what}: no access (${status}); accept the model's terms on its page on ${endpoint} and set HF_TOKEN to a token of that account`,
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

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), LONGEST_WAIT_MS) : undefined;
}
