import type { ErrorBody, JsonObject } from './error-body.js';

/** Headers, names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** Longest wait that is sat through, in milliseconds; one that is longer is the limit of a day or a month. */
export const LONGEST_WAIT_MS = 15 * 60_000;

/**
 * How long an endpoint asks to wait, in milliseconds, from the most certain place that can be read:
 * `retry-after-ms` and `retry-after`, the RetryInfo and the fields of the body, the resets of those
 * limits that are used up. Undefined where none can be read: a negative number, an exponent or a
 * text is no wait. Times are counted from the server's own clock where it gives that.
 */
export function hintOf(headers: Headers, error: ErrorBody, now: number): number | undefined {
  const all = { ...error.headers, ...headers };
  const clock = dateOf(headers.date ?? '') ?? now;
  return firstOf([
    () => millisecondsOf(all['retry-after-ms'] ?? all['x-ms-retry-after-ms']),
    () => waitOf(all['retry-after'], clock),
    () => retryInfoOf(error.details),
    () => fieldOf(error.fields, clock),
    () => resetOf(all, clock),
  ]);
}

/** The first wait; one of 0 says nothing where another place says more. */
function firstOf(readers: readonly (() => number | undefined)[]): number | undefined {
  const waits = readers.map((read) => read());
  return waits.find((wait) => wait) ?? waits.find((wait) => wait !== undefined);
}

/** A number without sign, exponent or blanks; of a header that came several times, the largest. */
function numberOf(text: string): number | undefined {
  const all = text.split(',').map((one) => one.trim());
  return all.every((one) => /^\d{1,15}(?:\.\d{1,9})?$/.test(one)) ? Math.max(...all.map(Number)) : undefined;
}

const millisecondsOf = (text: string | undefined): number | undefined => (text ? numberOf(text) : undefined);

/** Larger numbers of seconds are a time since 1970, and still larger ones such a time in milliseconds. */
const [EPOCH_S, EPOCH_MS] = [1e9, 1e12];

/**
 * A wait as a number of seconds, a duration ("2m59.5s", "350ms"), or the time when it is over
 * (since 1970, HTTP's date, RFC 3339).
 */
export function waitOf(text: string | undefined, now: number): number | undefined {
  const given = text?.trim() ?? '';
  const number = numberOf(given);
  if (number !== undefined && number < EPOCH_S) return Math.round(number * 1000);
  const at = number === undefined ? dateOf(given) : number < EPOCH_MS ? number * 1000 : number;
  return at === undefined ? durationOf(given) : Math.max(0, at - now);
}

const UNITS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  ns: 1e-6,
};

function durationOf(text: string): number | undefined {
  if (!/^(?:\d{1,15}(?:\.\d{1,9})?(?:ms|us|ns|[dhms]))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)([a-z]+)/g)];
  return Math.round(parts.reduce((sum, [, size, unit]) => sum + Number(size) * UNITS[unit!]!, 0));
}

const DATES = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/,
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})$/,
];

/** A date of HTTP or RFC 3339, in milliseconds; Date.parse alone makes years of numbers such as "-5". */
function dateOf(text: string): number | undefined {
  if (!DATES.some((form) => form.test(text))) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function retryInfoOf(details: readonly JsonObject[]): number | undefined {
  const waits = details.map(({ retryDelay }) => (typeof retryDelay === 'string' ? durationOf(retryDelay) : undefined));
  return waits.find((wait) => wait !== undefined);
}

/** Fields of an error's body that name a wait in seconds, or when it is over. */
function fieldOf(fields: JsonObject, now: number): number | undefined {
  const ms = millisecondsOf(textOf(fields.retry_after_ms));
  if (ms !== undefined) return ms;
  const given = [fields.retry_after_seconds, fields.retry_after, fields.estimated_time, fields.resets_at];
  return given.map((value) => waitOf(textOf(value), now)).find((wait) => wait !== undefined);
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/** When the limits that are used up are set back: the last of them. */
function resetOf(headers: Headers, now: number): number | undefined {
  const names = Object.keys(headers).filter(
    (name) => /(?:^|-)ratelimit/.test(name) && /(?:^|-)reset(?:-|$)/.test(name),
  );
  const resets = names.map((name) => ({ left: headers[name.replace(/reset/, 'remaining')], at: headers[name] }));
  const usedUp = resets.filter(({ left }) => left !== undefined && Number(left) <= 0);
  // Where nothing says which of several limits it is, none of them is known to be.
  const counted = usedUp.length > 0 ? usedUp : resets.length === 1 && resets[0]!.left === undefined ? resets : [];
  const waits = [...counted.map(({ at }) => waitOf(at, now)), ...fieldResets(headers.ratelimit ?? '')];
  const known = waits.filter((wait) => wait !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

/** The `RateLimit` field of the IETF's drafts: `"minute";r=0;t=30`, before `limit=10, remaining=0, reset=30`. */
function fieldResets(field: string): number[] {
  const items = /remaining=/.test(field) ? [field] : field.split(',');
  return items.flatMap((item) => {
    const [, left] = /(?:\br|\bremaining)=(\d+)/.exec(item) ?? [];
    const [, seconds] = /(?:\bt|\breset)=(\d{1,15})/.exec(item) ?? [];
    return left !== undefined && Number(left) === 0 && seconds !== undefined ? [Number(seconds) * 1000] : [];
  });
}

/**
 * The smallest number of tokens that an account may use in a minute, by the headers; undefined
 * where they do not say.
 */
export function minuteTokensOf(headers: Headers): number | undefined {
  const names = Object.keys(headers).filter(
    (name) =>
      /ratelimit/.test(name) && /-tokens?\b/.test(name) && /-limit\b/.test(name) && !/day|hour|month|output/.test(name),
  );
  const limits = names.map((name) => numberOf(headers[name]!)).filter((limit) => limit !== undefined && limit > 0);
  return limits.length > 0 ? Math.min(...(limits as number[])) : undefined;
}

/**
 * True where the body names a limit of a day or a longer time that is used up (Gemini's
 * QuotaFailure), or a quota of nothing.
 */
export const isDailyQuota = ({ details }: ErrorBody): boolean =>
  details
    .flatMap(({ violations }) => (Array.isArray(violations) ? (violations as unknown[]) : []))
    .some((violation) => {
      const { quotaId, quotaValue } = (violation ?? {}) as JsonObject;
      return (typeof quotaId === 'string' && /Per(?:Day|Week|Month)/.test(quotaId)) || quotaValue === '0';
    });
