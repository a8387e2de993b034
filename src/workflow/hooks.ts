import type { Logger } from '../telemetry/logger.js';
import type { ProgressBar, ProgressTask } from '../telemetry/progress.js';

/** How far a long part of a task is. */
export interface TaskProgress {
  /** What is being done: `download`. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** What is counted: `bytes`, `tensors`; undefined where it has no name. */
  readonly unit: string | undefined;
  readonly note: string | undefined;
  /** True in the last report, which comes after an error too. */
  readonly ended: boolean;
}

/** What a program can give a task besides its options; all of it can be left out. */
export interface Hooks {
  /** Is given warnings, and what is being done. Default: nobody. */
  readonly logger?: Logger | undefined;
  /** Ends the task with an error of code `interrupted`; what is whole by then is kept. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TaskProgress) => void) | undefined;
  /** Lets TensorFlow's own log lines through to stderr. Default false. */
  readonly verbose?: boolean | undefined;
}

/** What a program can give a task that asks an endpoint. */
export interface AskHooks extends Hooks {
  /**
   * Is asked before anything is spent that neither `yes` nor `maxCost` covers; false ends the task
   * before the first request. Without it such a task fails with a usage error.
   */
  readonly confirm?: ((cost: CostQuestion) => Promise<boolean>) | undefined;
  /** Where the endpoint's key is looked up. Default: the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What judging may cost, in US dollars. */
export interface CostQuestion {
  /** Undefined where the price is not known. */
  readonly likelyCost: number | undefined;
  /** The limit that `maxCost` sets. */
  readonly maxCost: number | undefined;
}

/** Reports the progress of functions that ask for something to show it on. */
export const reportProgress =
  (onProgress: NonNullable<Hooks['onProgress']>) =>
  ({ label, total, unit }: ProgressTask): ProgressBar => {
    let [done, note]: [number, string | undefined] = [0, undefined];
    const report = (ended: boolean) =>
      onProgress({ label, done, total, unit: typeof unit === 'function' ? 'bytes' : unit, note, ended });
    return {
      update(now, about) {
        [done, note] = [now, about];
        report(false);
      },
      finish: () => report(true),
    };
  };
