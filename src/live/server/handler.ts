import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FolderView } from '../views/folder-view.js';
import { check, type Gate, type Refusal, type Route } from './check.js';
import { liveDocument } from './document.js';
import { type Feed, openFeed } from './feed.js';
import { cookieHeader } from './keys.js';
import { openStreams } from './streams.js';

/** Headers of every answer. None allows another page to read it (CORS). */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};

const SILENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Answers requests for the page of a folder. */
export interface Handler {
  readonly listener: RequestListener;
  /** Shows what has changed since, says why nothing more comes, and ends all streams. */
  end(reason: string): Promise<void>;
}

/** The handler of requests. No path of a request is a path of a file: a cell is a number in the study's own list. */
export function openHandler(view: FolderView, gate: () => Gate): Handler {
  const streams = openStreams({ ...HEADERS, 'Content-Security-Policy': SILENT_POLICY });
  const feeds = new Map<number | undefined, Feed>();
  const feedOf = (cell: number | undefined): Feed | undefined => {
    const known = feeds.get(cell);
    if (known) return known;
    const shown = cell === undefined ? view : view.cell(cell);
    if (!shown) return undefined;
    const feed = openFeed(shown);
    feeds.set(cell, feed);
    return feed;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const route = check(request, gate());
    if ('status' in route) return refuse(response, route);
    const feed = feedOf(route.cell);
    if (!feed) return refuse(response, { status: 404, reason: 'There is no such cell.' });
    if (route.what === 'page') return sendPage(request, response, { route, feed, gate: gate() });
    if (request.method === 'HEAD') return void response.writeHead(200, HEADERS).end();
    let unwatch: (() => void) | undefined;
    const stream = streams.open(response, () => unwatch?.());
    unwatch = feed.watch(stream, lastEventId(request));
  };
  return {
    listener: (request, response) => {
      // A reader that has gone is no error.
      response.on('error', () => {});
      answer(request, response).catch(() => response.destroy());
    },
    async end(reason) {
      if (streams.count > 0) await Promise.all([...feeds.values()].map((feed) => feed.look()));
      streams.endAll(reason);
    },
  };
}

/** The byte that a browser has seen events up to. */
function lastEventId({ headers }: IncomingMessage): number | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' && /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}

async function sendPage(
  { method }: IncomingMessage,
  response: ServerResponse,
  { route, feed, gate: { keys } }: { readonly route: Route; readonly feed: Feed; readonly gate: Gate },
): Promise<void> {
  const below = route.cell !== undefined;
  const path = `/p/${keys.place}/${below ? `cells/${route.cell}/` : ''}`;
  const { html, policy } = liveDocument(await feed.now(), { path, below });
  const body = Buffer.from(html);
  response.writeHead(200, {
    ...HEADERS,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': body.length,
    'Content-Security-Policy': policy,
    ...(route.withToken && { 'Set-Cookie': cookieHeader(keys) }),
  });
  response.end(method === 'HEAD' ? undefined : body);
}

function refuse(response: ServerResponse, { status, reason, headers }: Refusal): void {
  const body = Buffer.from(`${reason}\n`);
  response.writeHead(status, {
    ...HEADERS,
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    'Content-Security-Policy': SILENT_POLICY,
    // What else the request has is not read.
    Connection: 'close',
  });
  response.end(body);
}
