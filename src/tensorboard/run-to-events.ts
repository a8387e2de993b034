import type { RunFile } from '../train/run-file.js';
import { type LoggedEvent, type RunHistory, startHistory } from '../train/run-history.js';
import type { BoardEvent, BoardValue, Hyperparameter } from './messages.js';
import { runText } from './run-text.js';

/** What is known of a run besides its events. */
export interface BoardRun {
  readonly run: Pick<RunFile, 'recipe' | 'versions' | 'started'>;
  readonly hyperparameters: Readonly<Record<string, Hyperparameter>>;
  /** Runs of one group are averaged in the HParams tab; absent for a run that is compared alone. */
  readonly group?: string | undefined;
}

/** A time of ours in TensorBoard's seconds. */
export const secondsOf = (time: string): number => Date.parse(time) / 1000;

const scalar = (tag: string, value: number): BoardValue => ({ kind: 'scalar', tag, value });

/**
 * Turns the events of a run, in their order, into what TensorBoard shows, at the step of the whole
 * run: `train/loss`, `train/learning_rate`, `train/grad_norm`, `train/tokens_per_second` and
 * `stage` for each reported step, `held_out/all` and `held_out/band_N` for each held-out loss (N is
 * the band's stage in the staged set), and once the text `run` and the run's options.
 */
export function runToEvents(about: BoardRun): (event: LoggedEvent) => BoardEvent[] {
  const { history, add } = startHistory();
  return (event) => {
    add(event);
    const values = valuesOf(event, history, about);
    return values.length === 0 ? [] : [{ wallTime: secondsOf(event.time), step: stepOf(event, history), values }];
  };
}

function stepOf(event: LoggedEvent, { steps, heldOut }: RunHistory): number {
  if (event.type === 'step') return steps.at(-1)!.step;
  if (event.type === 'eval') return heldOut.at(-1)!.step;
  return event.type === 'run' ? 0 : (steps.at(-1)?.step ?? 0);
}

function valuesOf(event: LoggedEvent, { start }: RunHistory, about: BoardRun): BoardValue[] {
  switch (event.type) {
    case 'run': {
      const { run, hyperparameters, group } = about;
      const started = secondsOf(run.started);
      return [
        { kind: 'text', tag: 'run', text: runText(event, run) },
        { kind: 'session-start', hyperparameters, group, started },
      ];
    }
    case 'step':
      return [
        scalar('train/loss', event.loss),
        scalar('train/learning_rate', event.learningRate),
        scalar('train/grad_norm', event.gradNorm),
        scalar('train/tokens_per_second', event.tokensPerSecond),
        scalar('stage', event.stage),
      ];
    case 'eval':
      return [
        scalar('held_out/all', event.all),
        ...event.losses.map((loss, i) => scalar(`held_out/band_${start?.bands[i]?.stage ?? i + 1}`, loss)),
      ];
    case 'run-end':
      return [{ kind: 'session-end', status: 'success', ended: secondsOf(event.time) }];
    default:
      return [];
  }
}
