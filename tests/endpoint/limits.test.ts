import { expect, test } from 'vitest';
import { errorIn } from '../../src/endpoint/answers/error-body.js';
import { hintOf, isDailyQuota, minuteTokensOf, waitOf } from '../../src/endpoint/answers/limits.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const NONE = errorIn('{}');
const hint = (headers: Record<string, string>, body: unknown = {}) =>
  hintOf(headers, errorIn(JSON.stringify(body)), NOW);

test.each([
  ['0', 0],
  ['2', 2000],
  ['1.5', 1500],
  ['120, 120', 120_000],
  [' 7 ', 7000],
  ['99999999', 99_999_999_000],
  ['Thu, 01 Jan 2026 00:00:07 GMT', 7000],
  ['Thursday, 01-Jan-26 00:00:07 GMT', 7000],
  ['2026-01-01T00:01:00Z', 60_000],
  ['2026-01-01T01:00:00.5+01:00', 500],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['1767225630', 30_000],
  ['1767225630000', 30_000],
  ['2m59.5s', 179_500],
  ['6h', 21_600_000],
  ['350ms', 350],
  ['1h0m0.25s', 3_600_250],
  ['1d', 86_400_000],
  ['-5', undefined],
  ['+3', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  ['Infinity', undefined],
  ['NaN', undefined],
  ['', undefined],
  ['soon', undefined],
  ['-2s', undefined],
  ['2 s', undefined],
  ['5, soon', undefined],
  ['2026', 2_026_000],
  ['01/02/2026', undefined],
  ['Thu, 99 Jan 2026 00:00:07 GMT', undefined],
])('a wait as it is written: %j', (text, wait) => {
  expect(waitOf(text, NOW)).toBe(wait);
  expect(hint({ 'retry-after': text })).toBe(wait);
});

test.each([
  ["OpenAI's, in milliseconds, before seconds", { 'retry-after-ms': '1500', 'retry-after': '60' }, 1500],
  ["Azure's", { 'x-ms-retry-after-ms': '250' }, 250],
  ['one that cannot be read, and one that can', { 'retry-after-ms': '-1', 'retry-after': '3' }, 3000],
  [
    "OpenRouter's, in ms since 1970",
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW + 21_600_000) },
    21_600_000,
  ],
  ['seconds since 1970', { 'x-ratelimit-reset': String((NOW + 9000) / 1000) }, 9000],
  ['seconds', { 'x-ratelimit-reset': '12' }, 12_000],
  [
    'of two limits, the one that is used up',
    {
      'x-ratelimit-remaining-requests': '13999',
      'x-ratelimit-reset-requests': '6h0m0s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '7.66s',
    },
    7660,
  ],
  [
    'both are used up: the longer',
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '2m59.5s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '350ms',
    },
    179_500,
  ],
  [
    'two limits, and none says that it is used up',
    { 'x-ratelimit-reset-requests': '6h', 'x-ratelimit-reset-tokens': '1s' },
    undefined,
  ],
  ['a limit that is not used up', { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '60' }, undefined],
  [
    "Cerebras's day",
    {
      'x-ratelimit-remaining-requests-day': '0',
      'x-ratelimit-reset-requests-day': '33011.5',
      'x-ratelimit-remaining-tokens-minute': '9',
      'x-ratelimit-reset-tokens-minute': '11.3',
    },
    33_011_500,
  ],
  [
    "Anthropic's",
    {
      'anthropic-ratelimit-input-tokens-remaining': '0',
      'anthropic-ratelimit-input-tokens-reset': '2026-01-01T00:00:20Z',
      'anthropic-ratelimit-requests-remaining': '9',
      'anthropic-ratelimit-requests-reset': '2026-01-01T00:01:00Z',
    },
    20_000,
  ],
  ["the IETF's three fields", { 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }, 30_000],
  ["the IETF's one field", { ratelimit: '"day";r=40;t=3600, "minute";r=0;t=30' }, 30_000],
  ['the same, of an older draft', { ratelimit: 'limit=10, remaining=0, reset=5' }, 5000],
  ['the same, with some left', { ratelimit: 'limit=10, remaining=1, reset=5' }, undefined],
  [
    'a wait of 0, and a reset that says more',
    { 'retry-after': '0', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3600' },
    3_600_000,
  ],
  ['a header before a reset', { 'retry-after': '1', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3600' }, 1000],
])('%s', (_, headers, wait) => {
  expect(hint(headers)).toBe(wait);
});

test("times are counted from the server's clock where it gives that, so that a clock that is wrong does not matter", () => {
  const headers = { date: 'Thu, 01 Jan 2026 12:00:00 GMT', 'retry-after': 'Thu, 01 Jan 2026 12:00:07 GMT' };
  expect(hintOf(headers, NONE, NOW)).toBe(7000);
  expect(hintOf(headers, NONE, NOW + 86_400_000)).toBe(7000);
  expect(hintOf({ ...headers, date: 'noon' }, NONE, NOW)).toBe(12 * 3_600_000 + 7000);
});

test.each([
  ["Gemini's RetryInfo", [{ error: { details: [{ retryDelay: '2s' }] } }], 2000],
  ['with a fraction', { error: { details: [{ retryDelay: '1.5s' }] } }, 1500],
  ['one that cannot be read', { error: { details: [{ retryDelay: 'soon' }] } }, undefined],
  [
    "a gateway's headers in its body",
    { error: { metadata: { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(NOW + 5000) } } } },
    5000,
  ],
  ['a field', { error: { retry_after: 4 } }, 4000],
  ['a field that is negative', { error: { retry_after: -4 } }, undefined],
  ['an estimate of loading', { error: 'loading', estimated_time: 20.5 }, 20_500],
  ['prose is no wait', { error: { message: 'Please try again in 3s. retryDelay: 2s' } }, undefined],
])('a wait in the body: %s', (_, body, wait) => {
  expect(hint({}, body)).toBe(wait);
});

test('a limit of a day by the id of its quota', () => {
  const quota = (...violations: object[]) => errorIn(JSON.stringify({ error: { details: [{ violations }] } }));
  expect(isDailyQuota(quota({ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }))).toBe(true);
  expect(isDailyQuota(quota({ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier' }))).toBe(false);
  expect(isDailyQuota(quota({ quotaId: 'APerMinute' }, { quotaId: 'APerDay' }))).toBe(true);
  expect(isDailyQuota(quota({ quotaId: 'APerMinute', quotaValue: '0' }))).toBe(true);
  expect(isDailyQuota(errorIn('{"error":{"message":"GenerateRequestsPerDay"}}'))).toBe(false);
});

test.each([
  [{ 'x-ratelimit-limit-tokens': '6000', 'x-ratelimit-limit-requests': '30' }, 6000],
  [{ 'x-ratelimit-limit-tokens-minute': '60000', 'x-ratelimit-limit-tokens-day': '100' }, 60_000],
  [{ 'anthropic-ratelimit-input-tokens-limit': '40000', 'anthropic-ratelimit-output-tokens-limit': '8000' }, 40_000],
  [{ 'x-ratelimit-limit-tokens': '0' }, undefined],
  [{ 'x-ratelimit-limit-tokens': 'many' }, undefined],
  [{ 'x-ratelimit-limit-requests': '30', 'x-ratelimit-remaining-tokens': '5' }, undefined],
])('tokens of a minute: %j', (headers, limit) => {
  expect(minuteTokensOf(headers as Record<string, string>)).toBe(limit);
});
