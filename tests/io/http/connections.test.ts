import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { type HttpRequest, openConnections } from '../../../src/io/http/connections.js';
import { type ConnectionProblem, connectionProblem } from '../../../src/io/http/problem.js';
import type { Environment } from '../../../src/io/http/proxy.js';
import { makeAuthority, makeCertificate } from '../../helpers/certificate.js';
import { startProxy, type TestProxy } from '../../helpers/proxy.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server on a free port of this machine. */
async function listen(server: Pick<Server, 'listen' | 'address' | 'close'> | ReturnType<typeof createTcpServer>) {
  const sockets = new Set<Socket>();
  (server as Server).on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const echo: RequestListener = async (message, response) => {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  const { host, 'proxy-authorization': leaked } = message.headers;
  response
    .writeHead(200, { 'x-twice': ['a', 'b'] })
    .end(JSON.stringify({ url: message.url, host, leaked, body: Buffer.concat(parts).toString() }));
};

async function proxy(settings?: Parameters<typeof startProxy>[0]): Promise<TestProxy> {
  const started = await startProxy(settings);
  closing.push(started.close);
  return started;
}

function open(environment: Environment = {}) {
  const connections = openConnections(environment);
  closing.push(connections.close);
  return connections;
}

/** What there is to say of a request that does not succeed. */
async function problem(url: string, environment: Environment = {}): Promise<ConnectionProblem> {
  return open(environment)
    .send(url, { headers: {} })
    .then(
      () => expect.unreachable(),
      (error: unknown) => connectionProblem(error),
    );
}

async function text(url: string, environment: Environment = {}, request: Partial<HttpRequest> = {}) {
  const answer = await open(environment).send(url, { headers: {}, ...request });
  let body = '';
  for await (const part of answer.body.setEncoding('utf8')) body += part;
  return { ...answer, body };
}

test('a request and its answer', async () => {
  const port = await listen(createServer(echo));
  const answer = await text(`http://127.0.0.1:${port}/a?b=c`, {}, { method: 'POST', body: 'hello' });
  expect(answer).toMatchObject({ status: 200, headers: { 'x-twice': 'a,b' } });
  expect(JSON.parse(answer.body)).toEqual({ url: '/a?b=c', host: `127.0.0.1:${port}`, body: 'hello' });
});

test('a plain request is handed to the proxy, with its credentials, which go no further', async () => {
  const port = await listen(createServer(echo));
  const through = await proxy({ user: 'me:p@ss' });
  const environment = { HTTP_PROXY: `http://me:p%40ss@127.0.0.1:${through.port}` };
  const url = `http://judge.example:${port}/v1?x=1`;
  const answer = await text(url, environment, { method: 'POST', body: 'hello' });
  expect(JSON.parse(answer.body)).toEqual({ url: '/v1?x=1', host: `judge.example:${port}`, body: 'hello' });
  expect(through.asked).toEqual([{ line: `POST ${url}`, user: 'me:p@ss', host: `judge.example:${port}` }]);
});

test('a host of this machine and one that NO_PROXY excepts are not asked for at the proxy', async () => {
  const port = await listen(createServer(echo));
  const through = await proxy();
  const environment = { ALL_PROXY: `127.0.0.1:${through.port}`, NO_PROXY: 'nowhere.invalid' };
  expect((await text(`http://localhost:${port}/`, environment)).status).toBe(200);
  expect(await problem('http://nowhere.invalid/', environment)).toMatchObject({
    message: expect.stringMatching(/^no connection \((ENOTFOUND|EAI_AGAIN)\)$/),
  });
  expect(through.asked).toEqual([]);
});

test('a tunnel is asked for once while connections are kept, and TLS is spoken inside of it', async () => {
  const port = await listen(createTlsServer(makeCertificate({ hosts: ['judge.example'] }), echo));
  const through = await proxy({ user: 'me:secret' });
  const environment = { HTTPS_PROXY: `me:secret@127.0.0.1:${through.port}` };
  expect(await problem(`https://judge.example:${port}/`, environment)).toEqual({
    message: expect.stringMatching(/^the certificate of the server is self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)/),
    retry: false,
    begun: false,
  });
  expect(through.asked).toEqual([
    { line: `CONNECT judge.example:${port}`, user: 'me:secret', host: `judge.example:${port}` },
  ]);
});

