import { describe, expect, it, test } from 'vitest';
import { type Random, random } from '../../src/core/random.js';
import type { RequestOutcome } from '../../src/endpoint/answers/request-outcome.js';
import { costOf, type Price } from '../../src/endpoint/prices.js';
import { promptTokensOf } from '../../src/endpoint/request-tokens.js';
import type { Question } from '../../src/endpoint/types.js';
import { questionsOf } from '../helpers/ask.js';
import { type Answered, memoryLedger, refuses, replies, type Seen, simulate } from '../helpers/simulated.js';

/** What a server does with a request, and the tokens that it charges for it. */
interface Charged {
  readonly answered: Answered;
  readonly prompt: number;
  readonly reply: number;
}

/**
 * How a server charges: what a token of an estimate really is, and how far a reply goes beyond the
 * limit that was asked for.
 */
interface Billing {
  readonly promptTimes: number;
  readonly replyTimes: number;
  /** Share of each way to answer. */
  readonly shares: Readonly<Record<keyof typeof WAYS, number>>;
}

const counted = (prompt: number, reply: number) => ({ prompt_tokens: prompt, completion_tokens: reply });

const WAYS = {
  counted: (prompt: number, reply: number): Charged => ({
    answered: { attempt: replies({ text: '3', usage: counted(prompt, reply) }) },
    prompt,
    reply,
  }),
  uncounted: (prompt: number, reply: number): Charged => ({
    answered: { attempt: replies({ text: '3', usage: null }) },
    prompt,
    reply,
  }),
  thoughts: (prompt: number, reply: number): Charged => ({
    answered: { attempt: replies({ text: '', finish: 'length', usage: counted(prompt, reply) }) },
    prompt,
    reply,
  }),
  filtered: (prompt: number, reply: number): Charged => ({
    answered: { attempt: replies({ text: '', finish: 'content_filter', usage: counted(prompt, reply) }) },
    prompt,
    reply,
  }),
  empty: (prompt: number, reply: number): Charged => ({
    answered: { attempt: replies({ text: '', usage: counted(prompt, reply) }) },
    prompt,
    reply,
  }),
  broken: (prompt: number, reply: number): Charged => ({ answered: { attempt: BROKEN }, prompt, reply }),
  hang: (prompt: number, reply: number): Charged => ({ answered: 'hang', prompt, reply }),
  failed: (): Charged => ({ answered: { attempt: refuses(500, { error: { message: 'oops' } }) }, prompt: 0, reply: 0 }),
  limited: (): Charged => ({ answered: { attempt: refuses(429, {}) }, prompt: 0, reply: 0 }),
} as const;

const BROKEN: RequestOutcome = {
  failure: { kind: 'network', message: 'the connection broke' },
  next: 'retry',
  worked: true,
};

function randomBilling(draw: Random): Billing {
  const within = draw.uniform() < 0.5;
  const share = () => (draw.uniform() < 0.5 ? 0 : draw.uniform());
  const shares = { counted: 0.2 + draw.uniform() } as Record<keyof typeof WAYS, number>;
  for (const way of Object.keys(WAYS) as (keyof typeof WAYS)[]) shares[way] ??= share() * (way === 'hang' ? 0.2 : 1);
  return { promptTimes: within ? draw.uniform() : 4 * draw.uniform(), replyTimes: within ? 1 : 3, shares };
}

function drawWay(draw: Random, shares: Billing['shares']): keyof typeof WAYS {
  let left = draw.uniform() * Object.values(shares).reduce((sum, share) => sum + share, 0);
  for (const [way, share] of Object.entries(shares)) {
    left -= share;
    if (left < 0) return way as keyof typeof WAYS;
  }
  return 'counted';
}

/** A server that charges, and what it charged and when. */
function chargingServer(billing: Billing, price: Price, draw: Random) {
  let [charged, sentBeyond] = [0, 0];
  const inFlight: { readonly until: number; readonly cost: number }[] = [];
  return {
    charged: () => charged,
    /** Requests that were sent after as much was charged for those that were over as may be spent. */
    sentBeyond: () => sentBeyond,
    serve(maxCost: number) {
      return ({ request, now }: Seen): Answered => {
        const open = inFlight.filter(({ until }) => until > now).reduce((sum, { cost }) => sum + cost, 0);
        if (charged - open > maxCost) sentBeyond++;
        const way = drawWay(draw, billing.shares);
        const most = request.maxTokens! * billing.replyTimes;
        const prompt = Math.floor(promptTokensOf(request) * billing.promptTimes);
        const { answered, ...tokens } = WAYS[way](prompt, Math.floor(draw.uniform() * (most + 1)));
        const cost = costOf(price, { promptTokens: tokens.prompt, replyTokens: tokens.reply });
        charged += cost;
        const afterMs = 10 + draw.integer(2000);
        inFlight.push({ until: now + (answered === 'hang' ? 120_000 : afterMs), cost });
        return answered === 'hang' ? answered : { ...answered, afterMs };
      };
    },
  };
}

/** Questions that ask for so many tokens. */
const questionsWith = (count: number, maxTokens: number): Question[] =>
  [...questionsOf(count)].map((question) => ({ ...question, request: { ...question.request, maxTokens } }));

