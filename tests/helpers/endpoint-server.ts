import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { random } from '../../src/core/random.js';
import { completion, type Exchange, FAULTS, type Fault, PASSING_FAULTS, type Said } from './endpoint-faults.js';

/** A request as the server saw it. */
export interface Asked {
  /** Number of the request, from 0. */
  readonly n: number;
  /** What is asked about: the text `item-NNN` of the last message, else a hash of all messages. */
  readonly item: string;
  /** How often that item was asked about, this time included. */
  readonly times: number;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: the body is whatever the client sent
  readonly body: any;
}

/**
 * What the server does with a request: misbehave by name, say something, or anything at all;
 * undefined: answer well.
 */
export type Behaviour = Fault | Said | ((exchange: Exchange, asked: Asked) => unknown) | undefined;

/** Settings of {@link startEndpoint}. */
export interface EndpointSettings {
  /** Decides each request; promises are awaited. */
  readonly script?: ((asked: Asked) => Behaviour | Promise<Behaviour>) | undefined;
  /** What is said where nothing else was decided. Default: an item's own digit from 1 to 5. */
  readonly say?: (asked: Asked) => Said;
  /** Share of requests that go wrong, by a seeded draw, in one of `kinds`. */
  readonly faults?: { readonly share: number; readonly seed: number; readonly kinds?: readonly Fault[] };
  /**
   * What a request is about, by its body. Default: the text `item-NNN` of the last message, else a
   * hash of all messages.
   */
  readonly itemOf?: (body: Asked['body']) => string;
  /** Keep every request. Default true; off for tens of thousands. */
  readonly keep?: boolean;
  /** Longest time that a request takes, drawn evenly, in milliseconds. Default 0. */
  readonly delayMs?: number;
}

/** A local endpoint of the OpenAI protocol that misbehaves on demand. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly requests: readonly Asked[];
  /** Times that each item was asked about. */
  readonly counts: ReadonlyMap<string, number>;
  /** Requests in all. */
  total(): number;
  /** Most requests that were open at the same time. */
  mostAtOnce(): number;
  close(): Promise<void>;
}

/** Starts such a server on a free port of this machine. */
export async function startEndpoint(settings: EndpointSettings = {}): Promise<Endpoint> {
  const { script, say = ownDigit, faults, keep = true, delayMs = 0, itemOf = namedItem } = settings;
  const requests: Asked[] = [];
  const counts = new Map<string, number>();
  const draws = faults && random(faults.seed, 'faults');
  let [n, open, most] = [0, 0, 0];
  const decide = async (asked: Asked): Promise<Behaviour> => {
    const scripted = await script?.(asked);
    if (scripted !== undefined || !draws) return scripted;
    const kinds = faults.kinds ?? PASSING_FAULTS;
    return draws.uniform() < faults.share ? kinds[draws.integer(kinds.length)] : undefined;
  };
  const server = createServer(async (request, response) => {
    open++;
    most = Math.max(most, open);
    response.once('close', () => open--);
    response.on('error', () => {});
    const body = parsed(await bodyOf(request).catch(() => ''));
    const item = itemOf(body);
    const times = (counts.get(item) ?? 0) + 1;
    counts.set(item, times);
    const asked = { n: n++, item, times, path: request.url ?? '', headers: request.headers, body };
    if (keep) requests.push(asked);
    if (delayMs > 0) await sleep(Math.random() * delayMs);
    const behaviour = await decide(asked);
    const said = typeof behaviour === 'object' ? behaviour : say(asked);
    const exchange = { response, said };
    if (typeof behaviour === 'string') FAULTS[behaviour](exchange);
    else if (typeof behaviour === 'function') await behaviour(exchange, asked);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(completion(said)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    counts,
    total: () => n,
    mostAtOnce: () => most,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An item's digit from 1 to 5, always the same. */
export const digitOf = (item: string): number => (createHash('sha256').update(item).digest()[0]! % 5) + 1;

const ownDigit = ({ item }: Asked): Said => ({ text: String(digitOf(item)) });

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

// biome-ignore lint/suspicious/noExplicitAny: see Asked
function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function namedItem(body: Asked['body']): string {
  const text = JSON.stringify(body?.messages ?? null);
  return text.match(/\bitem-\d+\b/g)?.at(-1) ?? createHash('sha256').update(text).digest('hex').slice(0, 12);
}
