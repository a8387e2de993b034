import { expect, test } from 'vitest';
import { type Random, random } from '../../src/core/random.js';
import type { FailedRequest, RequestOutcome } from '../../src/endpoint/answers/request-outcome.js';
import { costOf } from '../../src/endpoint/prices.js';
import { promptTokensOf } from '../../src/endpoint/request-tokens.js';
import type { Clock } from '../../src/endpoint/scheduler/pace.js';
import type { Question } from '../../src/endpoint/types.js';
import { questionsOf } from '../helpers/ask.js';
import { type Answered, memoryLedger, replies, type Seen, type Sent, simulate } from '../helpers/simulated.js';

const PRICE = { input: 100, output: 1000 };
const failure = (kind: FailedRequest['failure']['kind'], status?: number) => ({
  kind,
  message: 'no',
  ...(status && { status }),
});

/** What a hostile server may do with a request, and what it charges. */
const WAYS = {
  reply: (prompt: number, reply: number): RequestOutcome =>
    replies({ text: '3', usage: { prompt_tokens: prompt, completion_tokens: reply } }),
  uncounted: (): RequestOutcome => replies({ text: '3', usage: null }),
  retry: (): RequestOutcome => ({ failure: failure('server', 500), next: 'retry' }),
  worked: (): RequestOutcome => ({ failure: failure('no-reply'), next: 'retry', worked: true }),
  network: (): RequestOutcome => ({ failure: failure('network'), next: 'retry' }),
  busy: (): RequestOutcome => ({ failure: failure('server', 503), next: 'retry' }),
  hinted: (): RequestOutcome => ({ failure: failure('server', 503), next: 'retry', afterMs: 700 }),
  wait: (): RequestOutcome => ({ failure: failure('rate-limit', 429), next: 'wait' }),
  load: (): RequestOutcome => ({ failure: failure('server', 503), next: 'load' }),
  skip: (): RequestOutcome => ({ failure: failure('too-long', 400), next: 'skip' }),
  refused: (): RequestOutcome => ({ failure: failure('refused-request', 400), next: 'refused' }),
  stop: (): RequestOutcome => ({ failure: failure('refused-key', 401), next: 'stop' }),
} as const;
type Way = keyof typeof WAYS;

/** What a run is made of. */
interface Plan {
  readonly shares: Readonly<Record<Way | 'hang' | 'throws', number>>;
  readonly longestMs: number;
  readonly deafMs: number;
  readonly hintMs: number;
  readonly bursts: boolean;
}

function planOf(draw: Random): Plan {
  const maybe = (chance: number, most = 1) => (draw.uniform() < chance ? most * draw.uniform() : 0);
  const shares = { reply: 0.1 + draw.uniform() } as Record<keyof Plan['shares'], number>;
  for (const way of Object.keys(WAYS) as Way[]) shares[way] ??= maybe(0.3, way === 'stop' ? 0.02 : 1);
  shares.hang = maybe(0.3, 3);
  shares.throws = maybe(0.1, 0.02);
  return {
    shares,
    longestMs: draw.uniform() < 0.5 ? 900 : 60_000 * draw.uniform(),
    deafMs: maybe(0.3, 5000),
    hintMs: maybe(0.5, draw.uniform() < 0.1 ? 2e6 : 30_000),
    bursts: draw.uniform() < 0.2,
  };
}

function drawn<K extends string>(draw: Random, shares: Readonly<Record<K, number>>): K {
  const entries = Object.entries(shares) as [K, number][];
  let left = draw.uniform() * entries.reduce((sum, [, share]) => sum + share, 0);
  for (const [name, share] of entries) {
    left -= share;
    if (left < 0) return name;
  }
  return entries[0]![0];
}

