import { expect, test } from 'vitest';
import type { RequestOutcome } from '../../src/endpoint/answers/request-outcome.js';
import { connect, REQUEST, RICH, says } from '../helpers/chat-client.js';
import type { EndpointSettings } from '../helpers/endpoint-server.js';

const refused =
  (when: (body: Record<string, unknown>) => boolean, status: number, body: unknown): EndpointSettings['script'] =>
  (asked) =>
    when(asked.body) ? ({ response }) => response.writeHead(status).end(JSON.stringify(body)) : undefined;

test.each([
  [
    'a schema, as one server words it',
    'response_format',
    'JSON Schema',
    refused((b) => 'response_format' in b, 400, { error: { message: 'json_schema is unavailable now' } }),
  ],
  [
    'a schema, as another does',
    'response_format',
    'JSON Schema',
    refused((b) => 'response_format' in b, 422, { detail: "Unexpected keys in the request: {'response_format'}" }),
  ],
  [
    'log-probabilities',
    'logprobs',
    'log-probabilities',
    refused((b) => 'logprobs' in b, 400, { error: { message: 'This model does not support logprobs' } }),
  ],
  [
    'this temperature',
    'temperature',
    'this temperature',
    refused((b) => 'temperature' in b, 400, { error: { message: 'Unsupported value', param: 'temperature' } }),
  ],
  ['a seed', 'seed', 'a seed', refused((b) => 'seed' in b, 400, { error: { message: 'unknown field: seed' } })],
  [
    'the name of the limit',
    'max_tokens',
    'the limit is called "max_completion_tokens"',
    refused((b) => 'max_tokens' in b, 400, {
      error: { message: "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead." },
    }),
  ],
] as const)('an endpoint that refuses %s is asked without, and it is told once', async (_, field, told, script) => {
  const { client, endpoint, warnings } = await connect({ script, say: () => ({ text: '3' }) });
  const attempts: RequestOutcome[] = await Promise.all([client.send(RICH), client.send(RICH)]);
  attempts.push(await client.send(RICH));
  const feature = { response_format: 'schema', max_tokens: undefined }[field as string] ?? field;
  const reply = says('3', field === 'max_tokens' ? {} : { without: [feature] });
  // Log-probabilities are asked for in smaller numbers before they are given up.
  const trials = field === 'logprobs' ? 2 : 1;
  expect(attempts).toEqual([
    { ...reply, besides: { requests: trials } },
    { ...reply, besides: { requests: 1 } },
    reply,
  ]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(told);
  const last = endpoint.requests.at(-1)!.body;
  expect(last).not.toHaveProperty(field);
  expect(Object.keys(last)).toHaveLength(
    Object.keys(endpoint.requests[0]!.body).length - (field === 'max_tokens' ? 0 : field === 'logprobs' ? 2 : 1),
  );
  if (field === 'max_tokens') expect(last.max_completion_tokens).toBe(8);
  // Two that were sent before anybody knew, again without it, and one that knew.
  expect(endpoint.requests).toHaveLength(4 + trials);
});

test('what was only tried on the way is put back: no part is given up but the refused ones', async () => {
  const { client, warnings } = await connect({
    script: ({ body }) => {
      const refused = ['seed', 'response_format'].filter((field) => field in body);
      return refused.length === 0
        ? undefined
        : ({ response }) =>
            response.writeHead(400).end(JSON.stringify({ error: `temperature? ${refused.length} fields are wrong` }));
    },
    say: () => ({ text: '3' }),
  });
  expect(await client.send(RICH)).toMatchObject(says('3', { without: ['schema', 'seed'] }));
  expect(warnings).toHaveLength(2);
});

test('an endpoint that refuses several things is asked without all of them', async () => {
  const { client, warnings } = await connect({
    script: ({ body }) => {
      const extra = Object.keys(body).find((key) => !['model', 'messages', 'max_tokens'].includes(key));
      return extra === undefined
        ? undefined
        : ({ response }) => response.writeHead(400).end(JSON.stringify({ error: `${extra} is unknown` }));
    },
    say: () => ({ text: '3' }),
  });
  expect(await client.send(RICH)).toMatchObject(says('3', { without: ['schema', 'logprobs', 'temperature', 'seed'] }));
  expect(warnings).toHaveLength(4);
});

test('an endpoint that refuses everything is not asked for ever, and nothing is given up', async () => {
  const { client, endpoint, warnings } = await connect({
    script: refused(() => true, 400, {
      error: { message: 'response_format, logprobs, max_tokens, seed, temperature' },
    }),
  });
  for (let row = 1; row <= 20; row++)
    expect(await client.send(RICH)).toMatchObject({ failure: { kind: 'refused-request' }, next: 'refused' });
  // Less and less: after 1 to 4, 8 and 16 of them.
  expect(endpoint.requests.length).toBeLessThanOrEqual(20 + 12);
  expect(warnings).toEqual([]);
});

test('an endpoint that names a field for ever is not asked for ever either', async () => {
  const { client, endpoint, warnings } = await connect({
    script: refused(() => true, 400, { error: { message: 'no', param: 'temperature', code: 'unsupported_value' } }),
  });
  for (let row = 1; row <= 20; row++)
    expect(await client.send(RICH)).toMatchObject({ failure: { kind: 'refused-request' }, next: 'refused' });
  expect(endpoint.requests.length).toBeLessThanOrEqual(20 + 20);
  expect(warnings).toEqual([]);
});

test('a prompt that is too long does not change how the limit is called', async () => {
  const message =
    "'max_tokens' or 'max_completion_tokens' is too large: 8. This model's maximum context length is 100 tokens and your request has 95 input tokens.";
  const { client, endpoint } = await connect({ script: refused(() => true, 400, { error: { message } }) });
  expect(await client.send(REQUEST)).toMatchObject({ failure: { kind: 'too-long' }, next: 'skip' });
  expect(endpoint.requests).toHaveLength(1);
});