test.each(['http', 'https'])('a proxy that asks for a password says so at once: %s', async (scheme) => {
  const through = await proxy({ user: 'me:secret' });
  const place = `127.0.0.1:${through.port}`;
  const url = `${scheme}://api.example.com/`;
  expect(await problem(url, { ALL_PROXY: `http://${place}` })).toEqual({
    message: `the proxy ${place} asks for a user name and password (407); put them into ALL_PROXY as USER:PASSWORD@${place}`,
    retry: false,
    begun: false,
  });
  expect(await problem(url, { https_proxy: `me:wrong@${place}`, http_proxy: `me:wrong@${place}` })).toEqual({
    message: `the proxy ${place} refuses the user name and password that ${scheme}_proxy holds (407)`,
    retry: false,
    begun: false,
  });
});

test.each([
  ['Negotiate, NTLM', 'asks for a log-in by negotiate, ntlm (407), of which none is supported; expected basic'],
  [
    'Digest realm="a", qop="auth", nonce="b"',
    'asks for a log-in by digest (407), of which none is supported; expected basic',
  ],
  [
    'NTLM, Basic realm="a, b", charset="UTF-8"',
    'asks for a user name and password (407); put them into ALL_PROXY as USER:PASSWORD@',
  ],
])('a proxy that lets in by %s', async (kinds, message) => {
  const through = await proxy({
    onConnect: (client) => Boolean(client.end(`HTTP/1.1 407 No\r\nproxy-authenticate: ${kinds}\r\n\r\n`)),
  });
  const place = `127.0.0.1:${through.port}`;
  const found = await problem('https://api.example.com/', { ALL_PROXY: place });
  expect(found.message.replace(/@127.*/, '@')).toBe(`the proxy ${place} ${message}`);
  expect(found.retry).toBe(false);
});

