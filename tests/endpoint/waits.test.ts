import { describe, expect, it, test } from 'vitest';
import { type Random, random } from '../../src/core/random.js';
import { questionsOf } from '../helpers/ask.js';
import {
  type Answered,
  memoryLedger,
  refuses,
  replies,
  type Seen,
  type Simulation,
  simulate,
} from '../helpers/simulated.js';

const MINUTE = 60_000;
const well = (afterMs?: number): Answered => ({
  attempt: replies({ text: '3' }),
  ...(afterMs !== undefined && { afterMs }),
});
const limited = (headers: Record<string, string> = {}): Answered => ({
  attempt: refuses(429, { error: { message: 'Rate limit exceeded', code: 429 } }, headers),
});
const isLimited = ({ answered }: Simulation['seen'][number]) =>
  answered !== 'hang' && 'failure' in answered.attempt && answered.attempt.next === 'wait';

/** What a server says of how long its minute lasts. */
type Hint = (leftMs: number) => Record<string, string>;

/** A server that allows so many requests in each minute of its own clock, which is ahead of ours by `phaseMs`. */
function windows(most: number, phaseMs: number, hint: Hint = () => ({}), afterMs = 50) {
  let [window, count] = [-1, 0];
  return ({ now }: Seen): Answered => {
    const at = now + phaseMs;
    if (Math.floor(at / MINUTE) !== window) [window, count] = [Math.floor(at / MINUTE), 0];
    return ++count > most ? limited(hint(MINUTE - (at % MINUTE))) : well(afterMs);
  };
}

/** A server with a bucket of so many requests, which fills evenly in a minute. */
function bucket(most: number, afterMs = 50) {
  let [left, last] = [most, 0];
  return ({ now }: Seen): Answered => {
    left = Math.min(most, left + ((now - last) * most) / MINUTE);
    last = now;
    if (left < 1) return limited();
    left--;
    return well(afterMs);
  };
}

/** Refusals of requests that were sent after the first refusal came back: each must be the only request of its time. */
function refusalsAfterBurst({ seen }: Simulation) {
  const first = seen.find(isLimited)!;
  return seen.filter((one) => isLimited(one) && one.now > first.now + 50);
}

describe('20 requests a minute, and no word on how long to wait', () => {
  it.each([0, 6000, 15_000, 30_000, 45_000, 54_000, 58_000])(
    'answers 100 rows within 6 minutes, and refuses one request a wait after the first burst (%i ms into its minute)',
    async (phase) => {
      const result = await simulate(windows(20, phase), questionsOf(100), { seed: phase + 1 });
      expect(result.error).toBeUndefined();
      expect(result.end!.totals).toMatchObject({ answered: 100, failed: 0, retries: 0 });
      expect(result.tookMs).toBeLessThan(6 * MINUTE);
      expect(refusalsAfterBurst(result).length).toBeLessThanOrEqual(result.end!.totals.waits - 1);
    },
  );

  it('refuses one burst more where the minute ends in the first wait, which shows nothing then', async () => {
    const result = await simulate(windows(20, 59_500), questionsOf(100));
    expect(result.end!.totals).toMatchObject({ answered: 100, failed: 0 });
    expect(result.tookMs).toBeLessThan(6 * MINUTE);
    expect(refusalsAfterBurst(result).length).toBeLessThanOrEqual(result.end!.totals.waits - 1 + 8);
  });

  it('learns the pace of a limit that fills evenly', async () => {
    const result = await simulate(bucket(20), questionsOf(100));
    expect(result.end!.totals).toMatchObject({ answered: 100, failed: 0 });
    // 80 of them at one each three seconds, and what the waits are longer than they had to be.
    expect(result.tookMs).toBeLessThan(1.2 * 80 * 3000);
    // Where nothing is learned each of the 80 is refused at least once before it is answered.
    expect(refusalsAfterBurst(result).length).toBeLessThan(40);
  });

  it('needs none of the budget of retries', async () => {
    const { end } = await simulate(windows(20, 0), questionsOf(60), { options: { retryBudget: 0, tries: 1 } });
    expect(end!.totals).toMatchObject({ answered: 60, failed: 0 });
  });
});

const hints: readonly Hint[] = [
  () => ({}),
  (leftMs) => ({ 'retry-after': String(Math.ceil(leftMs / 1000)) }),
  () => ({ 'retry-after': '0' }),
  () => ({ 'retry-after': '1' }),
];

function randomLimit(draw: Random) {
  const most = [5, 20, 60, 300][draw.integer(4)]!;
  const afterMs = [5, 50, 500, 3000][draw.integer(4)]!;
  const server =
    draw.uniform() < 0.3 ? bucket(most, afterMs) : windows(most, draw.integer(MINUTE), hints[draw.integer(4)], afterMs);
  const concurrency = [1, 4, 8, 32][draw.integer(4)]!;
  return { most, afterMs, server, concurrency, rows: Math.min(200, 4 * most) };
}

