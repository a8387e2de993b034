import { type ErrorFields, PhasetuneError } from '../core/errors.js';
import type { Logger } from '../telemetry/logger.js';
import { asFailure, HANGUP_CODE } from './failure.js';

/** An abort signal tied to SIGINT, SIGTERM and SIGHUP. */
export interface Interruption {
  /** Hands the signal out; from then on the first interrupt asks the work to stop and save instead of ending the process. */
  signal(): AbortSignal;
  /** The exit code, once the work has been asked to stop: 129 where the terminal went away, else 130. */
  code(): number | undefined;
  /** What to throw for what the work threw: how it was interrupted, where that is why it ended. */
  reasonOf(thrown: unknown): unknown;
  /** Takes the process's handlers off again. */
  release(): void;
}

const INTERRUPTED_CODE = 130;

/**
 * Listens for SIGINT, SIGTERM and SIGHUP: the first aborts the signal if anyone holds it. An unheard one ends the process, and so does the
 * second of SIGINT and SIGTERM; SIGHUP does not count there, since what closes a terminal may send several, and SIGTERM with it. Under `nohup`
 * SIGHUP is ignored.
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
    const why = hangup ? 'the terminal is gone' : 'interrupted';
    logger.warn(`${why}: saving, then stopping${hangup ? '' : ' (interrupt again to stop at once)'}`);
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

/** Node puts back the handling of SIGHUP that `nohup` has turned off; shells leave the name of the program that they started in `_`. */
const underNohup = ({ _: started = '' }: NodeJS.ProcessEnv): boolean => /(?:^|\/)nohup$/.test(started);