test('many tunnels at once, and no warning', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const through = await proxy({ user: 'me:secret' });
  const connections = open({ ALL_PROXY: `127.0.0.1:${through.port}` });
  const one = (n: number) => connections.send(`https://host-${n}.example/`, { headers: {} }).catch(connectionProblem);
  const all = await Promise.all(Array.from({ length: 40 }, (_, n) => one(n)));
  expect(all.every((each) => 'retry' in each && !each.retry)).toBe(true);
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

const answering = (answer: string) => (client: Socket) => Boolean(client.end(answer));
test.each<[what: string, onConnect: (client: Socket) => boolean, message: string, retry: boolean]>([
  ['403', answering('HTTP/1.1 403 Forbidden\r\n\r\n'), 'does not open a tunnel to the server (403 Forbidden)', false],
  [
    '403 with a reason',
    answering('HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 16\r\n\r\nhost not allowed'),
    'does not open a tunnel to the server (403 Forbidden: host not allowed)',
    false,
  ],
  ['405 without words', answering('HTTP/1.1 405\r\n\r\n'), 'does not open a tunnel to the server (405)', false],
  [
    '502',
    answering('HTTP/1.1 502 Bad Gateway\r\n\r\n'),
    'does not open a tunnel to the server (502 Bad Gateway)',
    true,
  ],
  ['503', answering('HTTP/1.0 503 Busy\r\n\r\n'), 'does not open a tunnel to the server (503 Busy)', true],
  ['nothing', answering(''), 'that ALL_PROXY names breaks the connection (ECONNRESET)', true],
  ['SSH', answering('SSH-2.0-OpenSSH_9\r\n'), 'does not speak HTTP (HPE_INVALID_CONSTANT); check ALL_PROXY', false],
])('what a proxy says to a tunnel: %s', async (_what, onConnect, message, retry) => {
  const through = await proxy({ onConnect });
  const place = `127.0.0.1:${through.port}`;
  expect(await problem('https://api.example.com/', { ALL_PROXY: place })).toEqual({
    message: `the proxy ${place} ${message}`,
    retry,
    begun: false,
  });
});

test.each(['http', 'https'])('it is said that the proxy is what cannot be reached: %s', async (scheme) => {
  const through = await proxy();
  await through.close();
  const place = `127.0.0.1:${through.port}`;
  expect(await problem(`${scheme}://api.example.com/`, { ALL_PROXY: place })).toEqual({
    message: `the proxy ${place} that ALL_PROXY names cannot be reached (ECONNREFUSED)`,
    retry: true,
    begun: false,
  });
  expect(await problem(`${scheme}://api.example.com/`, { ALL_PROXY: 'http://me:secret@proxy.invalid' })).toEqual({
    message: expect.stringMatching(
      /^the proxy proxy\.invalid:80 that ALL_PROXY names cannot be reached \((ENOTFOUND|EAI_AGAIN)\)$/,
    ),
    retry: true,
    begun: false,
  });
});

test('a proxy that speaks TLS is told apart from one that does not', async () => {
  const secure = await proxy({ tls: makeCertificate({ hosts: ['localhost'] }) });
  const plain = await proxy();
  const url = 'https://api.example.com/';
  expect(await problem(url, { HTTPS_PROXY: `https://localhost:${secure.port}` })).toMatchObject({
    message: expect.stringMatching(/^the certificate of the proxy localhost:\d+ is self-signed .*NODE_EXTRA_CA_CERTS/),
    retry: false,
  });
  expect(await problem(url, { HTTPS_PROXY: `https://localhost:${plain.port}` })).toMatchObject({
    message: `the proxy localhost:${plain.port} does not speak TLS (wrong version number); write http:// instead of https:// in HTTPS_PROXY`,
    retry: false,
  });
});

test('closing ends what is under way, at a proxy that never answers too', async () => {
  let arrived = () => {};
  const here = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const through = await proxy({
    onConnect: () => {
      arrived();
      return true;
    },
  });
  const connections = open({ ALL_PROXY: `127.0.0.1:${through.port}` });
  const sent = connections.send('https://api.example.com/', { headers: {} }).then(
    () => 'answered',
    () => 'ended',
  );
  await here;
  await connections.close();
  expect(await sent).toBe('ended');
});

const authority = makeAuthority('an authority');
const EXTRA = /set NODE_EXTRA_CA_CERTS to the path of that file$/;
test.each([
  ['signed by itself', { hosts: ['localhost'] }, 'is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT)', EXTRA],
  [
    'of an authority that is not known',
    { hosts: ['localhost'], issuer: authority },
    'comes from an authority that is not known here (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    EXTRA,
  ],
  [
    'of an authority that comes along',
    { hosts: ['localhost'], issuer: authority, chain: true },
    'comes from an authority that is not known here (SELF_SIGNED_CERT_IN_CHAIN)',
    EXTRA,
  ],
])(
  'a certificate %s',
  async (_what, {
    chain = false,
    ...options
  }: Parameters<typeof makeCertificate>[0] & { chain?: boolean }, said, fix) => {
    const { cert, key } = makeCertificate(options);
    const port = await listen(createTlsServer({ key, cert: chain ? cert + authority.cert : cert }, echo));
    const found = await problem(`https://localhost:${port}/`);
    expect(found).toEqual({ message: expect.stringMatching(fix), retry: false, begun: false });
    expect(found.message).toContain(`the certificate of the server ${said}; `);
  },
);

test('a server that speaks no TLS, or nothing but TLS', async () => {
  const plain = await listen(createServer(echo));
  expect(await problem(`https://127.0.0.1:${plain}/`)).toEqual({
    message: 'the server does not speak TLS (wrong version number); write http:// instead of https:// in its address',
    retry: false,
    begun: false,
  });
  const alert = await listen(createTcpServer((socket) => socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 10]))));
  expect(await problem(`http://127.0.0.1:${alert}/`)).toEqual({
    message: 'the server speaks TLS; write https:// instead of http:// in its address',
    retry: false,
    begun: false,
  });
});

