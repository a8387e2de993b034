import type { WholeAnswer } from '../transport.js';
import {
  FILTERED,
  LIMITED,
  LOADING,
  type Meaning,
  meaningOf,
  NO_KEY,
  NOT_THERE,
  statusFor,
  TOO_LONG,
  USED_UP,
} from './codes.js';
import { type ErrorBody, errorIn, type FieldIssue } from './error-body.js';
import { type Headers, hintOf, isDailyQuota, LONGEST_WAIT_MS, minuteTokensOf, waitOf } from './limits.js';
import { type FailedRequest, quote } from './request-outcome.js';
import { sentenceIn } from './templates.js';

/** Refused, and it is not known whether for the row. */
const REFUSED: Meaning = { kind: 'refused-request', next: 'refused' };
/** This row's content is refused, by a check of its field. */
const ROW_REFUSED: Meaning = { kind: 'refused-request', next: 'skip' };
/** It may pass. */
const OUT_OF_ORDER: Meaning = { kind: 'server', next: 'retry' };

/**
 * What a status that is not of success means, by codes, fields and headers; by words only where a
 * server is known to give nothing else. `tokens` is about what the request takes with its reply:
 * one that is more than a minute's limit would be refused for ever.
 */
export function readRefusal({ status, headers, body }: WholeAnswer, now: number, tokens = 0): FailedRequest {
  const to = status >= 300 && status < 400 ? `; it redirects to ${quote(headers.location ?? '?')}` : '';
  return failedRequest(errorIn(body), { status, under: status, headers, now, more: to, tokens });
}

/** What an error means that came in place of a reply, under a status of success. */
export function readErrorReply(error: ErrorBody, now: number): FailedRequest {
  const means = meaningOf(error.names) ?? sentenceIn(200, error.message)?.means;
  const named = means === NOT_THERE ? 404 : means === NO_KEY ? 401 : undefined;
  const status = error.status ?? statusFor(error.names) ?? named;
  return failedRequest(error, { ...(status && { status }), under: 200, headers: {}, now });
}

interface Circumstances {
  /** The status, or the one that the error names. */
  readonly status?: number;
  /** The status that it came under. */
  readonly under: number;
  readonly headers: Headers;
  readonly now: number;
  readonly more?: string;
  readonly tokens?: number;
}

function failedRequest(
  error: ErrorBody,
  { status, under, headers, now, more = '', tokens = 0 }: Circumstances,
): FailedRequest {
  const sentence = sentenceIn(under, error.message);
  const hint = hintOf(headers, error, now);
  const found = meaningFor(error, status, hint, sentence?.means);
  const after = sentence?.until === undefined ? hint : waitOf(sentence.until, now);
  const long = after !== undefined && after > LONGEST_WAIT_MS;
  const tooLarge = tokens > (minuteTokensOf(headers) ?? Number.POSITIVE_INFINITY);
  const { kind, next } = found !== LIMITED ? found : tooLarge ? TOO_LONG : long ? USED_UP : LIMITED;
  const waits = next === 'retry' || next === 'wait' || next === 'load' || (next === 'stop' && kind === 'quota' && long);
  const said = quote(error.message);
  const begin = status ? `${status}${said ? `: ${said}` : ''}` : `an error in place of a reply: ${said}`;
  return {
    failure: { kind, ...(status && { status }), message: begin + (sentence?.hint ? `; ${sentence.hint}` : '') + more },
    next,
    ...(waits && after !== undefined && { afterMs: after }),
  };
}

function meaningFor(error: ErrorBody, status = 502, hint?: number, known?: Meaning): Meaning {
  const { names, param, issues, moderated } = error;
  if (moderated) return FILTERED;
  const certain = meaningOf(names);
  const limited = statusFor(names) === 429;
  // Some put a limit of a minute into the class of errors of the account.
  if (certain && !(certain === USED_UP && names.includes('rate_limit_exceeded'))) return certain;
  if (known) return known;
  if (isDailyQuota(error)) return USED_UP;
  if (limited && status !== 413) return LIMITED;
  if (status === 400 && (param === 'input_tokens' || param === 'input_text')) return TOO_LONG;
  if (param === 'model' && [400, 404, 422].includes(status)) return NOT_THERE;
  if (issues.length > 0 && (status === 400 || status === 422)) return meaningOfIssues(issues);
  return meaningOfStatus(error, status, hint);
}

/** Checks of a field's kind, which fail for every row alike. */
const OF_ITS_KIND = /_type$|^missing$|^extra_forbidden$|literal|^enum$|union|_parsing$/;

/** A check of what a message holds is about that row. */
function meaningOfIssues(issues: readonly FieldIssue[]): Meaning {
  if (issues.some(({ at }) => /(?:^|\.)model$/.test(at))) return NOT_THERE;
  const ofRow = ({ at, type = '' }: FieldIssue) =>
    /(?:^|\.)messages(?:\.\d+)?(?:\.content\b.*)?$/.test(at) && !OF_ITS_KIND.test(type);
  if (!issues.every(ofRow)) return REFUSED;
  return issues.every(({ type = '' }) => /too_long/.test(type)) ? TOO_LONG : ROW_REFUSED;
}

/** Statuses below 500 that say nothing about the request: it may pass. */
const PASSING = new Set([408, 409, 421, 423, 424, 425, 440, 444, 498, 499]);

function meaningOfStatus({ html, names, fields }: ErrorBody, status: number, hint: number | undefined): Meaning {
  if (status === 401) return NO_KEY;
  if (status === 402) return hint !== undefined && hint <= LONGEST_WAIT_MS ? LIMITED : USED_UP;
  // A page is a firewall's, which may have found something in the row.
  if (status === 403) return html ? REFUSED : NO_KEY;
  if (status === 404 || status === 405 || status === 407 || status === 410) return NOT_THERE;
  if (status === 413) return TOO_LONG;
  if (status === 420 || status === 429) return LIMITED;
  if (status < 400) return NOT_THERE;
  if (status === 503 && (names.includes('unavailable_error') || typeof fields.estimated_time === 'number'))
    return LOADING;
  if (status === 501 || status === 505) return REFUSED;
  return status >= 500 || PASSING.has(status) ? OUT_OF_ORDER : REFUSED;
}