/** A server that follows a plan, and watches how it is asked. */
function hostileServer(
  plan: Plan,
  draw: Random,
  {
    concurrency,
    maxCost,
    spacingMs,
    interrupt,
  }: { concurrency: number; maxCost: number; spacingMs: number; interrupt: (n: number) => void },
) {
  const wrong: string[] = [];
  const open = new Map<
    number,
    { readonly n: number; readonly at: number; readonly cost: number; readonly signal: AbortSignal }
  >();
  const replied = new Set<string>();
  let lastAt = Number.NEGATIVE_INFINITY;
  let [charged, heldAt, heldN, holding, notBefore, unheard, sent] = [0, Number.NEGATIVE_INFINITY, 0, false, 0, true, 0];
  const inTime = plan.shares.hang === 0 && plan.longestMs < 1000;
  return {
    wrong,
    replied,
    charged: () => charged,
    /** Time begins again. */
    restart() {
      open.clear();
      lastAt = Number.NEGATIVE_INFINITY;
      [heldAt, holding, notBefore, unheard] = [Number.NEGATIVE_INFINITY, false, 0, true];
    },
    serve({ request, n, now }: Seen, signal: AbortSignal): Answered {
      if (n > 30_000) throw new Error('asked without end');
      const flying = [...open.values()].filter((one) => !one.signal.aborted);
      if (flying.filter(({ at }) => now - at < 1000).length >= concurrency) wrong.push(`too many at once at ${now}`);
      if (inTime && holding && flying.some(({ n }) => n >= heldN)) wrong.push(`two probes at ${now}`);
      if (inTime && holding && now < notBefore) wrong.push(`sent at ${now}, asked to wait until ${notBefore}`);
      if (now < lastAt + spacingMs - 1e-6) wrong.push(`sent at ${now} and ${lastAt}`);
      lastAt = now;
      const over = charged - flying.reduce((sum, { cost }) => sum + cost, 0);
      if (over > maxCost + 1e-9) wrong.push(`sent when ${over} were spent of ${maxCost}`);
      const burst = plan.bursts && Math.floor(now / 20_000) % 2 === 1;
      const way = burst ? 'busy' : drawn(draw, plan.shares);
      const afterMs = 1 + draw.integer(Math.ceil(plan.longestMs));
      const prompt = Math.floor(promptTokensOf(request) * draw.uniform());
      const reply = draw.integer(request.maxTokens! + 1);
      const costs = way === 'reply' || way === 'uncounted' || way === 'worked' || way === 'hang';
      const cost = costs ? costOf(PRICE, { promptTokens: prompt, replyTokens: reply }) : 0;
      charged += cost;
      sent = n + 1;
      open.set(n, { n, at: now, cost, signal });
      if (way === 'hang') return 'hang';
      if (way === 'throws') return { throws: new Error('the client is broken'), attempt: WAYS.retry(), afterMs };
      const made = WAYS[way](prompt, reply);
      const hinted = way === 'wait' || way === 'load' || way === 'retry' || way === 'busy';
      const hint = hinted && plan.hintMs > 0 && draw.uniform() < 0.5;
      const attempt = hint ? { ...made, afterMs: Math.floor(draw.uniform() * plan.hintMs) } : made;
      return { attempt, afterMs, ...(plan.deafMs > 0 && { deafMs: plan.deafMs }) };
    },
    /** Called when the client gives what came of a request. */
    landed({ n, item, now, answered, dropped }: Sent & { readonly now: number; readonly dropped: boolean }) {
      const { at } = open.get(n)!;
      open.delete(n);
      if (dropped || answered === 'hang' || answered.throws) return;
      interrupt(n);
      const { attempt } = answered;
      if ('reply' in attempt || attempt.next === 'skip') replied.add(item);
      if ('reply' in attempt) {
        unheard = false;
      }
      const { next, afterMs, failure } = attempt as FailedRequest;
      const isLoading = next === 'load' || (failure?.status === 503 && unheard);
      if (next === 'wait' || isLoading || (next === 'retry' && afterMs !== undefined)) {
        if (!holding && at < heldAt) return;
        const first = !holding || n >= heldN;
        notBefore = first ? now + (afterMs ?? 0) : Math.max(notBefore, now + (afterMs ?? 0));
        if (first) [heldAt, heldN] = [now, sent];
        holding = true;
      } else if (holding && n >= heldN && next !== 'retry') holding = false;
    },
  };
}

