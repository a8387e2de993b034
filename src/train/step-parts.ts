import { float32, type HostTensor, int32 } from '../core/host-tensor.js';
import type { MicroBatch } from '../data/micro-batch.js';
import { isApplied } from '../optim/gate.js';
import { type ParameterGroup, vectorName } from '../optim/groups.js';
import { clearState } from '../optim/state.js';
import type { Program } from '../program/program.js';
import { lossFeeds } from './loss-feeds.js';
import { type memoryUses, namingMemory } from './out-of-memory.js';
import type { StepInputs, StepResult } from './tuner.js';

/** What of a step decides the feeds of one of its micro-batches. */
export interface PartOfStep {
  /** Trained tokens of the whole step. */
  readonly trained: number;
  /** See `StepInputs`. */
  readonly seed: number;
  /** Place of the micro-batch in the step, from 0. */
  readonly index: number;
}

/** The parts that an optimizer step of several micro-batches is made of. */
export interface StepParts {
  /** Numbers in a gradient: trained numbers of all groups. */
  readonly size: number;
  /** Computes a micro-batch and adds its gradient to the sum. Resolves to its share of the loss. */
  accumulate(batch: MicroBatch, part: PartOfStep): Promise<number>;
  /** Applies the sum of gradients, whose loss is given, and zeroes it. */
  apply(loss: number, inputs: StepInputs): Promise<StepResult>;
  /** Copies the sum of gradients into `into`, which has `size` numbers: group after group. */
  readSum(into: Float32Array): Promise<void>;
  /** Replaces the sum of gradients. */
  writeSum(sum: Float32Array): void;
  /** Sets the sum of gradients to zero. */
  clearSum(): void;
}

/** Trained tokens of a step's micro-batches. Throws a RangeError where there are none. */
export function trainedTokens(batches: readonly MicroBatch[]): number {
  const trained = batches.flatMap(({ lines }) => lines.flat()).reduce((n, row) => n + row.trained, 0);
  if (trained === 0) throw new RangeError('a step needs at least one trained token');
  return trained;
}

/**
 * Feeds of a micro-batch. Each has its own dropout masks: an odd multiplier keeps the seeds of neighbouring
 * steps apart.
 */
export const partFeeds = (batch: MicroBatch, { trained, seed, index }: PartOfStep): Record<string, HostTensor> => ({
  ...lossFeeds(batch, 1 / trained),
  seed: int32([], [(Math.imul(seed, 0x9e3779b1) + index) | 0]),
});

/** Numbers of a step as scalars to feed. */
export const scalars = (values: Readonly<Record<string, number>>): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, float32([], [value])]));

/** What a step came to. */
export const resultOf = (loss: number, gradNorm: number, { lossLimit }: StepInputs): StepResult => ({
  loss,
  gradNorm,
  applied: isApplied({ loss, gradNorm, lossLimit }),
});

/** The parts of steps of a program with the entries of `trainSpec`. */
export function stepParts(
  program: Program,
  groups: readonly ParameterGroup[],
  uses: ReturnType<typeof memoryUses>,
): StepParts {
  const places = groups.map((group, i) => ({
    name: vectorName(group, 'grad'),
    from: groups.slice(0, i).reduce((n, { tensors }) => n + tensors.size, 0),
    size: group.tensors.size,
  }));
  return {
    size: places.reduce((n, { size }) => n + size, 0),
    async accumulate(batch, part) {
      const run = () => program.run('accumulate', partFeeds(batch, part), ['loss']);
      return (await namingMemory(uses.step(batch), run)).loss!.data[0]!;
    },
    async apply(loss, inputs) {
      const { learningRate, step, lossLimit } = inputs;
      const feeds = scalars({ learningRate, step, lossLimit, loss });
      const run = () => program.run('applyAccumulated', feeds, ['gradNorm']);
      return resultOf(loss, (await namingMemory(uses.step(), run)).gradNorm!.data[0]!, inputs);
    },
    readSum: (into) =>
      namingMemory(uses.step(), async () => {
        const vectors = await program.read(places.map(({ name }) => name));
        for (const { name, from } of places) into.set(vectors.get(name)!.data, from);
      }),
    writeSum: (sum) =>
      program.write(places.map(({ name, from, size }) => [name, float32([size], sum.subarray(from, from + size))])),
    clearSum: () => clearState(program, groups, ['grad']),
  };
}
