import { describe, expect, test } from 'vitest';
import type { ChatRequest } from '../../src/endpoint/types.js';
import { connect, RICH, says } from '../helpers/chat-client.js';
import type { Asked, Behaviour } from '../helpers/endpoint-server.js';

const about = (item: number): ChatRequest => ({
  ...RICH,
  messages: [{ role: 'user', content: `item-${item}: how hard is it?` }],
});
const refuse =
  (status: number, error: unknown): Behaviour =>
  ({ response }) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(error));
const say = () => ({ text: '3' });
const THREE = says('3');
const isFull = ({ body }: Asked) =>
  ['temperature', 'seed', 'logprobs', 'response_format', 'max_tokens'].every((field) => field in body);

/** What a row may say, and a server may quote. */
const WORDS =
  'temperature seed logprobs top_logprobs response_format json_schema system max_tokens is not supported, use stream instead';

describe("a refusal that quotes a row's words", () => {
  const quoting: [string, number, unknown][] = [
    ['a text', 400, { error: { message: `Prompt is flagged: "${WORDS}"`, param: 'messages', code: null } }],
    ['a list', 422, { detail: [{ type: 'string_too_long', loc: ['body', 'messages', 0, 'content'], msg: WORDS }] }],
    ['plain text', 400, WORDS],
    ['a type that is not taken', 415, { message: WORDS }],
    ['not implemented', 501, { error: WORDS }],
  ];
  test.each(quoting)('is about that row alone, and costs no request (%s)', async (_, status, error) => {
    const { client, endpoint, warnings } = await connect({
      script: ({ item }) => (item === 'item-0' ? refuse(status, error) : undefined),
      say,
    });
    const attempts = await Promise.all(Array.from({ length: 8 }, (_, i) => client.send(about(i))));
    expect(attempts[0]).toMatchObject({ failure: { status } });
    expect(attempts.slice(1)).toEqual(Array(7).fill(THREE));
    expect(await client.send(about(0))).toMatchObject({ failure: { status } });
    expect(await client.send(about(8))).toEqual(THREE);
    expect(endpoint.requests).toHaveLength(10);
    expect(endpoint.requests.every(isFull)).toBe(true);
    expect(warnings).toEqual([]);
  });

  test('costs a handful of requests where it is the very first, and nothing is given up', async () => {
    const { client, endpoint, warnings } = await connect({
      script: ({ item }) => (item === 'item-0' ? refuse(400, { error: { message: WORDS } }) : undefined),
      say,
    });
    expect(await client.send(about(0))).toMatchObject({ failure: { status: 400 } });
    expect(endpoint.requests.length).toBeLessThanOrEqual(5);
    expect(endpoint.requests.every(({ body }) => body.max_tokens === 8 || body.max_completion_tokens === 8)).toBe(true);
    expect(await client.send(about(1))).toEqual(THREE);
    expect(isFull(endpoint.requests.at(-1)!)).toBe(true);
    expect(warnings).toEqual([]);
  });
});

test("a refusal of a row waits for the others in flight, which prove that it is the row's", async () => {
  const { client, endpoint } = await connect({
    script: async ({ item }) => {
      if (item === 'item-0') return refuse(400, { error: { message: WORDS } });
      await new Promise((resolve) => setTimeout(resolve, 30));
      return undefined;
    },
    say,
  });
  const [first, second] = await Promise.all([client.send(about(0)), client.send(about(1))]);
  expect(first).toMatchObject({ failure: { status: 400 } });
  expect(second).toEqual(THREE);
  expect(endpoint.requests).toHaveLength(2);
});

test('one that never ends does not hold it up for ever', async () => {
  const { client } = await connect(
    {
      script: ({ item, body }) =>
        item === 'item-0' ? 'hang' : 'seed' in body ? refuse(400, { error: { message: 'seed?' } }) : undefined,
      say,
    },
    { patienceMs: 20, timeoutMs: 500 },
  );
  const hung = client.send(about(0));
  expect(await client.send(about(1))).toMatchObject({ reply: { text: '3', without: ['seed'] } });
  expect(await hung).toMatchObject({ failure: { kind: 'timeout' } });
});