/** Questions of several lengths, some twice, that come at once or after a while, and may break off. */
async function* questionsFor(count: number, draw: Random, clock: () => Clock): AsyncGenerator<Question> {
  const slow = draw.uniform() < 0.2;
  const breaks = draw.uniform() < 0.1 ? draw.integer(count) : count;
  const all = [...questionsOf(count)];
  for (let i = 0; i < count; i++) {
    if (i === breaks) throw new Error('the file is gone');
    if (slow) await clock().sleep(draw.integer(3000));
    const question = draw.uniform() < 0.05 ? all[draw.integer(i + 1)]! : all[i]!;
    yield { ...question, request: { ...question.request, maxTokens: 1 + draw.integer(50) } };
  }
}

/** One server, one user, one or two runs; what was against the rules, and what it was made of. */
async function hostileRun(seed: number): Promise<{ wrong: readonly string[]; what: unknown }> {
  const draw = random(seed, 'hostile');
  const pick = <T>(...of: readonly T[]): T => of[draw.integer(of.length)]!;
  const plan = planOf(draw);
  const concurrency = pick(1, 2, 3, 8, 64);
  const maxCost = draw.uniform() < 0.3 ? draw.uniform() : undefined;
  const options = {
    concurrency,
    retryWait: pick(0, 0.1, 1),
    tries: pick(1, 2, 6),
    retryBudget: pick(undefined, 0, 0.1, 5),
    maxCost,
    requestsPerMinute: pick(undefined, undefined, 20, 600),
    tokensPerMinute: pick(undefined, undefined, 500, 20_000),
  };
  const controller = new AbortController();
  const count = 1 + draw.integer(60);
  const interruptN = draw.uniform() < 0.1 ? draw.integer(count) : undefined;
  const server = hostileServer(plan, draw, {
    concurrency,
    maxCost: maxCost ?? Number.POSITIVE_INFINITY,
    spacingMs: 60_000 / (options.requestsPerMinute ?? Number.POSITIVE_INFINITY),
    interrupt: (n) => n === interruptN && controller.abort(),
  });
  const interruptMs = draw.uniform() < 0.3 ? draw.integer(pick(2000, 60_000)) : undefined;
  const takeEvents = draw.uniform() < 0.1 ? 1 + draw.integer(20) : undefined;
  const graceMs = pick(0, 500, 2000);
  const ledger = memoryLedger();
  let clock!: Clock;
  const wrong: string[] = [];
  const before = draw.uniform() < 0.2 ? 1 : 0;
  for (let run = 0; run <= before; run++) {
    server.restart();
    const costBefore = ledger.cost;
    const { end, error, events, lines, seen, tookMs } = await simulate(
      server.serve,
      questionsFor(count, random(seed, 'questions'), () => clock),
      {
        options,
        seed,
        ledger,
        price: PRICE,
        signal: controller.signal,
        graceMs,
        ...(takeEvents && { takeEvents }),
        landed: server.landed,
        onClock: (own) => {
          clock = own;
          if (interruptMs !== undefined) void own.sleep(interruptMs).then(() => controller.abort());
        },
      },
    );
    const check = (right: boolean, what: string) => right || wrong.push(what);
    const keys = lines.filter(({ reply }) => reply).map(({ key }) => key);
    check(new Set(keys).size === keys.length, 'two replies to a question');
    const answeredKeys = events.flatMap((event) => (event.type === 'answer' ? [event.answer.key] : []));
    check(new Set(answeredKeys).size === answeredKeys.length, 'two outcomes of a question');
    for (const item of server.replied)
      check(
        ledger.lines.some((line) => line.item === item && line.failure?.kind !== 'interrupted'),
        `what came of ${item} is not in the ledger`,
      );
    check(ledger.cost >= server.charged() - 1e-9, `ledger ${ledger.cost}, charged ${server.charged()}`);
    check(!(error instanceof TypeError || error instanceof RangeError), `${error}`);
    if (end) {
      const { totals, stopped } = end;
      const { answered, failed, known, requests, cost } = totals;
      check(Math.abs(costBefore + cost! - ledger.cost) < 1e-9, `totals ${cost}, ledger ${ledger.cost - costBefore}`);
      check(requests === seen.length, `${requests} requests reported, ${seen.length} sent`);
      check(answered === keys.length && answered + failed === answeredKeys.length, 'totals do not add up');
      if (!stopped) check(answered + failed + known === count, `${answered} + ${failed} + ${known} of ${count}`);
      check(stopped !== 'interrupted' || controller.signal.aborted, 'interrupted by nobody');
      if (stopped === 'interrupted' && interruptMs !== undefined)
        check(tookMs <= interruptMs + graceMs + plan.deafMs + 3001, `ended at ${tookMs}`);
    }
    if (wrong.length > 0) break;
  }
  return { wrong: [...wrong, ...server.wrong], what: { seed, plan, options, count, interruptMs, graceMs, takeEvents } };
}

