import { type ErrorFields, PhasetuneError } from '../core/errors.js';
import type { Logger } from '../telemetry/logger.js';
import { asFailure, HANGUP_CODE } from './failure.js';

/** An abort signal tied to SIGINT, SIGTERM and SIGHUP. */
export interface Interruption {
  /** The signal. Once it was read, the first interrupt asks the work to save and stop instead of ending the process. */
  signal(): AbortSignal;
  /** The exit code once the work has been asked to stop: 129 if the terminal was closed, otherwise 130. */
  code(): number | undefined;
  /** The error to throw for what the work threw: the interruption, if that is why the work ended. */
  reasonOf(thrown: unknown): unknown;
  /** Removes the process's handlers. */
  release(): void;
}

const INTERRUPTED_CODE = 130;

/**
 * Listens for SIGINT, SIGTERM and SIGHUP: the first aborts the signal if the work has read it, and
 * otherwise ends the process. A second SIGINT or SIGTERM ends the process, too. SIGHUP does not
 * count, because closing a terminal may send several, together with SIGTERM. Under `nohup` SIGHUP
 * is ignored.
 */
export function listenForInterrupt(logger: Logger, environment: NodeJS.ProcessEnv = process.env): Interruption {
  const controller = new AbortController();
  let held = false;
  let interrupts = 0;
  let code: number | undefined;
  const interrupted = (why: string, fields: ErrorFields = {}) =>
    new PhasetuneError('interrupted', why, { ...fields, ...(code === HANGUP_CODE && { signal: 'SIGHUP' }) });
  const stop = (signal: NodeJS.Signals) => {
    const hangup = signal === 'SIGHUP';
    if (hangup && underNohup(environment)) return;
    if (!hangup) interrupts++;
    code ??= hangup ? HANGUP_CODE : INTERRUPTED_CODE;
    if (!held || interrupts > 1) process.exit(code);
    if (controller.signal.aborted) return;
    const why = hangup ? 'the terminal was closed' : 'interrupted';
    logger.warn(`${why}: saving, then stopping${hangup ? '' : ' (interrupt again to stop immediately)'}`);
    controller.abort(interrupted(why));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  return {
    signal: () => {
      held = true;
      return controller.signal;
    },
    code: () => code,
    reasonOf: (thrown) => {
      if (code === undefined) return thrown;
      if ((thrown as Error | undefined)?.name === 'AbortError') return controller.signal.reason;
      if (code !== HANGUP_CODE) return thrown;
      const { code: kind, problem, fields } = asFailure(thrown);
      return kind === 'interrupted' ? interrupted(problem, fields) : thrown;
    },
    release: () => process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop),
  };
}

/**
 * Node restores the handling of SIGHUP that `nohup` turned off. Shells put the name of the program
 * that they start into `_`.
 */
const underNohup = ({ _: started = '' }: NodeJS.ProcessEnv): boolean => /(?:^|\/)nohup$/.test(started);
