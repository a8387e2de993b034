import { PhasetuneError } from '../core/errors.js';
import type { Logger } from '../telemetry/logger.js';

/** An abort signal tied to SIGINT and SIGTERM. */
export interface Interruption {
  /** Hands the signal out; from then on the first interrupt asks the work to stop and save instead of ending the process. */
  signal(): AbortSignal;
  /** True once the work has been asked to stop. */
  interrupted(): boolean;
  /** Takes the process's handlers off again. */
  release(): void;
}

/** Listens for SIGINT and SIGTERM: the first aborts the signal if anyone holds it, the second (or an unheard first) exits with 130. */
export function listenForInterrupt(logger: Logger): Interruption {
  const controller = new AbortController();
  let held = false;
  const stop = () => {
    if (!held || controller.signal.aborted) process.exit(130);
    logger.warn('interrupted: saving, then stopping (interrupt again to stop at once)');
    controller.abort(new PhasetuneError('interrupted', 'interrupted'));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    signal: () => {
      held = true;
      return controller.signal;
    },
    interrupted: () => controller.signal.aborted,
    release: () => process.off('SIGINT', stop).off('SIGTERM', stop),
  };
}