test.each(['http', 'https'])('a server of HTTP/2 only: %s', async (scheme) => {
  const server =
    scheme === 'http' ? createHttp2Server() : createSecureServer(makeCertificate({ hosts: ['localhost'] }));
  const port = await listen(server as unknown as Server);
  expect(await problem(`${scheme}://127.0.0.1:${port}/`)).toEqual({
    message: 'the server speaks HTTP/2 only; allow HTTP/1.1 there, or put a gateway that speaks it in front',
    retry: false,
    begun: false,
  });
});

test('other trouble may pass', async () => {
  const closes = await listen(createTcpServer((socket) => socket.end()));
  const found = { retry: true, begun: true };
  expect(await problem(`http://127.0.0.1:${closes}/`)).toEqual({
    ...found,
    message: 'no connection, or it broke (UND_ERR_SOCKET)',
  });
  expect(await problem(`https://127.0.0.1:${closes}/`)).toEqual({
    ...found,
    begun: false,
    message: 'no connection (ECONNRESET)',
  });
  const talks = await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9\r\n')));
  expect(await problem(`http://127.0.0.1:${talks}/`)).toEqual({
    ...found,
    message: expect.stringContaining('does not match the HTTP/1.1 protocol'),
  });
});

/** As Node makes them, without a server for each. */
const tlsError = (code: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { code, ...more });
test.each([
  [
    tlsError('CERT_HAS_EXPIRED', 'certificate has expired'),
    /^the certificate of the server has expired \(CERT_HAS_EXPIRED\); it has to be renewed/,
  ],
  [tlsError('CERT_NOT_YET_VALID', 'certificate is not yet valid'), /is not valid yet .*clock/],
  [
    tlsError('ERR_TLS_CERT_ALTNAME_INVALID', "Hostname/IP does not match certificate's altnames", {
      reason: "Host: a. is not in the cert's altnames: DNS:b",
    }),
    /is for another host \(ERR_TLS_CERT_ALTNAME_INVALID: Host: a\. is not in the cert's altnames: DNS:b\); check the host/,
  ],
  [
    tlsError('ERR_TLS_CERT_ALTNAME_INVALID', 'x', { reason: `DNS:${'a.example, DNS:'.repeat(100)}` }),
    /^.{100,300}; check the host in the address$/,
  ],
  [tlsError('UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get local issuer certificate'), EXTRA],
  [tlsError('UNABLE_TO_GET_ISSUER_CERT', 'unable to get issuer certificate'), EXTRA],
  [tlsError('CERT_UNTRUSTED', 'certificate not trusted'), EXTRA],
  [tlsError('CERT_REVOKED', 'certificate revoked'), /was revoked/],
  [tlsError('CERT_REJECTED', 'certificate rejected'), /is refused \(CERT_REJECTED: certificate rejected\)/],
  [tlsError('INVALID_PURPOSE', 'unsuitable certificate purpose'), /is refused \(INVALID_PURPOSE: /],
  [tlsError('PATH_LENGTH_EXCEEDED', 'path length constraint exceeded'), /is refused/],
  [tlsError('UNSPECIFIED', 'EE certificate key too weak'), /is refused \(UNSPECIFIED: EE certificate key too weak\)/],
  [
    tlsError('EPROTO', 'write EPROTO 1:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:a.c:1:\n'),
    /does not speak TLS/,
  ],
  [
    tlsError('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'x', { reason: 'tlsv1 alert protocol version' }),
    /^no TLS connection to the server is possible \(tlsv1 alert protocol version\)/,
  ],
])('TLS that cannot come about is not tried again: %s', (error, message) => {
  const wrapped = new Error('Connection error.', { cause: new Error('fetch failed', { cause: error }) });
  expect(connectionProblem(wrapped)).toEqual({ message: expect.stringMatching(message), retry: false, begun: false });
});

test.each([
  tlsError('ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC', 'x'),
  tlsError('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'x'),
  tlsError('UND_ERR_CONNECT_TIMEOUT', 'Connect Timeout Error'),
  new Error('anything'),
  'text',
  undefined,
])('other errors are: %s', (error) => expect(connectionProblem(error).retry).toBe(true));