test('one finds out, the others wait for what it finds: eight at once cost no eight searches', async () => {
  const { client, endpoint, warnings } = await connect({
    script: ({ body }) => ('seed' in body || 'logprobs' in body ? refuse(400, { error: 'Bad Request' }) : undefined),
    say,
  });
  const attempts = await Promise.all(Array.from({ length: 8 }, (_, i) => client.send(about(i))));
  for (const attempt of attempts)
    expect(attempt).toMatchObject({ reply: { text: '3', without: ['logprobs', 'seed'] } });
  expect(warnings).toHaveLength(2);
  const after = endpoint.requests.length;
  expect(after).toBeLessThanOrEqual(8 + 7 + 14);
  const besides = attempts.map((attempt) => attempt.besides!.requests);
  expect(besides.reduce((sum, n) => sum + n, 8)).toBe(after);
});

test('what the requests beside it cost is counted', async () => {
  const { client, endpoint } = await connect({
    script: ({ body }) => ('seed' in body ? refuse(400, { error: 'Bad Request' }) : undefined),
    say,
  });
  const attempt = await client.send(about(0));
  const answered = endpoint.requests.filter(({ body }) => !('seed' in body)).length;
  expect(attempt).toMatchObject({
    reply: { usage: { promptTokens: 100, replyTokens: 5 } },
    besides: {
      requests: endpoint.requests.length - 1,
      usage: { promptTokens: 100 * (answered - 1), replyTokens: 5 * (answered - 1) },
    },
  });
});

test('a row that only goes without its schema, while others are answered with one, changes nothing for them', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { client, endpoint, warnings } = await connect(
    {
      script: async ({ item, body }) => {
        if (item === 'item-0') return 'response_format' in body ? refuse(400, { error: 'Bad Request' }) : undefined;
        await held;
        return undefined;
      },
      say,
    },
    { patienceMs: 5 },
  );
  const [first, second] = [client.send(about(0)), client.send(about(1))];
  expect(await first).toMatchObject({ reply: { text: '3', without: ['schema'] } });
  release();
  expect(await second).toEqual(THREE);
  expect(await client.send(about(2))).toEqual(THREE);
  expect(isFull(endpoint.requests.at(-1)!)).toBe(true);
  expect(warnings).toEqual([
    'the endpoint refuses replies in the shape of a JSON Schema; it is asked in words alone',
    'the endpoint takes a JSON Schema again',
  ]);
});

test('nor where they are answered while it is found out', async () => {
  const { client, endpoint, warnings } = await connect(
    {
      script: async ({ item, body }) => {
        if (item === 'item-1') return searched;
        if (item === 'item-2') return undefined;
        if ('response_format' in body) return refuse(400, { error: 'Bad Request' });
        // The search is under way: the other one is answered first.
        release();
        await other;
        return undefined;
      },
      say,
    },
    { patienceMs: 5 },
  );
  let release = () => {};
  const searched = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  const first = client.send(about(0));
  const other = client.send(about(1));
  expect(await first).toMatchObject({ reply: { text: '3', without: ['schema'] } });
  expect(await client.send(about(2))).toEqual(THREE);
  expect(isFull(endpoint.requests.at(-1)!)).toBe(true);
  expect(warnings).toEqual([]);
});

test('a reply that the model did not get into its schema is asked for in words, for that row alone', async () => {
  const error = {
    message: "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
    type: 'invalid_request_error',
    code: 'json_validate_failed',
    failed_generation: '',
  };
  const { client, endpoint, warnings } = await connect({
    script: ({ item, body }) => (item === 'item-0' && 'response_format' in body ? refuse(400, { error }) : undefined),
    say,
  });
  expect(await client.send(about(0))).toEqual({ ...says('3', { without: ['schema'] }), besides: { requests: 1 } });
  expect(await client.send(about(1))).toEqual(THREE);
  expect(await client.send(about(0))).toMatchObject({ reply: { without: ['schema'] } });
  expect(endpoint.requests).toHaveLength(5);
  expect(warnings).toEqual([]);
});

