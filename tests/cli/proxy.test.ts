import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { pullModel } from '../../src/model/pull.js';
import { makeAuthority, makeCertificate } from '../helpers/certificate.js';
import { completion } from '../helpers/endpoint-faults.js';
import { temporaryFolder } from '../helpers/folder.js';
import { startHub } from '../helpers/hub.js';
import { startProxy } from '../helpers/proxy.js';
import { startPhasetune } from './child.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
});

const authority = makeAuthority('the authority of this test');
const ROWS = ['one', 'two'].map((text) => JSON.stringify({ instruction: `Say ${text}.`, output: text })).join('\n');

/** A judge at https://judge.example, which only a proxy finds, and `phasetune score` with it. */
async function scoreThroughProxy(
  options: Partial<Parameters<typeof makeCertificate>[0]>,
  proxyUser = 'me:p@ss-word',
  tls = false,
) {
  const judge = createServer(
    makeCertificate({ hosts: ['judge.example'], issuer: authority, ...options }),
    (message, response) => {
      message.resume();
      response.end(JSON.stringify(completion({ text: '{"score": 3}' })));
    },
  );
  await new Promise<void>((resolve) => judge.listen(0, '127.0.0.1', resolve));
  const proxy = await startProxy({
    user: 'me:p@ss-word',
    ...(tls && { tls: makeCertificate({ hosts: ['127.0.0.1'], issuer: authority }) }),
  });
  closing.push(proxy.close, () => new Promise((resolve) => judge.close(resolve).closeAllConnections()));
  const folder = temporaryFolder('proxy');
  const [rows, out, ca] = ['rows.jsonl', 'scored.jsonl', 'ca.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(rows, ROWS);
  writeFileSync(ca, authority.cert);
  const base = `https://judge.example:${(judge.address() as AddressInfo).port}/v1`;
  const env = {
    HTTPS_PROXY: `${tls ? 'https://' : ''}${proxyUser.replace('p@ss', 'p%40ss')}@127.0.0.1:${proxy.port}`,
    NODE_EXTRA_CA_CERTS: ca,
    OPENAI_API_KEY: 'sk-0123456789abcdefgh',
  };
  const args = ['score', rows, '--out', out, '--base-url', base, '--model', 'm', '--yes', '--verbose'];
  return { ...(await startPhasetune(args, { env }).ended), proxy, out };
}

test.each([
  ['plain', false],
  ['over TLS', true],
])(
  'a judge behind a proxy with a password, with a certificate of an authority that NODE_EXTRA_CA_CERTS names: %s',
  async (_how, tls) => {
    const { code, err, out, proxy } = await scoreThroughProxy({}, undefined, tls);
    expect([code, err]).toEqual([0, expect.not.stringMatching(/p@ss|p%40ss/)]);
    expect(readFileSync(out, 'utf8').trim().split('\n')).toHaveLength(2);
    expect(
      proxy.asked.every(({ line, user }) => line.startsWith('CONNECT judge.example:') && user === 'me:p@ss-word'),
    ).toBe(true);
  },
);

test.each([
  ['expired', { to: new Date(Date.now() - 3_600_000) }, /has expired \(CERT_HAS_EXPIRED\); it has to be renewed/],
  [
    'for another host',
    { hosts: ['other.example'] },
    /is for another host \(ERR_TLS_CERT_ALTNAME_INVALID: .*other\.example/,
  ],
])('a certificate that is %s ends it at once', async (_what, options, message) => {
  const { code, err, proxy } = await scoreThroughProxy(options);
  const [error] = err.split('\n').filter((line) => line.startsWith('error: '));
  expect([code, error]).toEqual([4, expect.stringMatching(message)]);
  expect(error).not.toContain('NODE_EXTRA_CA_CERTS');
  // One for each connection that was opened at once, none again.
  expect(proxy.asked.length).toBeLessThanOrEqual(2);
});

test('a password that the proxy refuses is shown nowhere', async () => {
  const { code, err, proxy } = await scoreThroughProxy({}, 'me:p@ss-wrong');
  expect([code, err]).toEqual([4, expect.stringMatching(/refuses the user name and password that HTTPS_PROXY holds/)]);
  expect(err).not.toMatch(/ss-wrong/);
  expect(proxy.asked.length).toBeLessThanOrEqual(2);
});

test('a value that names no proxy is one line and a usage error', async () => {
  const folder = temporaryFolder('proxy');
  writeFileSync(join(folder, 'rows.jsonl'), ROWS);
  const env = { https_proxy: 'socks5://me:secret-1@127.0.0.1:1080', OPENAI_API_KEY: 'sk-0123456789abcdefgh' };
  for (const args of [
    ['score', join(folder, 'rows.jsonl'), '--out', join(folder, 'out.jsonl'), '--model', 'gpt-4o-mini', '--yes'],
    ['model', 'pull', 'org/name', '--out', join(folder, 'model')],
  ]) {
    const { code, err } = await startPhasetune(args, { env }).ended;
    const errors = err.split('\n').filter((line) => line.startsWith('error: '));
    expect([code, errors]).toEqual([
      2,
      [expect.stringMatching(/^error: https_proxy names a proxy of the kind socks5/)],
    ]);
    expect(err).not.toContain('secret-1');
  }
});

test('a model is pulled through the proxy, from where the hub sends it on to, too, and the token stays with the hub', async () => {
  const files = { 'config.json': Buffer.from('{}'), 'model.safetensors': Buffer.alloc(5000, 7) };
  const [hub, store, proxy] = [await startHub(files), await startHub(files), await startProxy({ user: 'me:secret' })];
  closing.push(hub.close, store.close, proxy.close);
  const named = (endpoint: string, host: string) => endpoint.replace('127.0.0.1', host);
  hub.fault = (request, response) =>
    request.url!.endsWith('/model.safetensors') &&
    Boolean(response.writeHead(302, { location: named(store.endpoint, 'store.example') + request.url }).end());
  vi.stubEnv('http_proxy', `http://me:secret@127.0.0.1:${proxy.port}`);
  const out = join(temporaryFolder('pull'), 'name');
  await pullModel('org/name', out, { endpoint: named(hub.endpoint, 'hub.example'), token: 'hf_secret' });
  expect(readFileSync(join(out, 'model.safetensors'))).toEqual(files['model.safetensors']);
  expect(hub.requests.map(({ token }) => token)).toEqual(Array(3).fill('Bearer hf_secret'));
  expect(store.requests.map(({ token }) => token)).toEqual([undefined]);
  expect(proxy.asked.map(({ host }) => host!.split(':')[0])).toEqual([
    'hub.example',
    'hub.example',
    'hub.example',
    'store.example',
  ]);
});
