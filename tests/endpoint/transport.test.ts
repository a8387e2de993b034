import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { createChatClient } from '../../src/endpoint/client.js';
import { fatalError } from '../../src/endpoint/scheduler/stop.js';
import { connect, KEY, REQUEST, says } from '../helpers/chat-client.js';
import { completion } from '../helpers/endpoint-faults.js';
import { startProxy } from '../helpers/proxy.js';

const GOOD = Buffer.from(JSON.stringify(completion({ text: '3' })));
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** What is made of one body with headers. */
async function attempt(body: Buffer, headers: Record<string, string>, status = 200) {
  const { client, endpoint } = await connect({
    script:
      () =>
      ({ response }) =>
        response.writeHead(status, headers).end(body),
  });
  const made = await client.send(REQUEST);
  expect(endpoint.requests[0]!.headers['accept-encoding']).toBe('identity');
  return made;
}

test.each<[what: string, body: Buffer, encoding: string]>([
  ['a mark of UTF-8 in front', Buffer.concat([BOM, GOOD]), ''],
  ['gzip', gzipSync(GOOD), 'gzip'],
  ['gzip in two parts', Buffer.concat([gzipSync(GOOD.subarray(0, 20)), gzipSync(GOOD.subarray(20))]), 'x-gzip'],
  ['deflate', deflateSync(GOOD), 'Deflate'],
  ['deflate without a header', deflateRawSync(GOOD), 'deflate'],
  ['br', brotliCompressSync(GOOD), 'br'],
  ['one in the other', brotliCompressSync(gzipSync(Buffer.concat([BOM, GOOD]))), 'gzip, br'],
  ['none', GOOD, 'identity'],
])('a body is read: %s', async (_what, body, encoding) => {
  expect(await attempt(body, encoding ? { 'content-encoding': encoding } : {})).toEqual(says('3'));
});

const network = (message: string, next: string) => ({ failure: { kind: 'network', message }, next, worked: true });
const LIMIT = 16 << 20;
test.each<[what: string, body: Buffer, encoding: string, message: string, next: string]>([
  [
    'a packing that is not known',
    GOOD,
    'zstd',
    'a body compressed as "zstd"; expected gzip, deflate, br or none',
    'stop',
  ],
  ['not what it says', GOOD, 'gzip', 'a compressed body that does not decompress', 'retry'],
  ['cut off', gzipSync(GOOD).subarray(0, 50), 'gzip', 'a compressed body that does not decompress', 'retry'],
  ['packed without a word', gzipSync(GOOD), '', `a body that is not text (${gzipSync(GOOD).length} bytes)`, 'retry'],
  ['zeros', Buffer.alloc(10), '', 'a body that is not text (10 bytes)', 'retry'],
  ['a bomb', gzipSync(Buffer.alloc(LIMIT + 1, 'x')), 'gzip', `a body of more than ${LIMIT} bytes`, 'retry'],
  [
    'a bomb in a bomb',
    gzipSync(gzipSync(Buffer.alloc(1 << 27))),
    'gzip, gzip',
    `a body of more than ${LIMIT} bytes`,
    'retry',
  ],
])('a body that cannot be read is said to be: %s', async (_what, body, encoding, message, next) => {
  expect(await attempt(body, encoding ? { 'content-encoding': encoding } : {})).toEqual(network(message, next));
});

test('a refusal is read as well, and its status counts where its words cannot be', async () => {
  const said = gzipSync('{"error":{"message":"no such thing"}}');
  expect(await attempt(said, { 'content-encoding': 'gzip' }, 400)).toMatchObject({
    failure: { status: 400, message: '400: no such thing' },
  });
  expect(await attempt(said, {}, 400)).toMatchObject({
    failure: { status: 400, message: `400: a body that is not text (${said.length} bytes)` },
  });
  expect(await attempt(said, { 'content-encoding': 'zstd' }, 503)).toMatchObject({
    failure: { status: 503, message: '503: a body compressed as "zstd"; expected gzip, deflate, br or none' },
    next: 'retry',
  });
});

const address = (baseUrl: string) => ({ baseUrl, model: 'judge', apiKey: KEY, local: false });

test('a proxy that asks for a password ends all asking at once, by its own words and no time-out', async () => {
  const proxy = await startProxy({ user: 'me:secret' });
  vi.stubEnv('HTTPS_PROXY', `127.0.0.1:${proxy.port}`);
  const client = createChatClient(address('https://judge.example/v1'));
  try {
    const missed = await client.send(REQUEST);
    const message = `the proxy 127.0.0.1:${proxy.port} asks for a user name and password (407); put them into HTTPS_PROXY as USER:PASSWORD@127.0.0.1:${proxy.port}`;
    expect(missed).toEqual({ failure: { kind: 'network', message }, next: 'stop', worked: false });
    if ('reply' in missed) expect.unreachable();
    else
      expect(fatalError(client.address, missed).message).toBe(
        `judge at judge.example: ${message}; what was answered is kept; run the same task again to continue`,
      );
    expect(proxy.asked).toHaveLength(1);
  } finally {
    vi.unstubAllEnvs();
    await client.close();
    await proxy.close();
  }
});

test('a proxy that speaks of time is quoted, and may be asked again', async () => {
  const stuck = await startProxy({
    onConnect: (client) => Boolean(client.end('HTTP/1.1 504 Gateway Timeout\r\n\r\n')),
  });
  vi.stubEnv('ALL_PROXY', `127.0.0.1:${stuck.port}`);
  const client = createChatClient(address('https://judge.example/v1'));
  try {
    expect(await client.send(REQUEST)).toEqual({
      failure: {
        kind: 'network',
        message: `the proxy 127.0.0.1:${stuck.port} does not open a tunnel to the server (504 Gateway Timeout)`,
      },
      next: 'retry',
      worked: false,
    });
  } finally {
    vi.unstubAllEnvs();
    await client.close();
    await stuck.close();
  }
});

test('a variable that holds no proxy is a usage error before anything is asked', () => {
  vi.stubEnv('HTTPS_PROXY', 'socks5://me:secret@127.0.0.1:1');
  try {
    expect(() => createChatClient(address('https://judge.example/v1'))).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.not.stringContaining('secret') }),
    );
    expect(() => createChatClient(address('http://localhost:8000/v1'))).not.toThrow();
  } finally {
    vi.unstubAllEnvs();
  }
});
