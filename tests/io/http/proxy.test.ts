import { expect, test } from 'vitest';
import { type Environment, proxyFor } from '../../../src/io/http/proxy.js';

const HTTPS = new URL('https://api.example.com/v1');
const HTTP = new URL('http://api.example.com/v1');
const decoded = (authorization = '') => Buffer.from(authorization.replace('Basic ', ''), 'base64').toString('utf8');

test.each<[what: string, url: URL, environment: Environment, origin: string | undefined, variable?: string]>([
  ['none', HTTPS, {}, undefined],
  ['for https', HTTPS, { HTTPS_PROXY: 'http://a:1', HTTP_PROXY: 'http://b:2' }, 'http://a:1', 'HTTPS_PROXY'],
  ['for http', HTTP, { HTTPS_PROXY: 'http://a:1', HTTP_PROXY: 'http://b:2' }, 'http://b:2', 'HTTP_PROXY'],
  ['of the other scheme only', HTTPS, { HTTP_PROXY: 'http://b:2' }, undefined],
  [
    'in small letters first',
    HTTPS,
    { https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:2' },
    'http://a:1',
    'https_proxy',
  ],
  ['an empty one', HTTPS, { https_proxy: ' ', HTTPS_PROXY: '', ALL_PROXY: 'http://c:3' }, 'http://c:3', 'ALL_PROXY'],
  ['for all', HTTP, { all_proxy: 'http://c:3' }, 'http://c:3', 'all_proxy'],
  [
    'one that is no address, where another comes first',
    HTTPS,
    { HTTPS_PROXY: 'a:1', ALL_PROXY: 'socks5://c' },
    'http://a:1',
  ],
  ['without a scheme', HTTPS, { HTTPS_PROXY: '127.0.0.1:8080' }, 'http://127.0.0.1:8080'],
  ['a name alone', HTTPS, { HTTPS_PROXY: 'proxy' }, 'http://proxy'],
  ['localhost with a port', HTTPS, { HTTPS_PROXY: 'localhost:3128' }, 'http://localhost:3128'],
  ['IPv6', HTTPS, { HTTPS_PROXY: '[::1]:8080' }, 'http://[::1]:8080'],
  ['over TLS', HTTPS, { HTTPS_PROXY: 'HTTPS://proxy:443/' }, 'https://proxy'],
  ['with blanks around', HTTPS, { HTTPS_PROXY: ' http://a:1/ \n' }, 'http://a:1'],
])('the proxy of the environment: %s', (_what, url, environment, origin, variable) => {
  const proxy = proxyFor(url, environment);
  expect(proxy?.origin).toBe(origin);
  if (variable) expect(proxy?.variable).toBe(variable);
  expect(proxy?.authorization).toBeUndefined();
});

test.each([
  'http://localhost:8000',
  'http://127.0.0.1',
  'http://[::1]:80',
  'http://10.1.2.3',
  'https://judge.internal',
  'http://judge',
])('a host of this machine or network is reached without: %s', (url) =>
  expect(proxyFor(new URL(url), { ALL_PROXY: 'http://p:1' })).toBeUndefined(),
);

test.each([
  ['http://me:pass@p:1', 'me:pass'],
  ['me:pass@p:1', 'me:pass'],
  ['http://me:p%40s%3As%2F%23@p:1', 'me:p@s:s/#'],
  ['http://me:p@ss@p:1', 'me:p@ss'],
  ['http://me:100%@p:1', 'me:100%'],
  ['http://me@p:1', 'me:'],
  ['http://:pass@p:1', ':pass'],
  ['http://DOM%5Cme:pass@p:1', 'DOM\\me:pass'],
  ['http://mé:päss@p:1', 'mé:päss'],
])('a user name and password are decoded: %s', (value, expected) => {
  const proxy = proxyFor(HTTPS, { HTTPS_PROXY: value });
  expect(decoded(proxy?.authorization)).toBe(expected);
  expect([proxy?.origin, proxy?.place]).toEqual(['http://p:1', 'p:1']);
});

test.each([
  'socks5://me:secret@p:1',
  'SOCKS5H://me:secret@p:1',
  'socks4://p',
  'ftp://me:secret@p',
  'http://',
  'http://:8080',
  'http://me:secret@:8080',
  'http://me:se#cret@p:1',
  'http://me:se/cret@p:1',
  'http://me\\you:secret@p:1',
  'http://p:1/secret.pac',
  'http://p:1?secret',
  'p:99999',
  'me:secret',
  'http:/me:secret@p',
  'a b secret',
  'http://p:secret',
])('a value that names no proxy is refused by the name of its variable, and not repeated: %s', (value) => {
  for (const variable of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])
    try {
      proxyFor(HTTPS, { [variable]: value });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(`^${variable} `) });
      expect((error as Error).message).not.toMatch(/secret|\bme\b/);
    }
});

test.each<[list: string, url: string, excepted: boolean]>([
  ['*', 'https://api.example.com', true],
  ['api.example.com', 'https://api.example.com', true],
  ['example.com', 'https://api.example.com', true],
  ['.example.com', 'https://api.example.com', true],
  ['.example.com', 'https://example.com', true],
  ['*.example.com', 'https://api.example.com', true],
  ['EXAMPLE.com.', 'https://api.example.com', true],
  ['example.com', 'https://api.example.com./', true],
  ['a.b, other.org ,example.com', 'https://example.com', true],
  ['a.b example.com', 'https://example.com', true],
  ['ample.com', 'https://example.com', false],
  ['xample.com,com.', 'https://example.org', false],
  ['api.example.com', 'https://example.com', false],
  ['example.com:443', 'https://example.com', true],
  ['example.com:443', 'https://example.com:8443', false],
  ['.example.com:8443', 'https://a.example.com:8443', true],
  ['example.com:80', 'http://example.com', true],
  ['example.com:80', 'https://example.com', false],
  ['bücher.example', 'https://b%C3%BCcher.example', true],
  ['8.8.4.4', 'https://8.8.4.4', true],
  ['8.8.4.4:443', 'https://8.8.4.4', true],
  ['8.8.4.4:80', 'https://8.8.4.4', false],
  ['4.4', 'https://8.8.4.4', false],
  ['8.8.0.0/16', 'https://8.8.4.4', true],
  ['8.8.0.0/16', 'https://8.9.4.4', false],
  ['8.8.0.0/99,x/8,/,:,[', 'https://8.8.4.4', false],
  ['2001:db8::1', 'https://[2001:db8::1]', true],
  ['[2001:db8::1]:443', 'https://[2001:DB8:0::1]', true],
  ['[2001:db8::1]:80', 'https://[2001:db8::1]', false],
  ['2001:db8::/32', 'https://[2001:db8:1::7]', true],
  ['2001:db8::/32', 'https://[2001:db9::7]', false],
  ['', 'https://example.com', false],
  ['localhost,127.0.0.1', 'https://example.com', false],
])('NO_PROXY %j and %s', (list, url, excepted) => {
  for (const name of ['no_proxy', 'NO_PROXY'])
    expect(proxyFor(new URL(url), { ALL_PROXY: 'http://p:1', [name]: list }) === undefined).toBe(excepted);
});
