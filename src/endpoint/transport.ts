import { BodyFailure, readBody, textOf } from '../io/http/body.js';
import { type Connections, type HttpAnswer, openConnections } from '../io/http/connections.js';

/** Longest body that is read, in bytes: a reply with the alternatives of thousands of tokens has a few MiB. */
const MAX_BODY_BYTES = 16 << 20;

/** What a server says instead of a reply: a status that is not of success, with headers and body. */
export class HttpRefusal extends Error {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
    readonly body: string,
  ) {
    // The openai package takes an error that speaks of time for a time-out, and drops it.
    super('the server refuses');
  }
}

/** What kept an answer from coming; the openai package takes most of what it says itself for a time-out, and drops it. */
export class NoAnswer extends Error {
  constructor(readonly reason: unknown) {
    super('no answer');
  }
}

/** How requests get to a server and replies back. */
export interface Transport {
  /**
   * For the `fetch` option of the openai package: resolves with the whole body, throws {@link HttpRefusal} for other statuses and
   * {@link NoAnswer} where there is none.
   */
  readonly fetch: (url: unknown, init?: unknown) => Promise<Response>;
  /** Closes all connections at once. */
  close(): Promise<void>;
}

/** The way to a server, without limits on time, which the caller sets. Throws a usage error where the environment names a proxy for it that is none. */
export function openTransport(baseUrl: string): Transport {
  const connections = openConnections();
  connections.check(baseUrl);
  return { fetch: (url, init) => ask(String(url), init as RequestInit, connections), close: connections.close };
}

async function ask(url: string, { method, headers, body, signal }: RequestInit, connections: Connections) {
  const request = {
    method: method === 'POST' ? ('POST' as const) : ('GET' as const),
    // What is asked of a judge is short, and so are most replies.
    headers: { ...Object.fromEntries(new Headers(headers)), 'accept-encoding': 'identity' },
    body: body as string,
    ...(signal && { signal }),
  };
  const answer = await connections.send(url, request).catch((reason: unknown) => {
    throw new NoAnswer(reason);
  });
  const ok = answer.status >= 200 && answer.status <= 299;
  const text = await textIn(answer).catch((reason: unknown) => {
    // The status says more than a body that cannot be read.
    if (!ok && reason instanceof BodyFailure) return reason.message;
    throw new NoAnswer(reason);
  });
  if (!ok) throw new HttpRefusal(answer.status, answer.headers, text);
  return bodyOf(text);
}

async function textIn(answer: HttpAnswer): Promise<string> {
  const bytes = await readBody(answer, MAX_BODY_BYTES);
  const text = textOf(bytes);
  if (text !== undefined) return text;
  throw new BodyFailure(`a body that is no text (${bytes.length} bytes)`, true);
}

/**
 * What the openai package asks of a reply. A `Response` is registered to be told of when it is no longer used, which keeps it and its
 * text until the next full collection of garbage: 50 MiB more over tens of thousands of replies.
 */
const bodyOf = (text: string) =>
  ({
    ok: true,
    status: 200,
    statusText: 'OK',
    url: '',
    headers: new Map(),
    body: null,
    text: async () => text,
  }) as unknown as Response;
