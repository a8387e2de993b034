import { describe, expect, test } from 'vitest';
import { firstKeyHeader } from '../../src/endpoint/dialect/key-header.js';
import { connect, KEY, REQUEST, says } from '../helpers/chat-client.js';
import type { Asked, Behaviour } from '../helpers/endpoint-server.js';

/** As servers say it that found no key. */
const denied: Behaviour = ({ response }) =>
  response.writeHead(401).end('{"error":{"code":"401","message":"Access denied due to invalid subscription key."}}');
const wants =
  (header: 'api-key' | 'authorization') =>
  ({ headers }: Asked): Behaviour =>
    headers[header] === undefined ? denied : undefined;
const say = () => ({ text: '3' });

test.each([
  ['https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21', 'k', 'api-key'],
  ['https://x.openai.azure.com/openai/v1', 'k', 'api-key'],
  ['https://x.cognitiveservices.azure.com/openai/v1', 'k', 'api-key'],
  ['https://x.services.ai.azure.com/models', 'k', 'api-key'],
  ['https://x.azure-api.net/v1', 'k', 'api-key'],
  ['https://gateway.example/v1?api-version=1', 'k', 'api-key'],
  ['https://x.openai.azure.com/openai/v1', 'eyJ0eXAiOiJKV1Qi', 'bearer'],
  ['https://api.openai.com/v1', 'k', 'bearer'],
  ['https://openai.azure.com.example/v1', 'k', 'bearer'],
  ['http://localhost:8000/v1', undefined, 'bearer'],
] as const)('%s gets the key %s first as %s', (baseUrl, apiKey, header) => {
  expect(firstKeyHeader({ baseUrl, ...(apiKey && { apiKey }) })).toBe(header);
});

describe('where the key is refused', () => {
  test('the other header is tried once, by one for all, and kept', async () => {
    const { client, endpoint, warnings } = await connect({ script: wants('api-key'), say });
    const attempts = await Promise.all(Array.from({ length: 8 }, () => client.send(REQUEST)));
    expect(attempts).toEqual(Array(8).fill(says('3')));
    expect(await client.send(REQUEST)).toEqual(says('3'));
    expect(warnings).toEqual(['the endpoint takes the key as the header "api-key"; it is sent so']);
    const last = endpoint.requests.at(-1)!;
    expect(last.headers['api-key']).toBe(KEY);
    expect(last.headers.authorization).toBeUndefined();
    expect(endpoint.requests).toHaveLength(8 + 8 + 1);
  });

  test('a gateway that looks like Azure may want a bearer', async () => {
    const { client, endpoint } = await connect({ script: wants('authorization'), say }, { query: '?api-version=1' });
    expect(await client.send(REQUEST)).toEqual(says('3'));
    expect(endpoint.requests.map(({ headers }) => headers['api-key'] ?? headers.authorization)).toEqual([
      KEY,
      `Bearer ${KEY}`,
    ]);
  });

  test('by both, the run ends after two requests', async () => {
    const { client, endpoint, warnings } = await connect({ script: () => denied });
    expect(await client.send(REQUEST)).toMatchObject({ failure: { kind: 'refused-key' }, next: 'stop' });
    expect(endpoint.requests).toHaveLength(2);
    await client.send(REQUEST);
    expect(endpoint.requests).toHaveLength(3);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['a code that calls it wrong', '401'],
    ['403', '403'],
  ] as const)('no other header is tried where the server has seen the key: %s', async (_, fault) => {
    const { client, endpoint } = await connect({ script: () => fault });
    expect(await client.send(REQUEST)).toMatchObject({ next: 'stop' });
    expect(endpoint.requests).toHaveLength(1);
  });

  test('a broken connection shows nothing: it is tried again', async () => {
    const { client, endpoint } = await connect({
      script: (asked) => (asked.n === 1 ? 'reset' : wants('api-key')(asked)),
      say,
    });
    expect(await client.send(REQUEST)).toMatchObject({ failure: { kind: 'network' }, next: 'retry' });
    expect(await client.send(REQUEST)).toEqual(says('3'));
    expect(endpoint.requests).toHaveLength(4);
  });

  test('after a reply it has expired: no other header is tried', async () => {
    const { client, endpoint } = await connect({ script: ({ n }) => (n > 0 ? denied : undefined), say });
    await client.send(REQUEST);
    expect(await client.send(REQUEST)).toMatchObject({ next: 'stop' });
    expect(endpoint.requests).toHaveLength(2);
  });

  test('without a key none is sent', async () => {
    const { client, endpoint } = await connect({ script: () => denied }, { key: '' });
    expect(await client.send(REQUEST)).toMatchObject({ next: 'stop' });
    expect(endpoint.requests).toHaveLength(1);
    expect(endpoint.requests[0]!.headers).not.toHaveProperty('api-key');
    expect(endpoint.requests[0]!.headers).not.toHaveProperty('authorization');
  });
});
