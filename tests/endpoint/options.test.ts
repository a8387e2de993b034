import { expect, test } from 'vitest';
import { endpointOptionsSchema, resolveEndpoint } from '../../src/endpoint/options.js';
import { isLocalHost } from '../../src/io/http/local-host.js';

const options = (given: object = {}) => endpointOptionsSchema.parse({ model: 'judge', ...given });
const KEY = 'sk-0123456789abcdef';

test('the address comes from the option, else from the environment, else it is that of OpenAI', () => {
  const environment = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: 'https://gateway.example/v1/' };
  expect(resolveEndpoint(options({ baseUrl: 'https://a.example/v1' }), environment).baseUrl).toBe(
    'https://a.example/v1',
  );
  expect(resolveEndpoint(options(), environment)).toEqual({
    baseUrl: 'https://gateway.example/v1',
    model: 'judge',
    apiKey: KEY,
    local: false,
  });
  expect(resolveEndpoint(options(), { OPENAI_API_KEY: KEY }).baseUrl).toBe('https://api.openai.com/v1');
});

test('who pays at OpenAI goes to OpenAI alone', () => {
  const environment = { OPENAI_API_KEY: KEY, OPENAI_ORG_ID: 'org-1', OPENAI_PROJECT_ID: 'proj-2' };
  expect(resolveEndpoint(options(), environment).headers).toEqual({
    'openai-organization': 'org-1',
    'openai-project': 'proj-2',
  });
  expect(resolveEndpoint(options({ baseUrl: 'https://a.example/v1' }), environment).headers).toBeUndefined();
});

test('an address that people copy from a call works', () => {
  const { baseUrl } = resolveEndpoint(options({ baseUrl: 'http://localhost:8000/v1/chat/completions' }), {});
  expect(baseUrl).toBe('http://localhost:8000/v1');
});

test('the key is that of the named variable; a local endpoint needs none', () => {
  const far = options({ baseUrl: 'https://a.example/v1', apiKeyEnv: 'MY_KEY' });
  expect(resolveEndpoint(far, { MY_KEY: ` ${KEY}\n`, OPENAI_API_KEY: 'other' }).apiKey).toBe(KEY);
  expect(() => resolveEndpoint(far, { OPENAI_API_KEY: 'other' })).toThrow(/no key for a\.example; set .* MY_KEY/);
  expect(resolveEndpoint(options({ baseUrl: 'http://127.0.0.1:1/v1' }), {})).not.toHaveProperty('apiKey');
});

test.each([
  [{ baseUrl: 'localhost:8000' }, /"localhost:8000" is not an address; expected one such as http/],
  [{ baseUrl: 'nonsense' }, /"nonsense" is not an address/],
  [{ baseUrl: 'https://me:secret@a.example/v1' }, /user name or a password/],
  [{ baseUrl: 'http://localhost/v1', model: undefined }, /no model is named.*set `model`/],
  [{ baseUrl: 'http://localhost/v1', apiKeyEnv: 'BAD' }, /BAD has spaces/],
])('what cannot work is refused as a mistake of usage, without the secret: %o', (given, message) => {
  const attempt = () => resolveEndpoint(options(given), { BAD: 'my secret key' });
  expect(attempt).toThrow(message);
  expect(attempt).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(attempt).not.toThrow(/secret key|me:secret/);
});

test('a key in place of the name of its variable is refused without being told', () => {
  const result = endpointOptionsSchema.safeParse({ apiKeyEnv: KEY });
  expect(result.error!.issues[0]!.message).toBe('expected the name of an environment variable, not the key itself');
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['0.0.0.0', true],
  ['10.1.2.3', true],
  ['192.168.0.5', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['[::1]', true],
  ['[fd00::1]', true],
  ['[2001:db8::1]', false],
  ['gpu-box', true],
  ['gpu.local', true],
  ['host.docker.internal', true],
  ['api.openai.com', false],
  ['127.example.com', false],
  ['8.8.8.8', false],
])('%s is on this machine or network: %s', (host, local) => expect(isLocalHost(host)).toBe(local));
