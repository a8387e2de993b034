import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../src/endpoint/scheduler/pace.js';
import type { Question } from '../../src/endpoint/types.js';
import { type AskAllSettings, askAll, type linesOf, questionsOf } from '../helpers/ask.js';
import { digitOf, type Endpoint, type EndpointSettings, startEndpoint } from '../helpers/endpoint-server.js';

let folder: string;
let path: string;
let endpoint: Endpoint | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phasetune-ask-'));
  path = join(folder, 'scores.ledger.jsonl');
});
afterEach(async () => {
  await endpoint?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function against(
  server: EndpointSettings,
  questions: Iterable<Question> | AsyncIterable<Question>,
  settings: AskAllSettings = {},
) {
  endpoint = await startEndpoint(server);
  return askAll(endpoint.baseUrl, path, questions, settings);
}

const answersIn = (lines: ReturnType<typeof linesOf>) => lines.filter(({ reply }) => reply);

test('each question is answered once, each event is in the ledger before it is told', async () => {
  const seen: boolean[] = [];
  const { events, end, lines } = await against({}, questionsOf(50), {
    onEvent: (event) => {
      // Of the lines whole by then: the next answer's may be half written.
      if (event.type !== 'answer') return;
      const whole = readFileSync(path, 'utf8').split('\n').slice(0, -1);
      seen.push(whole.some((line) => JSON.parse(line).key === event.answer.key));
    },
  });
  expect(seen).toEqual(Array(50).fill(true));
  expect(lines.map(({ item, reply }) => [item, reply?.text]).sort()).toEqual(
    Array.from({ length: 50 }, (_, i) => [`item-${i}`, String(digitOf(`item-${i}`))]).sort(),
  );
  expect([...endpoint!.counts.values()]).toEqual(Array(50).fill(1));
  expect(events.at(-1)).toMatchObject({ totals: { answered: 50, failed: 0, requests: 50, promptTokens: 5000 } });
  expect(end).toEqual({ totals: events.at(-1)!.totals });
  expect(lines[0]).toEqual({
    key: expect.any(String),
    item: expect.any(String),
    at: expect.stringMatching(/^2\d{3}-/),
    tries: 1,
    reply: { text: expect.any(String), finish: 'stop', usage: { promptTokens: 100, replyTokens: 5 } },
  });
});

test('what the ledger has is not asked again, failures are, and a key that comes twice is asked once', async () => {
  const server: EndpointSettings = { script: ({ item }) => (item === 'item-3' ? '400' : undefined) };
  const first = await against(server, questionsOf(5));
  expect(first.end!.totals).toMatchObject({ answered: 4, failed: 1 });
  await endpoint!.close();
  const twice = function* () {
    yield* questionsOf(8);
    yield* questionsOf(8);
  };
  const second = await against({}, twice());
  expect([...endpoint!.counts.keys()].sort()).toEqual(['item-3', 'item-5', 'item-6', 'item-7']);
  expect(second.end!.totals).toMatchObject({ known: 12, answered: 4, failed: 0, requests: 4 });
});

test('no more are open at the same time than allowed, and as many as allowed', async () => {
  await against({ script: () => sleep(5).then(() => undefined) }, questionsOf(40), {
    options: { concurrency: 5 },
  });
  expect(endpoint!.mostAtOnce()).toBe(5);
});

test('questions are taken as they are needed', async () => {
  let taken = 0;
  const counting = function* () {
    for (const question of questionsOf(10_000)) {
      taken++;
      yield question;
    }
  };
  const controller = new AbortController();
  await against({}, counting(), {
    signal: controller.signal,
    onEvent: ({ totals }) => totals.answered === 20 && controller.abort(),
  });
  expect(taken).toBeLessThan(700);
});

test('questions may come from a stream that fails, after what was asked is in the ledger', async () => {
  const broken = async function* () {
    yield* questionsOf(3);
    throw new Error('the file is cut off');
  };
  const { error } = await against({}, broken());
  expect(error).toMatchObject({ message: 'the file is cut off' });
});

test('what passes is asked again, with waits that grow at random, and told', async () => {
  const { events, waits, lines } = await against(
    { script: ({ times }) => (times <= 4 ? '500' : undefined) },
    questionsOf(1),
  );
  const retries = events.filter((event) => event.type === 'retry');
  expect(retries.map(({ failure }) => failure.message)).toEqual(Array(4).fill('500: The server had an error'));
  expect(waits).toEqual(retries.map(({ waitMs }) => waitMs));
  for (const [i, ms] of waits.entries()) expect(ms).toBeLessThan(1000 * 2 ** i);
  expect(new Set(waits).size).toBe(4);
  expect(lines).toMatchObject([{ tries: 5, reply: { finish: 'stop' } }]);
});

test('what does not pass is left out after all tries, with its reason', async () => {
  const { end, lines } = await against(
    { script: ({ item }) => (item === 'item-1' ? 'html' : undefined) },
    questionsOf(3),
    {
      options: { tries: 3 },
    },
  );
  expect(end!.totals).toMatchObject({ answered: 2, failed: 1, retries: 2 });
  expect(endpoint!.counts.get('item-1')).toBe(3);
  expect(lines.find(({ failure }) => failure)).toMatchObject({
    key: 'key-1',
    item: 'item-1',
    tries: 3,
    failure: { kind: 'no-reply', message: 'an HTML page ("Welcome") instead of a reply' },
  });
});

test.each(['400', 'content filter', 'refusal', 'thoughts only', '403 html'] as const)(
  'what asking again cannot help is asked once: %s',
  async (fault) => {
    const { end } = await against({ script: () => fault }, questionsOf(1));
    expect(end!.totals).toMatchObject({ requests: 1, failed: 1 });
  },
);

test('everyone waits for as long as the endpoint asks', async () => {
  const { waits, end } = await against(
    { script: ({ n }) => (n === 0 ? '429 retry-after' : undefined) },
    questionsOf(3),
    { options: { concurrency: 1 } },
  );
  expect(waits).toEqual([2000]);
  expect(end!.totals).toMatchObject({ answered: 3, retries: 0, waits: 1 });
});

test('too many at once: half as many from then on, more again with replies; and no question fails for it', async () => {
  let [open, limit, most] = [0, 3, 0];
  const { end } = await against(
    {
      script: async () => {
        if (open >= limit) return '429';
        most = Math.max(most, ++open);
        await sleep(2);
        open--;
        return undefined;
      },
    },
    questionsOf(120),
    { options: { concurrency: 16, tries: 1 } },
  );
  expect(end!.totals).toMatchObject({ answered: 120, failed: 0 });
  expect(end!.totals.retries).toBeLessThan(90);
  expect(most).toBe(limit);
});

test('a wait of a day is not waited for', async () => {
  const { error, waits } = await against({ script: () => '429 retry-after a day' }, questionsOf(3));
  expect(error).toMatchObject({
    code: 'endpoint',
    message: expect.stringMatching(/asks to wait for 24 h 00 min .*kept/),
  });
  expect(waits).toEqual([]);
});

test.each([
  ['401', /refuses the key \(401: Incorrect API key provided\)/],
  ['403', /refuses the key \(403/],
  ['429 quota', /quota or credit is used up \(429: You exceeded/],
  ['402', /quota or credit is used up/],
  ['404 model', /no such model or address .* `baseUrl: http.*\/v1/],
] as const)('ends everything at once, exit code of endpoints: %s', async (fault, message) => {
  const { error, lines } = await against(
    { script: ({ n }) => (n < 10 ? undefined : n === 10 ? fault : 'hang') },
    questionsOf(100),
    { options: { concurrency: 4 } },
  );
  expect(error).toMatchObject({ code: 'endpoint', message: expect.stringMatching(message) });
  expect(endpoint!.requests.length).toBeLessThanOrEqual(18);
  expect(answersIn(lines)).toHaveLength(10);
});

test('a key that is asked for and not there', async () => {
  const { error } = await against({ script: () => '401' }, questionsOf(1), { apiKey: '' });
  expect(error).toMatchObject({ message: expect.stringMatching(/asks for a key .*`apiKeyEnv`/) });
});

test('an endpoint that answers nothing is left soon, and one that stopped answering', async () => {
  endpoint = await startEndpoint();
  await endpoint.close();
  const dead = await askAll(endpoint.baseUrl, path, questionsOf(1000), { options: { tries: 2, concurrency: 3 } });
  expect(dead.error).toMatchObject({
    code: 'endpoint',
    message: expect.stringMatching(/nothing is answered.*ECONNREFUSED/),
  });
  expect(dead.lines.length).toBeLessThan(4);

  const stopped = await against(
    { script: ({ n }) => (n < 10 ? undefined : 'empty choices') },
    questionsOf(1000, 2000),
    {
      options: { tries: 2 },
    },
  );
  expect(stopped.error).toMatchObject({ message: expect.stringMatching(/20 questions in a row failed \(no choices/) });
  expect(stopped.lines.length).toBeLessThan(50);
});

test.each([
  [5, 5],
  [0.5, 20],
  [undefined, 100],
])('retries are kept within a budget: %s', async (retryBudget, most) => {
  const { error, end, events } = await against(
    { script: ({ times }) => (times < 30 ? '500' : undefined) },
    questionsOf(4),
    {
      options: { tries: 100, concurrency: 4, ...(retryBudget !== undefined && { retryBudget }) },
    },
  );
  expect(end).toBeUndefined();
  expect(error).toMatchObject({ message: expect.stringMatching(`${most} retries are used up .*500: The server`) });
  expect(events.filter(({ type }) => type === 'retry')).toHaveLength(most);
});

test('interrupted: nothing more is sent, what comes soon is kept, the rest is given up', async () => {
  const controller = new AbortController();
  const { end, lines, error } = await against(
    {
      script: async ({ n }) => {
        if (n === 10) controller.abort();
        if (n < 10) return undefined;
        if (n > 11) return 'hang';
        await sleep(20);
        return undefined;
      },
    },
    questionsOf(1000),
    { signal: controller.signal, graceMs: 150, options: { concurrency: 4 } },
  );
  expect(error).toBeUndefined();
  expect(end).toMatchObject({ stopped: 'interrupted', totals: { failed: 0 } });
  expect(endpoint!.requests.length).toBeLessThanOrEqual(14);
  expect(answersIn(lines).length).toBeGreaterThanOrEqual(11);
  expect(lines.filter(({ failure }) => failure)).toEqual([]);
});

test('interrupted before it began, and while it waits', async () => {
  const before = await against({}, questionsOf(3), { signal: AbortSignal.abort() });
  expect(before.end).toMatchObject({ stopped: 'interrupted', totals: { requests: 0 } });
  await endpoint!.close();
  const controller = new AbortController();
  const clock = { now: () => performance.now(), sleep: (_: number, signal?: AbortSignal) => aborted(signal!) };
  const waiting = await against({ script: () => '503' }, questionsOf(1), {
    signal: controller.signal,
    clock,
    onEvent: () => controller.abort(),
  });
  expect(waiting.end).toMatchObject({ stopped: 'interrupted', totals: { requests: 1, failed: 0 } });
});

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

test('ending the loop early gives up what is in flight and leaves the ledger whole', async () => {
  const { error, lines } = await against({ script: ({ n }) => (n > 5 ? 'hang' : undefined) }, questionsOf(100), {
    onEvent: () => {
      throw new Error('enough');
    },
  });
  expect(error).toMatchObject({ message: 'enough' });
  expect(lines.length).toBeGreaterThanOrEqual(1);
});

test('a minute has no more requests and tokens than allowed', async () => {
  const sent: number[] = [];
  let clock: Clock | undefined;
  const script = () => void sent.push(clock!.now());
  const onClock = (given: Clock) => {
    clock = given;
  };
  await against({ script }, questionsOf(30), { onClock, options: { requestsPerMinute: 10, concurrency: 1 } });
  for (const from of sent) expect(sent.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(10);
  expect(sent.at(-1)).toBeCloseTo(29 * 6000);

  await endpoint!.close();
  sent.length = 0;
  await against({ script }, questionsOf(30, 100), { onClock, options: { tokensPerMinute: 1050, concurrency: 1 } });
  // The server counts 105 tokens for each.
  for (const from of sent) expect(sent.filter((at) => at >= from && at < from + 59_999).length).toBeLessThanOrEqual(10);
  expect(sent.at(-1)).toBeCloseTo(29 * 6000);
});

test('stops before more is spent than allowed, and tells what was', async () => {
  const price = { input: 10, output: 100 };
  const one = (100 * 10 + 5 * 100) / 1e6;
  const { end, lines } = await against({}, questionsOf(1000), { price, options: { maxCost: 0.05 } });
  expect(end!.stopped).toBe('max-cost');
  expect(end!.totals.cost).toBeLessThanOrEqual(0.05);
  expect(end!.totals.cost).toBeGreaterThan(0.05 - 3 * one);
  expect(end!.totals.cost).toBeCloseTo(lines.length * one, 9);
});

test('what was worked on and not counted costs its estimate; without a price no cost is told', async () => {
  const price = { input: 1e6, output: 0 };
  const timedOut = await against(
    { script: ({ times }) => (times === 1 ? 'half a body' : 'no usage') },
    questionsOf(1),
    { price },
  );
  expect(timedOut.end!.totals.cost).toBe(2 * 9);
  await endpoint!.close();
  const unknown = await against({}, questionsOf(1, 5));
  expect(unknown.end!.totals.cost).toBeUndefined();
});

test('with 30 % of all requests going wrong every question ends answered or with its reason', async () => {
  const { end, lines, error } = await against({ faults: { share: 0.3, seed: 11 } }, questionsOf(400), {
    options: { concurrency: 16 },
  });
  expect(error).toBeUndefined();
  const { answered, failed, retries } = end!.totals;
  expect(answered + failed).toBe(400);
  expect(answered).toBeGreaterThan(395);
  expect(retries).toBeGreaterThan(80);
  expect(new Set(lines.map(({ key }) => key)).size).toBe(400);
  for (const { item, reply } of answersIn(lines)) expect(reply!.text).toBe(String(digitOf(item)));
});