test('100 servers with limits of all kinds: every row is answered, in not much more than the time that the limit asks for', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { most, afterMs, server, concurrency, rows } = randomLimit(random(seed, 'limits'));
    const { end, error, tookMs } = await simulate(server, questionsOf(rows), { seed, options: { concurrency } });
    const told = `seed ${seed}: ${most} a minute, ${afterMs} ms, ${concurrency} at once, ${tookMs} ms`;
    expect(error, told).toBeUndefined();
    expect(end!.totals, told).toMatchObject({ answered: rows, failed: 0, retries: 0 });
    // The minutes that the limit takes, and a minute for each wait that ends late; or the replies one after another.
    const least = Math.ceil(rows / most) * MINUTE;
    expect(tookMs, told).toBeLessThan(1.5 * least + MINUTE + rows * afterMs);
  }
}, 60_000);

test('so many at once: as many stay in flight, and nothing is spread over time', async () => {
  let [open, most] = [0, 0];
  const ends: number[] = [];
  const server = ({ now }: Seen): Answered => {
    open = ends.filter((end) => end > now).length;
    if (open >= 3) return limited();
    ends.push(now + 500);
    most = Math.max(most, open + 1);
    return well(500);
  };
  const { end, tookMs } = await simulate(server, questionsOf(120), { options: { concurrency: 16, tries: 1 } });
  expect(end!.totals).toMatchObject({ answered: 120, failed: 0 });
  expect(most).toBe(3);
  // Alone it would take 60 s, with three at once 20 s.
  expect(tookMs).toBeLessThan(45_000);
});

describe('a hint of how long to wait', () => {
  it.each([
    ['0', '0'],
    ['a date in the past', new Date(Date.now() - 3_600_000).toUTCString()],
    ['a negative number', '-5'],
    ['a number with a sign', '+3'],
    ['none', undefined],
  ])('is never less than the usual wait: %s', async (_, value) => {
    const headers: Record<string, string> = value === undefined ? {} : { 'retry-after': value };
    const { end, error, seen } = await simulate(({ now }) => (now < 8000 ? limited(headers) : well()), questionsOf(6));
    expect(error).toBeUndefined();
    expect(end!.totals).toMatchObject({ answered: 6, failed: 0 });
    // Six at first, then one at 0.5 to 1 s, 1 to 2 s, 2 to 4 s and 4 to 8 s after another.
    expect(seen.filter(isLimited).length).toBeLessThanOrEqual(6 + 4);
  });

  it('that is longer than the usual wait is kept', async () => {
    const { seen } = await simulate(({ n }) => (n === 0 ? limited({ 'retry-after': '42' }) : well()), questionsOf(3), {
      options: { concurrency: 1 },
    });
    expect(seen[1]!.now).toBeGreaterThanOrEqual(42_000);
    expect(seen[1]!.now).toBeLessThan(43_000);
  });

  it('with a `retryWait` of 0 there is still a pause', async () => {
    const { seen } = await simulate(({ now }) => (now < 10_000 ? limited() : well()), questionsOf(8), {
      options: { retryWait: 0 },
    });
    expect(seen.filter(isLimited).length).toBeLessThan(8 + 10);
  });
});

test('a limit of a day ends the run at once, and says when it is over', async () => {
  const sixHours = String(6 * 3600);
  const { error, seen } = await simulate(
    ({ n }) => (n < 3 ? well() : limited({ 'retry-after': sixHours })),
    questionsOf(6),
    { options: { concurrency: 1 } },
  );
  expect(error).toMatchObject({ code: 'endpoint', message: expect.stringMatching(/asks to wait for 6 h 00 min/) });
  expect(seen).toHaveLength(4);
});

test('a limit that nothing is said of ends the run after an hour, not before', async () => {
  const hourly = await simulate(({ now, n }) => (n >= 5 && now < 50 * MINUTE ? limited() : well()), questionsOf(20));
  expect(hourly.end!.totals).toMatchObject({ answered: 20, failed: 0 });
  const forever = await simulate(({ n }) => (n >= 5 ? limited() : well()), questionsOf(20));
  expect(forever.error).toMatchObject({ message: expect.stringMatching(/has refused everything for 1 h/) });
  expect(forever.tookMs).toBeLessThan(70 * MINUTE);
});

describe('a row that is more than the account allows at once', () => {
  const server = ({ item }: Seen): Answered => (item === 'item-0' ? limited() : well());

  it('is left out, and the others are answered', async () => {
    const { end, error, lines } = await simulate(server, questionsOf(40));
    expect(error).toBeUndefined();
    expect(end!.totals).toMatchObject({ answered: 39, failed: 1 });
    expect(lines.find(({ failure }) => failure)).toMatchObject({
      item: 'item-0',
      failure: { kind: 'rate-limit', message: expect.stringMatching(/refused \d+ times while others were answered/) },
    });
  });

  it('is left out where it is the only one left', async () => {
    const { end, error, tookMs } = await simulate(server, questionsOf(1));
    expect(error).toBeUndefined();
    expect(end!.totals).toMatchObject({ answered: 0, failed: 1 });
    expect(tookMs).toBeLessThan(20 * MINUTE);
  });
});

