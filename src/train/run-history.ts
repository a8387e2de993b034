import type { CheckpointEvent, RunEndEvent, RunEvent, RunStartEvent, SpikeEvent, StageEvent } from './events.js';

/** An event as a line of `events.jsonl` has it. */
export type LoggedEvent = RunEvent & {
  /** UTC, ISO 8601. */
  readonly time: string;
};

/** Where in the whole run something happened. */
export interface Place {
  readonly stage: number;
  /** Optimizer steps of the whole run's plan up to here, those of the stages before included. */
  readonly step: number;
  /** Tokens trained up to here, in steps that were made. */
  readonly trainedTokens: number;
  readonly time: string;
}

/** Reported optimizer steps: values are those of the event. */
export interface StepPoint extends Place {
  /** Mean over the steps since the point before, nats per trained token. */
  readonly loss: number;
  readonly learningRate: number;
  readonly gradNorm: number;
  readonly tokensPerSecond: number;
}

/** A held-out loss: nats per trained token, over all rows and for each band. */
export interface HeldOutPoint extends Place {
  readonly all: number;
  readonly losses: readonly number[];
  readonly best: boolean;
}

/** What `events.jsonl` amounts to, with one count of steps for the whole run. */
export interface RunHistory {
  /** Absent until the run has begun. */
  readonly start?: RunStartEvent;
  readonly steps: readonly StepPoint[];
  readonly heldOut: readonly HeldOutPoint[];
  /** Stages that began. */
  readonly stages: readonly (Place & Pick<StageEvent, 'label' | 'origin'>)[];
  readonly checkpoints: readonly (Place & Pick<CheckpointEvent, 'kind' | 'path'>)[];
  readonly spikes: readonly (Place & Pick<SpikeEvent, 'action' | 'loss' | 'lossLimit' | 'gradNorm' | 'rows'>)[];
  readonly end?: RunEndEvent & { readonly time: string };
  /** Time of the last event. */
  readonly last?: string;
  /** Tokens trained, in steps that were made. */
  readonly trainedTokens: number;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer V)[] ? V[] : T[K] };

/** Collects events of a run into its history, as they come. */
export interface HistoryBuilder {
  readonly history: RunHistory;
  add(event: LoggedEvent): void;
}

/**
 * A history that is empty, and grows with each event; `add` changes `history` in place.
 *
 * @example
 * const { history, add } = startHistory();
 * for await (const event of readRunEvents('checkpoints/first')) add(event);
 * console.log(history.steps.length);
 */
export function startHistory(): HistoryBuilder {
  const history: Writable<RunHistory> = {
    steps: [],
    heldOut: [],
    stages: [],
    checkpoints: [],
    spikes: [],
    trainedTokens: 0,
  };
  /** Steps of the stages before each stage, by stage. */
  const before: number[] = [];
  const placeOf = ({ stage, step, time }: { stage: number; step: number; time: string }): Place => ({
    stage,
    step: (before[stage] ?? 0) + step,
    trainedTokens: history.trainedTokens,
    time,
  });
  const add = (event: LoggedEvent) => {
    history.last = event.time;
    if (event.type === 'run') {
      history.start = event;
      let steps = 0;
      for (const stage of event.stages) {
        before[stage.stage] = steps;
        steps += stage.steps;
      }
    } else if (event.type === 'stage') {
      const { label, origin } = event;
      history.stages.push({ ...placeOf({ ...event, step: 0 }), label, origin });
    } else if (event.type === 'step') {
      history.trainedTokens += event.trainedTokens;
      // Written out: a long run has many of them, and a spread takes several times as long.
      history.steps.push({
        stage: event.stage,
        step: (before[event.stage] ?? 0) + event.step,
        trainedTokens: history.trainedTokens,
        time: event.time,
        loss: event.loss,
        learningRate: event.learningRate,
        gradNorm: event.gradNorm,
        tokensPerSecond: event.tokensPerSecond,
      });
    } else if (event.type === 'eval') {
      const { all, losses, best } = event;
      history.heldOut.push({ ...placeOf(event), all, losses, best });
    } else if (event.type === 'checkpoint') {
      history.checkpoints.push({ ...placeOf(event), kind: event.kind, path: event.path });
    } else if (event.type === 'spike') {
      const { action, loss, lossLimit, gradNorm, rows } = event;
      history.spikes.push({ ...placeOf(event), action, loss, lossLimit, gradNorm, rows });
    } else if (event.type === 'run-end') history.end = event;
  };
  return { history, add };
}