/** Where rounding made a watch wait for no time at all, without end. */
const ONCE_WRONG = [1825];

test('servers that do everything at random, with runs that break off at any moment: each question ends once, all rules hold', async () => {
  const seeds = [...Array.from({ length: 250 }, (_, seed) => seed + 1), ...ONCE_WRONG];
  for (const seed of seeds) {
    const { wrong, what } = await hostileRun(seed);
    expect(wrong, JSON.stringify(what)).toEqual([]);
  }
}, 60_000);

test('interrupted: what comes within the moment of grace is kept, also that a row is refused for its own content', async () => {
  const controller = new AbortController();
  const answers: Answered[] = [
    { attempt: WAYS.reply(1, 1), afterMs: 1400 },
    { attempt: WAYS.skip(), afterMs: 1400 },
    { attempt: WAYS.reply(1, 1), afterMs: 1600 },
  ];
  const { end, lines, tookMs } = await simulate(({ n }) => answers[n]!, questionsOf(3), {
    signal: controller.signal,
    graceMs: 500,
    onClock: (clock) => void clock.sleep(1000).then(() => controller.abort()),
  });
  expect(end).toMatchObject({ stopped: 'interrupted', totals: { answered: 1, failed: 1, requests: 3 } });
  expect(lines.map(({ key, failure }) => [key, failure?.kind])).toEqual([
    ['key-0', undefined],
    ['key-1', 'too-long'],
  ]);
  expect(tookMs).toBe(1500);
});

test('connections that hang while it is found out what a server takes do not pass for a server that says nothing', async () => {
  const timeout: RequestOutcome = { failure: failure('timeout'), next: 'retry', besides: { requests: 1 } };
  const { end } = await simulate(({ n }) => ({ attempt: n < 4 ? timeout : WAYS.reply(1, 1) }), questionsOf(4), {
    options: { concurrency: 4 },
  });
  expect(end?.totals).toMatchObject({ answered: 4, failed: 0 });
});

test('a server that answered nothing but refusals of rows is not given up over one question that no connection came about for', async () => {
  const { end, error } = await simulate(
    ({ item }) => ({ attempt: item === 'item-2' ? WAYS.network() : item < 'item-2' ? WAYS.skip() : WAYS.reply(1, 1) }),
    questionsOf(6),
    { options: { concurrency: 1, retryWait: 0 } },
  );
  expect(error).toBeUndefined();
  expect(end?.totals).toMatchObject({ answered: 3, failed: 3 });
});
