import { createServer, type IncomingMessage, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Certificate } from './certificate.js';

/** Settings of {@link startProxy}. */
interface ProxySettings {
  /** Asks for this user name and password. */
  readonly user?: string;
  /** What it does about CONNECT instead of opening the way, with the client's connection; true where it has. */
  readonly onConnect?: (client: Socket) => boolean;
  /** Speaks TLS itself. */
  readonly tls?: Certificate;
}

/** A proxy on this machine. */
export interface TestProxy {
  readonly port: number;
  /** What it was asked for, `CONNECT host:port` or `GET http://host/path`, with the credentials it got, decoded. */
  readonly asked: { readonly line: string; readonly user: string | undefined; readonly host: string | undefined }[];
  close(): Promise<void>;
}

/** Starts a proxy that finds every host on this machine, whatever its name. */
export async function startProxy({ user, onConnect, tls }: ProxySettings = {}): Promise<TestProxy> {
  const asked: TestProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const enter = (message: IncomingMessage): boolean => {
    const [, basic] = /^Basic (.+)$/.exec(message.headers['proxy-authorization'] ?? '') ?? [];
    const given = basic === undefined ? undefined : Buffer.from(basic, 'base64').toString('utf8');
    asked.push({ line: `${message.method} ${message.url}`, user: given, host: message.headers.host });
    return user === undefined || given === user;
  };
  const server = tls ? createTlsServer(tls) : createServer();
  server.on('request', (message: IncomingMessage, response): unknown => {
    if (!enter(message)) return response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end('<html>log in</html>');
    const { port, pathname, search } = new URL(message.url!);
    const { 'proxy-authorization': _secret, ...headers } = message.headers;
    const onward = request({ port, path: pathname + search, method: message.method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.writeHead(502).end());
    return message.pipe(onward);
  });
  server.on('connect', (message: IncomingMessage, client: Socket): unknown => {
    client.on('error', () => {});
    if (!enter(message))
      return client.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n');
    if (onConnect?.(client)) return undefined;
    const onward = connect(Number(new URL(`http://${message.url}`).port || 80), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(onward).pipe(client);
    });
    sockets.add(onward);
    onward.on('error', () => client.destroy()).on('close', () => client.destroy());
    return client.on('close', () => onward.destroy());
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