/** Longer questions beside short ones. */
function* questionsOfLengths(count: number, draw: Random): Generator<Question> {
  for (const question of questionsOf(count)) {
    const content = `${question.item} ${'word '.repeat(draw.integer(200))}`;
    const maxTokens = 1 + draw.integer(300);
    yield { ...question, request: { ...question.request, messages: [{ role: 'user', content }], maxTokens } };
  }
}

test('1,000 servers, each run up to three times with one ledger: no request is sent after the limit is spent', async () => {
  let [overruns, stopped] = [0, 0];
  for (let seed = 1; seed <= 1000; seed++) {
    const draw = random(seed, 'money');
    const billing = randomBilling(draw);
    const price = { input: 1000 * draw.uniform(), output: 1000 * draw.uniform() };
    const server = chargingServer(billing, price, draw);
    const maxCost = 2 * draw.uniform();
    const concurrency = 1 + draw.integer(12);
    const ledger = memoryLedger();
    for (let run = 0; run < 1 + draw.integer(3); run++) {
      const { end, events } = await simulate(server.serve(maxCost), questionsOfLengths(30, random(seed)), {
        seed: seed + run,
        ledger,
        price,
        options: { concurrency, maxCost, retryWait: 0.1 },
      });
      if (end?.stopped === 'max-cost') stopped++;
      expect(events.length, `seed ${seed}`).toBeGreaterThanOrEqual(0);
    }
    const within = billing.promptTimes <= 1 && billing.replyTimes <= 1;
    // Where replies are longer than what was asked for, and nobody counts them, nobody can know.
    const known = within || billing.shares.uncounted + billing.shares.broken + billing.shares.hang === 0;
    if ((known && server.sentBeyond() > 0) || (within && server.charged() > maxCost + 1e-9)) {
      overruns++;
    }
    // What the ledger adds up to is never less than what was charged, where replies stay within what was asked for.
    if (within) expect(ledger.cost, `seed ${seed}`).toBeGreaterThanOrEqual(server.charged() - 1e-9);
  }
  expect(overruns).toBe(0);
  expect(stopped).toBeGreaterThan(500);
}, 120_000);

describe('what counts', () => {
  const price = { input: 0, output: 1000 };
  const usage = counted(100, 256);
  const asked = (answered: Answered | ((seen: Seen) => Answered), options: object = {}, maxTokens = 8) =>
    simulate(typeof answered === 'function' ? answered : () => answered, questionsWith(30, maxTokens), {
      price,
      options: { retryWait: 0, ...options },
    });

  it.each([
    ['nothing but hidden thoughts', { text: '', finish: 'length', usage }],
    ['thoughts that are shown', { text: '', finish: 'length', message: { reasoning_content: 'Hmm.' }, usage }],
    ['a content filter', { text: '', finish: 'content_filter', usage }],
    ['a refusal', { text: '', message: { content: null, refusal: 'No.' }, usage }],
    ['a reply that is empty', { text: '', usage }],
  ])('is the usage of every reply: %s', async (_, said) => {
    const { end, seen } = await asked({ attempt: replies(said) }, { maxCost: 1 }, 256);
    expect(end!.stopped).toBe('max-cost');
    expect(seen.length).toBeLessThanOrEqual(3);
    expect(end!.totals.cost).toBeCloseTo(seen.length * 0.256, 9);
    expect(end!.totals.replyTokens).toBe(seen.length * 256);
  });

  it('is the limit of tokens where nothing was counted', async () => {
    const { end } = await asked({ attempt: replies({ text: '3', usage: null }) });
    expect(end!.totals.cost).toBeCloseTo((30 * 8 * 1000) / 1e6, 9);
  });

  it('is also what was given up', async () => {
    const { end } = await asked(({ item, times }) =>
      item === 'item-5' && times === 1 ? 'hang' : { attempt: replies({ text: '3', usage: counted(1, 2) }) },
    );
    expect(end!.totals.cost).toBeCloseTo(((30 * 2 + 8) * 1000) / 1e6, 9);
  });

  it('is what earlier runs spent, too', async () => {
    const ledger = memoryLedger();
    const server = (): Answered => ({ attempt: replies({ text: '3', usage: counted(1, 8) }) });
    const options = { maxCost: 0.1, concurrency: 2 };
    const first = await simulate(server, questionsOf(10), { price, ledger, options });
    expect(first.end).toMatchObject({ totals: { answered: 10, costBefore: 0 } });
    const second = await simulate(server, questionsOf(30), { price, ledger, options });
    expect(second.end).toMatchObject({ stopped: 'max-cost', totals: { known: 10, answered: 2 } });
    expect(second.end!.totals.costBefore).toBeCloseTo(0.08, 9);
    expect(ledger.cost).toBeCloseTo(0.096, 9);
  });

  it('of a request that is sent again is in the ledger before it is', async () => {
    const { lines } = await asked(({ times }) =>
      times === 1
        ? { attempt: replies({ text: '', usage: counted(1, 4) }) }
        : { attempt: replies({ text: '3', usage: counted(1, 2) }) },
    );
    const first = lines.filter(({ key }) => key === 'key-0');
    expect(first.map(({ cost }) => cost)).toEqual([0.004, 0.002]);
    expect(first[0]).toMatchObject({ failure: { message: 'an empty reply' } });
  });

  it('a limit without a price is refused before anything is asked', async () => {
    const { error, seen } = await simulate(() => 'hang', questionsOf(3), { options: { maxCost: 1 } });
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining('price') });
    expect(seen).toEqual([]);
  });
});
