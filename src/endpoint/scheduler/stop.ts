import { PhasetuneError } from '../../core/errors.js';
import { formatDuration, formatNumber } from '../../telemetry/format.js';
import type { FailedRequest } from '../answers/request-outcome.js';
import type { EndpointAddress } from '../options.js';
import type { Failure } from '../types.js';

const KEPT = 'what was answered is kept; run the same command again to continue';

const placeOf = ({ baseUrl, model }: EndpointAddress) => `${model} at ${new URL(baseUrl).host}`;

const stop = (message: string, failure: Failure) =>
  new PhasetuneError('endpoint', message, { reason: failure.kind, ...(failure.status && { status: failure.status }) });

/** The end of all asking over one refusal: a key, a quota, a model or an address. */
export function fatalError(address: EndpointAddress, miss: FailedRequest): PhasetuneError {
  const { failure, afterMs } = miss;
  const { kind, status, message } = failure;
  if (afterMs !== undefined) return tooLongError(address, miss);
  const place = placeOf(address);
  if (kind === 'refused-key' && !address.apiKey)
    return stop(
      `${place}: asks for a key (${message}); set it in the environment, see --api-key-env; ${KEPT}`,
      failure,
    );
  if (kind === 'refused-key')
    return stop(`${place}: refuses the key (${message}); check the one that the environment holds; ${KEPT}`, failure);
  if (kind === 'quota')
    return stop(`${place}: the account's quota or credit is used up (${message}); ${KEPT} once it is not`, failure);
  if (status === 404)
    return stop(
      `${place}: no such model or address (${message}); check --model, and --base-url ${address.baseUrl}, which mostly ends in /v1`,
      failure,
    );
  if (kind === 'network') return stop(`${place}: ${message}; ${KEPT}`, failure);
  return stop(`${place}: does not take requests (${message}); check --base-url ${address.baseUrl}`, failure);
}

/** The end of all asking because the endpoint wants a wait of hours. */
export const tooLongError = (address: EndpointAddress, { failure, afterMs = 0 }: FailedRequest): PhasetuneError =>
  stop(
    `${placeOf(address)}: asks to wait for ${formatDuration(afterMs / 1000)} (${failure.message}); ${KEPT} after that`,
    failure,
  );

/** The end of all asking because the budget of retries is used up. */
export const spentError = (address: EndpointAddress, retries: number, failure: Failure): PhasetuneError =>
  stop(
    `${placeOf(address)}: ${formatNumber(retries)} retries are used up (the last for: ${failure.message}); ${KEPT}, or allow more with --retry-budget`,
    failure,
  );

/** The end of all asking because the endpoint refuses everything for its limits, for longer than a limit of an hour explains. */
export const limitedError = (address: EndpointAddress, sinceMs: number, failure: Failure): PhasetuneError =>
  stop(
    `${placeOf(address)}: has refused everything for ${formatDuration(sinceMs / 1000)} (${failure.message}); a limit of a day or month may be used up; ${KEPT} later`,
    failure,
  );

/** The end of all asking because the server still loads. */
export const loadingError = (address: EndpointAddress, sinceMs: number, failure: Failure): PhasetuneError =>
  stop(
    `${placeOf(address)}: still not ready after ${formatDuration(sinceMs / 1000)} (${failure.message}); see to the server; ${KEPT}`,
    failure,
  );

/** The end of all asking because connections are taken and nothing is ever answered. */
export const silentError = (address: EndpointAddress, requests: number, failure: Failure): PhasetuneError =>
  stop(
    `${placeOf(address)}: answers nothing at all: ${requests} requests, ${failure.message}; check --base-url and the server, or allow more with --timeout-seconds; ${KEPT}`,
    failure,
  );

/** The end of all asking because nothing is answered any more. */
export const hopelessError = (address: EndpointAddress, questions: number, failure: Failure): PhasetuneError =>
  stop(
    `${placeOf(address)}: ${questions === 1 ? 'nothing is answered' : `${questions} questions in a row failed`} (${failure.message}); see to the endpoint; ${KEPT}`,
    failure,
  );
