import type { ErrorCode, PhasetuneError } from '../../core/errors.js';
import type { LoraTunerOptions } from '../lora-tuner.js';
import type { NamedTensors, StepResult, Tuner } from '../tuner.js';
import type { RankShare } from './rank-step.js';

/** What a worker needs to build the same program over the same weights. */
export interface WorkerSetup extends Pick<LoraTunerOptions, 'lora' | 'optim' | 'gradientCheckpointing' | 'compile'> {
  readonly rank: number;
  readonly ranks: number;
  /** Folder of the base model. */
  readonly model: string;
  readonly device: 'cuda' | 'cpu';
  /** The card to compute on, as CUDA_VISIBLE_DEVICES names it. */
  readonly card?: string | undefined;
  readonly verbose: boolean;
}

/** What a worker can be asked for: arguments and result. */
export interface Calls {
  loadBase: [merged: readonly NamedTensors[], result: undefined];
  write: [given: { readonly what: 'adapter' | 'optimizer'; readonly tensors: NamedTensors }, result: undefined];
  reset: [given: { readonly what: 'adapter' | 'optimizer'; readonly seed: number }, result: undefined];
  step: [share: RankShare, result: StepResult];
  evaluate: [batch: Parameters<Tuner['evaluate']>[0], result: Float32Array];
  /** SHA-256 of what `Tuner.read` gives. */
  hash: [what: 'adapter' | 'optimizer', result: string];
}

/** A call by its name. */
export type CallName = keyof Calls;

/** A message to a worker. */
export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSetup }
  | { readonly type: 'call'; readonly name: CallName; readonly given: unknown }
  /** All ranks have arrived where they meet. */
  | { readonly type: 'met' };

/** An error as it is sent. */
export interface SentError extends Partial<Pick<PhasetuneError, 'problem' | 'fields'>> {
  readonly code?: ErrorCode;
  readonly message: string;
}

/** A message of a worker. Its answers come in the order of the calls. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly result: unknown }
  | { readonly type: 'arrived' }
  /** It cannot continue. */
  | { readonly type: 'failed'; readonly error: SentError };
