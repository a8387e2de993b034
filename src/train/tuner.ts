import type { HostTensor } from '../core/host-tensor.js';
import type { MicroBatch } from '../data/micro-batch.js';

/** What changes from one optimizer step to the next. */
export interface StepInputs {
  readonly learningRate: number;
  /** Optimizer step, from 1: AdamW's bias correction counts from it. */
  readonly step: number;
  /** Seed of the dropout masks of this step. */
  readonly seed: number;
  /**
   * The step is not applied where its loss, in nats a trained token, is over this; Infinity where anything
   * finite will do.
   */
  readonly lossLimit: number;
}

/** What a step came to. */
export interface StepResult {
  /** Cross-entropy in nats, the mean over all trained tokens of the step. */
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradNorm: number;
  /**
   * False where loss or norm are not finite, or the loss is over the limit: adapter and optimizer are as they
   * were, to the bit.
   */
  readonly applied: boolean;
}

/** Tensors by Hugging Face, PEFT or optimizer-state name. */
export type NamedTensors = ReadonlyMap<string, HostTensor>;

/**
 * The trainable thing as the trainer sees it: a base model and an adapter on the device, run by a program.
 * Above it are plain numbers and files, below it tensors.
 */
export interface Tuner {
  /** Calls of `evaluate` that it works on at once. Default 1. */
  readonly parallel?: number;
  /**
   * One optimizer step over micro-batches: the loss is the sum over all their trained tokens divided once by
   * the number of them. A step that cannot be good is reported, and changes nothing; nor does one that there
   * is no memory for, which throws an error with the field `outOfMemory`, as the other calls do.
   */
  step(batches: readonly MicroBatch[], inputs: StepInputs): Promise<StepResult>;
  /**
   * Loss without dropout and without gradients: for each row, line after line, the sum over its trained
   * tokens, in nats.
   */
  evaluate(batch: MicroBatch): Promise<Float32Array>;
  /**
   * The adapter's matrices under PEFT's file names, or the optimizer's moments as `exp_avg.<name>` and
   * `exp_avg_sq.<name>`.
   */
  read(what: 'adapter' | 'optimizer'): Promise<NamedTensors>;
  /** Replaces them; every expected name must be there with its shape. */
  write(what: 'adapter' | 'optimizer', tensors: NamedTensors): void;
  /** A fresh adapter (A random from the seed, B zero) or zeroed moments. */
  reset(what: 'adapter' | 'optimizer', seed: number): void;
  /**
   * Sets the base weights to the files' values plus each of these adapters, in turn ([] puts the plain base
   * back). Sums are in float32; where the program holds the weight in bfloat16 the last is rounded to it,
   * once.
   */
  loadBase(merged: readonly NamedTensors[]): Promise<void>;
  /** Tensors and bytes alive on the device. */
  memory(): { tensors: number; bytes: number };
  dispose(): void;
}
