import { type ErrorFields, PhasetuneError } from '../core/errors.js';
import type { Logger } from '../telemetry/logger.js';
import { asFailure, HANGUP_CODE } from './failure.js';

/** An abort signal tied to SIGINT, SIGTERM, SIGUSR2 and SIGHUP, and to the end of the process that started this one. */
export interface Interruption {
  /** The signal. Once it was read, the first interrupt asks the work to save and stop instead of ending the process. */
  signal(): AbortSignal;
  /**
   * The exit code once the work has been asked to stop: 129 if the terminal was closed, otherwise
   * 130; 0 of a server.
   */
  code(): number | undefined;
  /** The error to throw for what the work threw: the interruption, if that is why the work ended. */
  reasonOf(thrown: unknown): unknown;
  /** Removes the process's handlers. */
  release(): void;
}

const INTERRUPTED_CODE = 130;

type Cause = 'SIGINT' | 'SIGTERM' | 'SIGUSR2' | 'SIGHUP' | 'disconnect';

/** What is said of each, whether a second one ends the process, and the exit code. */
const CAUSES: Readonly<Record<Cause, { why: string; counts: boolean; exitCode: number }>> = {
  SIGINT: { why: 'interrupted', counts: true, exitCode: INTERRUPTED_CODE },
  SIGTERM: { why: 'interrupted', counts: true, exitCode: INTERRUPTED_CODE },
  SIGUSR2: { why: 'asked to stop (SIGUSR2)', counts: false, exitCode: INTERRUPTED_CODE },
  SIGHUP: { why: 'the terminal was closed', counts: false, exitCode: HANGUP_CODE },
  disconnect: {
    why: 'the process that started this one has ended',
    counts: false,
    exitCode: INTERRUPTED_CODE,
  },
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR2', 'SIGHUP'] as const;

/** What an interrupt means. */
export interface InterruptOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** True for a command that serves until it is interrupted: it then ends with exit code 0, and nothing is said. */
  readonly serves?: boolean | undefined;
}

/**
 * Listens for SIGINT, SIGTERM, SIGUSR2 and SIGHUP: the first aborts the signal if the work has read
 * it, and otherwise ends the process. A second SIGINT or SIGTERM ends the process, too. SIGHUP does
 * not count, because closing a terminal may send several, together with SIGTERM. SIGUSR2 is the
 * warning of a scheduler that the time limit is near; in a job of Slurm, which repeats its signals,
 * SIGTERM does not count either. Under `nohup` SIGHUP is ignored. Where this process was started
 * with a channel to its parent (a cell of a study), the end of the channel is a SIGTERM; it does
 * not count as the second either, since a parent that asked this one to stop may be gone before it
 * has saved.
 */
export function listenForInterrupt(
  logger: Logger,
  { environment = process.env, serves = false }: InterruptOptions = {},
): Interruption {
  const controller = new AbortController();
  const repeats = environment.SLURM_JOB_ID !== undefined;
  let held = false;
  let interrupts = 0;
  let code: number | undefined;
  let first: Cause | undefined;
  const interrupted = (why: string, fields: ErrorFields = {}) =>
    new PhasetuneError('interrupted', why, { ...fields, ...(first !== 'disconnect' && !serves && { signal: first }) });
  const stop = (cause: Cause) => {
    const { why, exitCode } = CAUSES[cause];
    const counts = CAUSES[cause].counts && !(repeats && cause === 'SIGTERM');
    if (cause === 'SIGHUP' && underNohup(environment)) return;
    if (counts) interrupts++;
    code ??= serves ? 0 : exitCode;
    first ??= cause;
    if (!held || interrupts > 1) process.exit(code);
    if (controller.signal.aborted) return;
    if (!serves) logger.warn(`${why}: saving, then stopping${counts ? ' (interrupt again to stop immediately)' : ''}`);
    controller.abort(interrupted(why));
  };
  const left = () => stop('disconnect');
  for (const signal of SIGNALS) process.on(signal, stop);
  process.on('disconnect', left);
  // The parent was gone before anybody listened.
  if (process.connected === false) left();
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
    release() {
      for (const signal of SIGNALS) process.off(signal, stop);
      process.off('disconnect', left);
    },
  };
}

/**
 * Node restores the handling of SIGHUP that `nohup` turned off. Shells put the name of the program
 * that they start into `_`.
 */
const underNohup = ({ _: started = '' }: NodeJS.ProcessEnv): boolean => /(?:^|\/)nohup$/.test(started);
