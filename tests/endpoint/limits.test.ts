import { expect, test } from 'vitest';
import { questionsOf } from '../helpers/ask.js';
import { type Answered, refuses, replies, type Seen, type Simulation, simulate } from '../helpers/simulated.js';

const MINUTE = 60_000;
const well = (text = '3'): Answered => ({ attempt: replies({ text }) });
const limited = (headers: Record<string, string> = {}): Answered => ({
  attempt: refuses(429, { error: { message: 'Rate limit exceeded', code: 429 } }, headers),
});
const isRefusal = ({ answered }: Simulation['seen'][number]) =>
  answered !== 'hang' && 'failure' in answered.attempt && answered.attempt.failure.status === 429;

/** A server that allows so many requests in each minute of its own clock, which is ahead of ours by `phaseMs`. */
function windows(most: number, phaseMs: number, headers: (leftMs: number) => Record<string, string> = () => ({})) {
  let [window, count] = [-1, 0];
  return ({ now }: Seen): Answered => {
    const at = now + phaseMs;
    if (Math.floor(at / MINUTE) !== window) [window, count] = [Math.floor(at / MINUTE), 0];
    return ++count > most ? limited(headers(MINUTE - (at % MINUTE))) : well();
  };
}

/** A server with a bucket of so many requests, which fills evenly in a minute. */
function bucket(most: number) {
  let [left, last] = [most, 0];
  return ({ now }: Seen): Answered => {
    left = Math.min(most, left + ((now - last) * most) / MINUTE);
    last = now;
    if (left < 1) return limited();
    left--;
    return well();
  };
}

const phases = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98].map((share) => share * MINUTE);

test.each(phases)('20 requests a minute, whose minute began %s ms before: 100 rows in 6 minutes', async (phase) => {
  const { end, error, seen, tookMs } = await simulate(windows(20, phase), questionsOf(100), { seed: phase + 1 });
  expect(error).toBeUndefined();
  expect(end!.totals).toMatchObject({ answered: 100, failed: 0, retries: 0 });
  expect(tookMs).toBeLessThan(6 * MINUTE);
  console.log(
    phase,
    tookMs / 1000,
    seen.filter(isRefusal).length,
    end!.totals.waits,
    seen
      .filter(isRefusal)
      .map((s) => Math.round(s.now / 100) / 10)
      .join(' '),
  );
});

test('bucket', async () => {
  const { end, error, seen, tookMs } = await simulate(bucket(20), questionsOf(100));
  expect(error).toBeUndefined();
  console.log(
    tookMs / 1000,
    seen.filter(isRefusal).length,
    end!.totals.waits,
    seen
      .filter(isRefusal)
      .map((s) => Math.round(s.now / 100) / 10)
      .join(' '),
  );
});
