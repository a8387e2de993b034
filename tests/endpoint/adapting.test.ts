import { describe, expect, test } from 'vitest';
import { type Random, random } from '../../src/core/random.js';
import type { RequestOutcome } from '../../src/endpoint/answers/request-outcome.js';
import { createDialectAdapter } from '../../src/endpoint/dialect/adapting.js';
import {
  type Dialect,
  firstDialect,
  type Part,
  sentParts,
  withoutFeature,
} from '../../src/endpoint/dialect/dialect.js';
import type { Exchange } from '../../src/endpoint/dialect/trials.js';
import type { ChatRequest, Feature } from '../../src/endpoint/types.js';

const REQUEST: ChatRequest = {
  messages: [
    { role: 'system', content: 'You judge.' },
    { role: 'user', content: 'How hard is it?' },
  ],
  maxTokens: 8,
  temperature: 0,
  seed: 1,
  topLogprobs: 20,
  schema: { name: 'rating', schema: { type: 'object' } },
};
const FEATURES: readonly Feature[] = ['schema', 'logprobs', 'systemTurn', 'temperature', 'seed'];
const PARTS: readonly Part[] = [...FEATURES, 'limit', 'whole'];

/** The field that a part is sent in, and how a server speaks of it. */
const FIELD: Readonly<Record<Part, string>> = {
  schema: 'response_format',
  logprobs: 'logprobs',
  systemTurn: 'messages[0].role',
  temperature: 'temperature',
  seed: 'seed',
  limit: 'max_tokens',
  whole: 'stream',
};
const WORD = { ...FIELD, systemTurn: 'System role' };

type Manner = 'param' | 'words' | 'mute';

/** A server that refuses some parts, each in a manner of its own, and some rows for what they say. */
interface Server {
  readonly refuses: ReadonlyMap<Part, Manner>;
  readonly status: number;
  readonly badRows: ReadonlySet<number>;
  /** Share of the requests that are answered by trouble that passes. */
  readonly trouble: number;
  requests: number;
}

const HOSTILE = `"${Object.values(WORD).join(' ')} is not supported, use max_completion_tokens instead"`;

const drawServer = ({ uniform, integer }: Random, trouble: number): Server => {
  const refuses = new Map<Part, Manner>();
  for (const part of PARTS) {
    if (uniform() > 0.3) continue;
    // A name that is not spoken of is not changed: there might be no limit afterwards.
    const manners: Manner[] = part === 'limit' || part === 'whole' ? ['param', 'words'] : ['param', 'words', 'mute'];
    refuses.set(part, manners[integer(manners.length)]!);
  }
  const badRows = new Set(uniform() < 0.5 ? [integer(8), 8 + integer(32)] : []);
  return { refuses, status: [400, 422, 400, 500][integer(4)]!, badRows, trouble, requests: 0 };
};

const refusal = (status: number, message: string, param?: string): Exchange => ({
  attempt: {
    failure: { kind: 'refused-request', status, message },
    next: status === 500 ? 'retry' : 'refused',
  },
  refusal: {
    status,
    complaint: { message, names: param ? ['unsupported_parameter'] : [], issues: [], ...(param && { param }) },
  },
});

/** What passes when the request is sent again. */
const trouble = (kind: number): Exchange => {
  if (kind === 0) return refusal(500, 'The server had an error');
  const failure = [
    { kind: 'server', status: 503, message: '503' },
    { kind: 'rate-limit', status: 429, message: '429' },
    { kind: 'network', message: 'no connection' },
  ] as const;
  return { attempt: { failure: failure[kind - 1]!, next: kind === 2 ? 'wait' : 'retry' } };
};

