import { setMaxListeners } from 'node:events';
import { env as processEnv } from 'node:process';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { drop } from './body.js';
import { type Environment, type HttpProxy, proxyFor } from './proxy.js';
import { neverSent, ProxyFailure, tunnelConnector } from './tunnel.js';

/** A request to a server. */
export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The beginning of an answer, with its body still to be read. */
export interface HttpAnswer {
  readonly status: number;
  /** By names in small letters; one that came several times is a list separated by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** Connections to servers, kept while they are used. */
export interface Connections {
  /** Throws a usage error where the environment names a proxy for this address that is not one. */
  check(url: string): void;
  /**
   * Sends a request and resolves when the answer begins. Redirects are not followed and nothing is
   * limited in time but the making of a connection; `connectionProblem` says what an error means.
   */
  send(url: string, request: HttpRequest): Promise<HttpAnswer>;
  /** Ends all connections at once, and what is under way on them. */
  close(): Promise<void>;
}

/** The caller limits how long an answer may take. */
const LIMITS = { headersTimeout: 0, bodyTimeout: 0 };

/** The way to a server: connections, and what a request needs to go over them. */
interface Way {
  readonly dispatcher: Dispatcher;
  /** Set where whole requests are handed to a proxy. */
  readonly proxy?: HttpProxy;
}

/**
 * The one door to the network: connections to any server, through the proxy that the environment
 * names for it. A server at an address with https is reached by a tunnel through the proxy
 * (CONNECT), another by handing the proxy the request, as proxies expect of each.
 */
export function openConnections(environment: Environment = processEnv): Connections {
  const closing = new AbortController();
  // Each tunnel that is being opened listens.
  setMaxListeners(0, closing.signal);
  const ways = new Map<string, Way>();
  const agents = new Map<string, Agent>();
  const agent = (name: string, make: () => Agent) => {
    if (!agents.has(name)) agents.set(name, make());
    return agents.get(name)!;
  };
  const wayTo = (url: URL): Way => {
    const proxy = proxyFor(url, environment);
    if (!proxy) return { dispatcher: agent('direct', () => new Agent(LIMITS)) };
    if (url.protocol === 'http:') return { dispatcher: agent('direct', () => new Agent(LIMITS)), proxy };
    const make = () => new Agent({ ...LIMITS, connect: tunnelConnector(proxy, closing.signal) });
    return { dispatcher: agent(`${proxy.origin} ${proxy.authorization}`, make) };
  };
  const way = (url: URL): Way => {
    const known = ways.get(url.origin) ?? wayTo(url);
    ways.set(url.origin, known);
    return known;
  };
  return {
    check: (url) => void way(new URL(url)),
    send: (text, request) => {
      const url = new URL(text);
      return exchange(url, request, way(url));
    },
    close: async () => {
      closing.abort();
      await Promise.all([...agents.values()].map((each) => each.destroy()));
    },
  };
}

async function exchange(url: URL, request: HttpRequest, { dispatcher, proxy }: Way): Promise<HttpAnswer> {
  const { method = 'GET', headers, body = null, signal = null } = request;
  const path = `${url.pathname}${url.search}`;
  const target = proxy
    ? { origin: proxy.origin, path: `${url.origin}${path}`, headers: { ...headers, ...headersFor(url, proxy) } }
    : { origin: url.origin, path, headers };
  const answer = await dispatcher.request({ ...target, method, body, signal }).catch((error: unknown) => {
    throw proxy && neverSent(error) ? new ProxyFailure(proxy, { cause: error }) : error;
  });
  const status = answer.statusCode;
  const given = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
  if (proxy && status === 407) {
    drop(answer);
    throw new ProxyFailure(proxy, { status, said: given['proxy-authenticate'] ?? '' });
  }
  return { status, headers: given, body: answer.body };
}

const headersFor = (url: URL, { authorization }: HttpProxy) => ({
  host: url.host,
  ...(authorization && { 'proxy-authorization': authorization }),
});
