import { PhasetuneError } from '../../core/errors.js';
import type { Remedy } from '../../core/remedies.js';
import { formatDuration, formatNumber } from '../../telemetry/format.js';
import type { FailedRequest } from '../answers/request-outcome.js';
import type { EndpointAddress } from '../options.js';
import type { Failure } from '../types.js';

/** Ends all asking: no further question can be answered. */
function stopError(
  { baseUrl, model }: EndpointAddress,
  problem: string,
  failure: Failure,
  remedies: readonly Remedy[],
  option?: string,
): PhasetuneError<'endpoint'> {
  const { kind: reason, status } = failure;
  const { host } = new URL(baseUrl);
  return new PhasetuneError('endpoint', `${model} at ${host}: ${problem}; what was answered is kept`, {
    reason,
    ...(status && { status }),
    ...(option && { option }),
    remedies,
  });
}

const continueAfter = (step: string): Remedy => ({
  advice: `${step ? `${step}, then ` : ''}run the same task again to continue`,
});
const CONTINUE = continueAfter('');
const CHECK_SERVER = continueAfter('check the server');

/** The end of all asking over one refusal: a key, a quota, a model or an address. */
export function fatalError(address: EndpointAddress, refused: FailedRequest): PhasetuneError {
  const { failure, afterMs } = refused;
  const { kind, status, message } = failure;
  if (afterMs !== undefined) return tooLongError(address, refused);
  if (kind === 'refused-key' && !address.apiKey) {
    const step = 'set the key in the environment variable that `apiKeyEnv` names';
    return stopError(address, `asks for a key (${message})`, failure, [continueAfter(step)], 'apiKeyEnv');
  }
  if (kind === 'refused-key') {
    const step = 'check the key that the environment holds';
    return stopError(address, `refuses the key (${message})`, failure, [continueAfter(step)], 'apiKeyEnv');
  }
  if (kind === 'quota') {
    const problem = `the account's quota or credit is used up (${message})`;
    return stopError(address, problem, failure, [continueAfter('top it up')]);
  }
  if (status === 404) {
    const advice = `check \`model\`, and \`baseUrl: ${address.baseUrl}\`, which mostly ends in /v1`;
    return stopError(address, `no such model or address (${message})`, failure, [{ advice }], 'model');
  }
  if (kind === 'network') return stopError(address, message, failure, [CONTINUE]);
  const advice = `check \`baseUrl: ${address.baseUrl}\``;
  return stopError(address, `does not take requests (${message})`, failure, [{ advice }], 'baseUrl');
}

/** The endpoint asks for a wait of hours. */
export function tooLongError(address: EndpointAddress, { failure, afterMs = 0 }: FailedRequest): PhasetuneError {
  const problem = `asks to wait for ${formatDuration(afterMs / 1000)} (${failure.message})`;
  return stopError(address, problem, failure, [{ advice: 'run the same task again after that' }]);
}

/** The budget of retries is used up. */
export function spentError(address: EndpointAddress, retries: number, failure: Failure): PhasetuneError {
  const problem = `${formatNumber(retries)} retries are used up (the last for: ${failure.message})`;
  const allowMore: Remedy = { option: 'retryBudget', change: 'raise' };
  return stopError(address, problem, failure, [CONTINUE, allowMore], 'retryBudget');
}

/** The endpoint refuses everything for its limits, for longer than an hourly limit explains. */
export function limitedError(address: EndpointAddress, sinceMs: number, failure: Failure): PhasetuneError {
  const forHowLong = formatDuration(sinceMs / 1000);
  const problem = `has refused everything for ${forHowLong} (${failure.message}); a daily or monthly limit may be used up`;
  return stopError(address, problem, failure, [{ advice: 'run the same task again later' }]);
}

/** The server still loads its model. */
export function loadingError(address: EndpointAddress, sinceMs: number, failure: Failure): PhasetuneError {
  const problem = `still not ready after ${formatDuration(sinceMs / 1000)} (${failure.message})`;
  return stopError(address, problem, failure, [CHECK_SERVER]);
}

/** Connections are accepted and no request is ever answered. */
export function silentError(address: EndpointAddress, requests: number, failure: Failure): PhasetuneError {
  const problem = `answers nothing at all: ${requests} requests, ${failure.message}`;
  const remedies: readonly Remedy[] = [
    { advice: 'check `baseUrl` and the server' },
    { option: 'timeoutSeconds', change: 'raise' },
  ];
  return stopError(address, problem, failure, remedies, 'timeoutSeconds');
}

/** The endpoint no longer answers. */
export function hopelessError(address: EndpointAddress, questions: number, failure: Failure): PhasetuneError {
  const what = questions === 1 ? 'nothing is answered' : `${questions} questions in a row failed`;
  return stopError(address, `${what} (${failure.message})`, failure, [CHECK_SERVER]);
}