describe('refusals of requests for what is in them', () => {
  const tooLong: Answered = {
    attempt: refuses(400, {
      error: { message: 'The prompt is longer than the context.', param: 'messages', code: 'context_length_exceeded' },
    }),
  };
  it('never count towards the end of the run, however many follow each other', async () => {
    const { end, error } = await simulate(({ n }) => (n < 150 ? tooLong : well()), questionsOf(200));
    expect(error).toBeUndefined();
    expect(end!.totals).toMatchObject({ answered: 50, failed: 150, requests: 200 });
  });

  it('of no known cause do count', async () => {
    const unclear: Answered = { attempt: refuses(400, { error: { message: 'Bad request' } }) };
    const { error, seen } = await simulate(() => unclear, questionsOf(200));
    expect(error).toMatchObject({ message: expect.stringMatching(/20 questions in a row failed/) });
    expect(seen.length).toBeLessThan(30);
  });
});

describe('a server that is not ready', () => {
  const loading: Answered = {
    attempt: refuses(503, { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } }),
  };
  it('is waited for, which takes neither tries nor retries', async () => {
    const { end, error, tookMs } = await simulate(({ now }) => (now < MINUTE ? loading : well()), questionsOf(40), {
      options: { tries: 1, retryBudget: 0 },
    });
    expect(error).toBeUndefined();
    expect(end!.totals).toMatchObject({ answered: 40, failed: 0, retries: 0 });
    expect(tookMs).toBeLessThan(MINUTE + 10_000);
  });

  it('also where it says no more than 503, until it answered once', async () => {
    const bare: Answered = { attempt: refuses(503, {}) };
    const { end } = await simulate(({ now }) => (now < MINUTE ? bare : well()), questionsOf(40), {
      options: { tries: 1, retryBudget: 0 },
    });
    expect(end!.totals).toMatchObject({ answered: 40, failed: 0 });
    const later = await simulate(({ n }) => (n === 5 ? bare : well()), questionsOf(40), { options: { tries: 1 } });
    expect(later.end!.totals).toMatchObject({ answered: 39, failed: 1 });
  });

  it('is not waited for for ever', async () => {
    const { error, tookMs } = await simulate(() => loading, questionsOf(40));
    expect(error).toMatchObject({ code: 'endpoint', message: expect.stringMatching(/still not ready after 10 min/) });
    expect(tookMs).toBeLessThan(11 * MINUTE);
  });
});

describe('connections that hang', () => {
  it('hold up nothing: one in ten, 40 rows, replies in 50 ms', async () => {
    const { end, tookMs, seen } = await simulate(
      ({ item, times }) => (times === 1 && Number(item.slice(5)) % 10 === 3 ? 'hang' : well()),
      questionsOf(40),
    );
    expect(end!.totals).toMatchObject({ answered: 40, failed: 0, retries: 4 });
    expect(seen).toHaveLength(44);
    expect(tookMs).toBeLessThan(5000);
  });

  it('are not waited for where the request beside them fails', async () => {
    const failing: Answered = { attempt: refuses(500, { error: { message: 'oops' } }) };
    const { end, tookMs } = await simulate(
      ({ item, times }) => (item !== 'item-9' || times > 2 ? well() : times === 1 ? 'hang' : failing),
      questionsOf(20),
    );
    expect(end!.totals).toMatchObject({ answered: 20, requests: 22 });
    expect(tookMs).toBeLessThan(5000);
  });

  it('the time that replies take is learned: slow ones are not asked for twice', async () => {
    const { end } = await simulate(({ n }) => well(5000 + 9 * ((n * 7919) % 5000)), questionsOf(60));
    expect(end!.totals).toMatchObject({ answered: 60, requests: 60 });
  });

  it('a row whose every connection hangs is asked as often as tries allow, and two at a time', async () => {
    const { end, mostAtOnce } = await simulate(({ item }) => (item === 'item-7' ? 'hang' : well()), questionsOf(30), {
      options: { concurrency: 1, tries: 4 },
    });
    expect(end!.totals).toMatchObject({ answered: 29, failed: 1, retries: 3 });
    expect(mostAtOnce).toBeLessThanOrEqual(3);
  });

  it('a server that answers nothing is left after the first round', async () => {
    const { error, seen, tookMs } = await simulate(() => 'hang', questionsOf(40), { timeoutMs: 2000 });
    expect(error).toMatchObject({
      code: 'endpoint',
      message: expect.stringMatching(/answers nothing at all: 8 requests/),
    });
    expect(seen.length).toBeLessThanOrEqual(16);
    expect(tookMs).toBeLessThan(4000);
  });
});

test('what an earlier run was refused is in the ledger, with its reason', async () => {
  const ledger = memoryLedger();
  const server = ({ item }: Seen): Answered => (item === 'item-0' ? { attempt: refuses(413, {}) } : well());
  await simulate(server, questionsOf(3), { ledger });
  expect(ledger.failure('key-0')?.failure).toMatchObject({ status: 413 });
});
