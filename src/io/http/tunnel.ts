import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { HttpProxy } from './proxy.js';

/**
 * What goes wrong on the way to a proxy or is refused by it; `cause` is the error of the connection
 * where there is one.
 */
export class ProxyFailure extends Error {
  /** The status of the proxy's refusal, and what it says of it; for 407, by which kinds of log-in it lets in. */
  readonly refusal: { readonly status: number; readonly said: string } | undefined;

  constructor(
    readonly proxy: Pick<HttpProxy, 'place' | 'variable' | 'authorization'>,
    reason: { readonly status: number; readonly said: string } | { readonly cause: unknown },
  ) {
    super('no tunnel through the proxy', 'cause' in reason ? { cause: reason.cause } : {});
    this.refusal = 'status' in reason ? reason : undefined;
  }
}

/** Whether an error says that nothing was sent yet: no connection came about. */
export function neverSent(error: unknown): boolean {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  return (
    syscall === 'connect' ||
    /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|ERR_SSL_\w+)$/.test(
      code ?? '',
    ) ||
    // Its code is that of any other connection that breaks.
    /before secure TLS connection was established/.test(message)
  );
}

/** Longest wait for a proxy to open the way to a server, which it first has to connect to itself. */
const LONGEST_OPENING_MS = 60_000;
/** Longest text of a refusal that is kept. */
const MOST = 200;

/**
 * Opens connections to servers through a proxy (CONNECT), with TLS inside of it where the server's
 * address is https.
 */
export function tunnelConnector(proxy: HttpProxy, closing: AbortSignal): buildConnector.connector {
  const toProxy = buildConnector({});
  const toServer = buildConnector({});
  return (target, callback) => {
    const done = (error: Error) => callback(error, null);
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    const host = target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname;
    connected(toProxy, proxy)
      .then((socket) => opened(socket, `${host}:${port}`, proxy, closing))
      .then((socket) => {
        if (target.protocol !== 'https:') callback(null, socket);
        else toServer({ ...target, httpSocket: socket }, callback);
      }, done);
  };
}

function connected(connector: buildConnector.connector, proxy: HttpProxy): Promise<Socket> {
  const { protocol, hostname, host, port } = new URL(proxy.origin);
  return new Promise((resolve, reject) =>
    connector({ protocol, hostname: hostname.replace(/^\[|\]$/g, ''), host, port }, (cause, socket) =>
      socket ? resolve(socket) : reject(new ProxyFailure(proxy, { cause })),
    ),
  );
}

/** Asks a proxy for the way to a server; resolves with the connection once that is open. */
function opened(socket: Socket, place: string, proxy: HttpProxy, closing: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asked: ClientRequest = request({
      method: 'CONNECT',
      path: place,
      headers: { host: place, ...(proxy.authorization && { 'proxy-authorization': proxy.authorization }) },
      createConnection: () => socket,
      timeout: LONGEST_OPENING_MS,
      signal: closing,
    });
    const fail = (cause: unknown) => {
      socket.destroy();
      reject(new ProxyFailure(proxy, { cause }));
    };
    asked.once('error', fail);
    asked.once('timeout', () => fail(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    asked.once('response', () => fail(new Error('an answer of another kind')));
    asked.once('connect', (response, _socket, first) => {
      const { statusCode: status = 0 } = response;
      if (status >= 200 && status < 300) {
        socket.setTimeout(0);
        if (first.length > 0) socket.unshift(first);
        return resolve(socket);
      }
      socket.on('error', () => {}).destroy();
      reject(new ProxyFailure(proxy, { status, said: reasonOf(response, first) }));
    });
    asked.end();
  });
}

/** What a proxy says of a refusal: the words beside the status, and a plain text. */
function reasonOf({ statusCode, statusMessage = '', headers }: IncomingMessage, first: Buffer): string {
  if (statusCode === 407) return String(headers['proxy-authenticate'] ?? '');
  const plain = /^text\/plain\b/i.test(headers['content-type'] ?? '') && !headers['transfer-encoding'];
  const body = plain ? first.toString('utf8').trim() : '';
  return [statusMessage, body]
    .filter((text) => text !== '')
    .join(': ')
    .slice(0, MOST);
}