async function answer(server: Server, row: number, dialect: Dialect, { integer, uniform }: Random): Promise<Exchange> {
  server.requests++;
  for (let turns = integer(4); turns >= 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  if (uniform() < server.trouble) return trouble(integer(4));
  const refused = sentParts(REQUEST, dialect).find(
    (part) => server.refuses.has(part) && !(part === 'limit' && dialect.limit !== 'max_tokens'),
  );
  if (refused !== undefined) {
    const manner = server.refuses.get(refused)!;
    if (manner === 'param') return refusal(400, 'no', FIELD[refused]);
    return refusal(server.status, manner === 'words' ? `unsupported: ${WORD[refused]}` : 'Bad Request');
  }
  if (server.badRows.has(row)) return refusal(400, `The prompt is flagged: ${HOSTILE}`);
  const without = FEATURES.filter((feature) => dialect.without.has(feature));
  return { attempt: { reply: { text: '3', finish: 'stop', ...(without.length > 0 && { without }) } } };
}

const isRefused = (server: Server) => FEATURES.filter((feature) => server.refuses.has(feature));

/** Asks about rows, eight at a time, and checks what came of it. */
async function judge(seed: number, share: number): Promise<void> {
  const count = share > 0 ? 120 : 40;
  const draws = random(seed, 'servers');
  const server = drawServer(draws, share);
  const warnings: string[] = [];
  const logger = { debug: () => {}, info: () => {}, warn: (line: string) => void warnings.push(line) };
  const adapter = createDialectAdapter(firstDialect('http://127.0.0.1:1/v1'), { logger, patienceMs: 1000 });
  const attempts = new Map<number, RequestOutcome>();
  const rows = Array.from({ length: count }, (_, i) => i).values();
  const worker = async () => {
    for (const row of rows) {
      const request = { ...REQUEST };
      for (let tries = 0; tries < 12; tries++) {
        const attempt = await adapter.send(request, (dialect) => answer(server, row, dialect, draws));
        attempts.set(row, attempt);
        if ('reply' in attempt || (attempt.next !== 'retry' && attempt.next !== 'wait')) break;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const told = `seed ${seed}: ${JSON.stringify([...server.refuses])} ${server.status} ${[...server.badRows]}`;
  const lost = [...attempts].filter(([row, one]) => !('reply' in one) && !server.badRows.has(row));
  expect(lost, told).toEqual([]);
  for (const row of server.badRows) expect(attempts.get(row), told).not.toHaveProperty('reply');
  const last = attempts.get(server.badRows.has(count - 1) ? count - 2 : count - 1) as unknown as {
    reply: { without?: string[] };
  };
  const missing = last.reply.without ?? [];
  // What trouble left open is put back by the requests that follow, one part after another.
  expect(missing, told).toEqual(expect.arrayContaining(isRefused(server)));
  expect(missing.length, told).toBeLessThanOrEqual(isRefused(server).length + (share > 0 ? 1 : 0));
  expect(server.requests, told).toBeLessThanOrEqual((count + 16 + 40) * (share > 0 ? 2 : 1));
  if (share === 0) expect(warnings.length, told).toBe(server.refuses.size);
}

describe('over random servers, which refuse any of it in any manner, with rows that quote it all', () => {
  const blocks = Array.from({ length: 20 }, (_, i) => i * 10);
  test.each(blocks)('every row is answered with all that the server takes (%i)', async (first) => {
    for (let seed = first; seed < first + 10; seed++) await judge(seed, 0);
  });

  test.each(blocks)('and where a fifth of the requests goes wrong (%i)', async (first) => {
    for (let seed = first; seed < first + 10; seed++) await judge(seed, 0.2);
  });
});

test('a dialect without everything that is refused is found at once where each refusal names its part', async () => {
  const refuses = new Map(PARTS.map((part) => [part, 'param' as Manner]));
  const server: Server = { refuses, status: 400, badRows: new Set(), trouble: 0, requests: 0 };
  const logger = { debug: () => {}, info: () => {}, warn: () => {} };
  const adapter = createDialectAdapter(firstDialect('http://127.0.0.1:1/v1'), { logger, patienceMs: 1000 });
  const draws = random(1);
  const attempt = await adapter.send(REQUEST, (dialect) => answer(server, 0, dialect, draws));
  expect(attempt).toMatchObject({ reply: { without: FEATURES } });
  expect(server.requests).toBeLessThanOrEqual(1 + PARTS.length + 2);
  const full = FEATURES.reduce(withoutFeature, firstDialect('http://127.0.0.1:1/v1'));
  expect(sentParts(REQUEST, full)).toEqual(['limit', 'whole']);
});

describe('an aborted signal', () => {
  const never = () => new Promise<never>(() => {});
  const start = () => {
    const logger = { debug: () => {}, info: () => {}, warn: () => {} };
    return createDialectAdapter(firstDialect('http://127.0.0.1:1/v1'), { logger, patienceMs: 1000 });
  };
  const rejecting = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

  test('ends whoever waits for what another one finds', async () => {
    const adapter = start();
    let n = 0;
    void adapter.send(REQUEST, () => (n++ === 0 ? Promise.resolve(refusal(400, 'Bad Request')) : never()));
    await new Promise((resolve) => setImmediate(resolve));
    const controller = new AbortController();
    const waiting = adapter.send(REQUEST, never, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('of whoever is finding out lets the others go on', async () => {
    const adapter = start();
    const controller = new AbortController();
    let n = 0;
    const first = adapter.send(
      REQUEST,
      () => (n++ === 0 ? Promise.resolve(refusal(400, 'Bad Request')) : rejecting(controller.signal)),
      controller.signal,
    );
    await new Promise((resolve) => setImmediate(resolve));
    const second = adapter.send(REQUEST, async () => ({ attempt: { reply: { text: '3', finish: 'stop' } } }));
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect(await second).toEqual({ reply: { text: '3', finish: 'stop' } });
  });
});
