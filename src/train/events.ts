import type { Order } from '../curriculum/types.js';
import type { Band, LossMatrix, LossRow } from './forgetting.js';
import type { RowLedger } from './outcome.js';

/** Where a stage's weights came from: a checkpoint folder inside the run's folder, and the hash of its adapter file. */
export interface StageOrigin {
  readonly from: 'base' | 'previous-end' | 'previous-best';
  /** Checkpoint folder, relative to the run's folder; absent for the base. */
  readonly path?: string | undefined;
  /** SHA-256 of the `adapter_model.safetensors` that was read back. */
  readonly sha256?: string | undefined;
  /** True when that adapter was merged into the base and a new one started. */
  readonly merged?: boolean | undefined;
}

/** What a stage will do, known before it starts. Tokens go through the model, trained ones also count in the loss. */
export interface StageSummary {
  readonly stage: number;
  readonly label: string;
  readonly rows: number;
  /** Rows among them that are visited again from earlier stages. */
  readonly replayed: number;
  readonly steps: number;
  readonly tokens: number;
  readonly trainedTokens: number;
  /** Positions that the model computes, padding among them. */
  readonly paddedTokens: number;
}

/** The run begins; all its stages are known. */
export interface RunEvent {
  readonly type: 'run';
  readonly order: Order;
  readonly seed: number;
  readonly stages: readonly StageSummary[];
  readonly bands: readonly Band[];
}

/** A stage begins. */
export interface StageEvent extends StageSummary {
  readonly type: 'stage';
  readonly stages: number;
  readonly origin: StageOrigin;
}

/** Progress within a stage, every `logEvery` steps and at the last; sums and means are over the steps since the report before. */
export interface StepEvent {
  readonly type: 'step';
  readonly stage: number;
  /** Optimizer steps done in this stage, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Passes over the stage's rows so far. */
  readonly epoch: number;
  /** Mean loss in nats per trained token. */
  readonly loss: number;
  readonly learningRate: number;
  /** Global norm of the last step's gradients before clipping. */
  readonly gradNorm: number;
  readonly tokens: number;
  readonly trainedTokens: number;
  readonly seconds: number;
  readonly tokensPerSecond: number;
}

/** Held-out loss was measured: before training (stage 0), within a stage, or at its end. */
export interface EvalEvent {
  readonly type: 'eval';
  readonly stage: number;
  readonly step: number;
  /** Nats per trained token, a number per band. */
  readonly losses: readonly number[];
  readonly all: number;
  /** Less than any before it in this stage. */
  readonly best: boolean;
  readonly seconds: number;
}

/** Batches of held-out rows done; not written to events.jsonl. */
export interface EvalProgressEvent {
  readonly type: 'eval-progress';
  readonly done: number;
  readonly of: number;
}

/** Why a checkpoint was made: a stage begins or ends, it was time for one, or the run was interrupted. */
export type CheckpointKind = 'begin' | 'step' | 'end' | 'interrupted';

/** A checkpoint is on the disk. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly stage: number;
  readonly step: number;
  readonly kind: CheckpointKind;
  /** Folder, relative to the run's folder. */
  readonly path: string;
  /** SHA-256 of its `adapter_model.safetensors`. */
  readonly sha256: string;
}

/** A step's loss was not finite or jumped, so that its update was not made. */
export interface SpikeEvent {
  readonly type: 'spike';
  readonly stage: number;
  readonly step: number;
  /** What is done about it: the run stops, the step is left out, or all steps since the last checkpoint, to which it goes back. */
  readonly action: 'stop' | 'skip' | 'rollback';
  readonly loss: number;
  /** The most that the losses before it allow. */
  readonly lossLimit: number;
  readonly gradNorm: number;
  /** Ids of the step's rows. */
  readonly rows: readonly string[];
}

/** A stage is done. */
export interface StageEndEvent {
  readonly type: 'stage-end';
  readonly stage: number;
  /** The new row of the forgetting matrix; absent without held-out rows. */
  readonly row?: LossRow;
  /** Rows whose steps changed the weights. */
  readonly consumed: RowLedger;
  readonly seconds: number;
  /** Absent where no step stayed. */
  readonly tokensPerSecond?: number;
}

/** The run is done. */
export interface RunEndEvent {
  readonly type: 'run-end';
  /** The final adapter's folder, relative to the run's folder, and the hash of its weights. */
  readonly adapter: { readonly path: string; readonly sha256: string };
  readonly matrix?: LossMatrix;
  readonly seconds: number;
}

/** A run continues where it stopped; not written to events.jsonl, which continues from there as if nothing had been. */
export interface ResumeEvent {
  readonly type: 'resume';
  /** Absent where no checkpoint was found: the run starts again. */
  readonly from?: { readonly stage: number; readonly step: number; readonly path: string };
  readonly stages: readonly StageSummary[];
  /** Tokens of the plan that are after it. */
  readonly tokens: number;
}

/** What a run shows while it goes. `seconds` and `tokensPerSecond` alone differ between two runs with the same seed. */
export type TrainEvent =
  | RunEvent
  | StageEvent
  | StepEvent
  | EvalEvent
  | EvalProgressEvent
  | CheckpointEvent
  | SpikeEvent
  | ResumeEvent
  | StageEndEvent
  | RunEndEvent;
