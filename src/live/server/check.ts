import type { IncomingHttpHeaders } from 'node:http';
import { hasCookie, isSameSecret, type Keys } from './keys.js';

/** What is read of a request before anything is done with it. */
export interface Asked {
  readonly method?: string | undefined;
  /** As it was sent: it is compared, never resolved. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What is asked for: the page, or what happens to it; of a cell of a study where there is an index, from 1. */
export interface Route {
  readonly what: 'page' | 'events';
  readonly cell?: number;
  /** True where the address has the token: the browser then gets the cookie. */
  readonly withToken: boolean;
}

/** A request that is not answered, why not, and a header that goes with it. */
export interface Refusal {
  readonly status: 403 | 404 | 405 | 421;
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whom a page answers. */
export interface Gate {
  readonly keys: Keys;
  /** Values of `Host`, in lower case. */
  readonly hosts: ReadonlySet<string>;
}

/**
 * Whether a request is answered. A browser on this machine opens whatever page it is led to, and
 * every page that it shows can send requests to 127.0.0.1, under any name that its owner has point
 * there: so `Host`, `Origin` and `Sec-Fetch-Site` must be this page's own. Other users of the
 * machine can connect too, so there is nothing without the token.
 */
export function check({ method, url = '', headers }: Asked, { keys, hosts }: Gate): Route | Refusal {
  const host = headers.host?.toLowerCase() ?? '';
  if (!hosts.has(host))
    return {
      status: 421,
      reason: 'This page is not there under that name or port. Open the address as it was printed.',
    };
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, reason: 'This page is only read.', headers: { Allow: 'GET, HEAD' } };
  const route = routeOf(url, headers.cookie, keys);
  if (headers.origin !== undefined && headers.origin.toLowerCase() !== `http://${host}`) return FOREIGN;
  if (!isOwnSite(headers, route)) return FOREIGN;
  return route ?? { status: 404, reason: 'There is nothing here. Open the whole address as it was printed.' };
}

const FOREIGN: Refusal = { status: 403, reason: 'Other pages may not read this one.' };

/**
 * Browsers say which site a request comes from. Another one may only lead its reader to the address
 * with the token, which it must know: a link in a chat, or a file on the disk that sends the
 * browser on.
 */
function isOwnSite(
  { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }: IncomingHttpHeaders,
  route?: Route,
) {
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return route?.what === 'page' && route.withToken && mode === 'navigate' && dest === 'document';
}

/** Paths after the key: the page, its events, and those of a cell. Nothing else is a path here. */
const PATH = /^\/([tp])\/([\w-]{1,64})\/(?:cells\/([1-9]\d{0,5})\/)?(events)?$/;

function routeOf(url: string, cookie: string | undefined, keys: Keys): Route | undefined {
  const [, kind, key, cell, events] = PATH.exec(url) ?? [];
  if (key === undefined) return undefined;
  const withToken = kind === 't';
  if (withToken ? !isSameSecret(key, keys.token) : !isSameSecret(key, keys.place) || !hasCookie(cookie, keys))
    return undefined;
  return { what: events ? 'events' : 'page', withToken, ...(cell !== undefined && { cell: Number(cell) }) };
}