describe('trouble while it is found out', () => {
  test('decides nothing: the question is asked again, and then it is found out', async () => {
    const { client, warnings } = await connect({
      script: ({ n, body }) => {
        if ('temperature' in body) return refuse(400, { error: { message: 'temperature?' } });
        return n === 1 ? '429' : undefined;
      },
      say,
    });
    expect(await client.send(about(0))).toMatchObject({ failure: { kind: 'rate-limit' }, next: 'wait' });
    expect(warnings).toEqual([]);
    expect(await client.send(about(0))).toMatchObject({ reply: { text: '3', without: ['temperature'] } });
    expect(warnings).toHaveLength(1);
  });

  test('does not go on for ever', async () => {
    const { client, endpoint, warnings } = await connect({
      script: (asked) => (isFull(asked) ? refuse(400, { error: { message: 'no' } }) : '503'),
    });
    for (let row = 0; row < 40; row++) await client.send(about(row));
    expect(endpoint.requests.length).toBeLessThanOrEqual(40 + 2 * 40);
    expect(warnings).toEqual([]);
  });
});

describe('a 500', () => {
  test('is asked again first, since it may pass', async () => {
    const { client, endpoint, warnings } = await connect({ script: ({ n }) => (n === 0 ? '500' : undefined), say });
    expect(await client.send(about(0))).toMatchObject({ next: 'retry' });
    expect(await client.send(about(0))).toEqual(THREE);
    expect(endpoint.requests).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  test('gives nothing up where the request is answered as it was in the end', async () => {
    const { client, endpoint, warnings } = await connect({ script: ({ n }) => (n < 2 ? '500' : undefined), say });
    expect(await client.send(about(0))).toMatchObject({ next: 'retry' });
    expect(await client.send(about(0))).toMatchObject(THREE);
    expect(isFull(endpoint.requests.at(-1)!)).toBe(true);
    expect(warnings).toEqual([]);
  });

  test('after a reply is trouble like any other', async () => {
    const { client, endpoint } = await connect({ script: ({ n }) => (n > 0 ? '500' : undefined), say });
    for (let row = 0; row < 5; row++) await client.send(about(row));
    expect(endpoint.requests).toHaveLength(5);
  });
});

describe('the name of the limit', () => {
  const values: [string, number, unknown][] = [
    ['vLLM', 400, { object: 'error', message: "'max_tokens' must be at least 1, got -33.", param: null, code: 400 }],
    [
      'vLLM, with a param',
      400,
      { error: { message: "'max_tokens' is too large: 8.", type: 'BadRequestError', param: 'max_tokens', code: 400 } },
    ],
    [
      'Together',
      422,
      { error: { message: '`inputs` tokens + `max_new_tokens` must be <= 8193', param: 'max_tokens', code: null } },
    ],
    [
      'OpenAI',
      400,
      {
        error: {
          message: 'Could not finish the message because max_tokens or model output limit was reached.',
          type: 'invalid_request_error',
          param: null,
          code: null,
        },
      },
    ],
  ];
  test.each(values)(
    'stays where its value is refused, before and after the first reply (%s)',
    async (_, status, error) => {
      const { client, endpoint, warnings } = await connect({
        script: ({ item }) => (item === 'item-0' ? refuse(status, error) : undefined),
        say,
      });
      expect(await client.send(about(0))).toMatchObject({ failure: { status } });
      expect(await client.send(about(1))).toEqual(THREE);
      expect(await client.send(about(0))).toMatchObject({ failure: { status } });
      expect(await client.send(about(2))).toEqual(THREE);
      expect(endpoint.requests.every(({ body }) => body.max_tokens === 8)).toBe(true);
      expect(warnings).toEqual([]);
    },
  );

  test('changes back where another server answers at the address', async () => {
    let only: string | undefined = 'max_completion_tokens';
    const { client, endpoint } = await connect({
      script: ({ body }) => {
        const other = ['max_tokens', 'max_completion_tokens'].find((name) => name in body && name !== only);
        return other === undefined
          ? undefined
          : refuse(400, { error: { message: 'no', param: other, code: 'unsupported_parameter' } });
      },
      say,
    });
    expect(await client.send(about(0))).toMatchObject(THREE);
    expect(endpoint.requests.at(-1)!.body.max_completion_tokens).toBe(8);
    only = 'max_tokens';
    expect(await client.send(about(1))).toMatchObject(THREE);
    expect(endpoint.requests.at(-1)!.body.max_tokens).toBe(8);
    expect(endpoint.requests.at(-1)!.body).not.toHaveProperty('max_completion_tokens');
  });
});
