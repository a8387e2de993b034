import {
  type MemoryUse as AnyMemoryUse,
  FREE_MEMORY,
  fewerBits,
  type HeldWeights,
  namingMemory as naming,
  SMALLER_MODEL,
} from '../core/out-of-memory.js';
import type { Remedy } from '../core/remedies.js';
import type { EncodedRow } from '../data/encoded.js';
import type { MicroBatch } from '../data/micro-batch.js';

/** What memory is needed for. */
export interface MemoryUse extends Omit<AnyMemoryUse, 'details'> {
  /** What goes through the model. */
  readonly batch?: MicroBatch | undefined;
}

/** Rows that are named. */
const NAMED = 4;

/**
 * Does `work`. Where there is no memory for it throws an error of code `failed` that names the batch, its
 * longest rows and what to lower, with the field `outOfMemory`. Nothing that the tuner holds has changed then:
 * it can be read and saved.
 */
export const namingMemory = <T>({ batch, ...use }: MemoryUse, work: () => Promise<T>): Promise<T> =>
  naming({ ...use, details: batch && (() => describeBatch(batch)) }, work);

function describeBatch({ lines, shape }: MicroBatch) {
  const rows = lines.flat().sort((x, y) => y.ids.length - x.ids.length);
  const named = rows.slice(0, NAMED).map(({ id, ids }: EncodedRow) => `${id} (${ids.length})`);
  const more = rows.length > NAMED ? ` and ${rows.length - NAMED} shorter` : '';
  return {
    at: `, at a batch of ${shape.lines} lines x ${shape.length} tokens (rows by their tokens: ${named.join(', ')}${more})`,
    fields: { lines: shape.lines, tokens: shape.length, rows: rows.map(({ id }) => id).join(' ') },
  };
}

/** The part of how a tuner runs that decides what can still be lowered. */
export interface MemorySetting extends HeldWeights {
  readonly gradientCheckpointing: boolean;
}

const SHORTER_ROWS: Remedy = { option: 'maxLength', change: 'lower' };
const SMALLER_RANK: Remedy = { option: 'lora.rank', change: 'lower' };
const FEWER_TARGETS: Remedy = { option: 'lora.targets', change: 'set', note: 'to adapt fewer projections' };
const LET_IT_CHOOSE: Remedy = {
  option: 'memoryLimit',
  change: 'set',
  note: 'to let it choose (a plan shows what a run takes)',
};
/** What keeps fewer activations. */
export const CHECKPOINT_GRADIENTS: Remedy = { option: 'gradientCheckpointing', change: 'set', value: true };

/** What would help for each use of memory. `batch` where one goes through the model. */
export function memoryUses({ gradientCheckpointing, ...held }: MemorySetting) {
  const weights = fewerBits(held);
  return {
    step: (batch?: MicroBatch): MemoryUse => ({
      what: 'a training step',
      batch,
      remedies: [
        { option: 'microBatches', change: 'raise' },
        ...(gradientCheckpointing ? [] : [CHECKPOINT_GRADIENTS]),
        SHORTER_ROWS,
        ...weights,
        LET_IT_CHOOSE,
      ],
    }),
    evaluate: (batch: MicroBatch): MemoryUse => ({
      what: 'the measurement of the held-out loss',
      batch,
      remedies: [{ option: 'evalRows', change: 'lower' }, SHORTER_ROWS, ...weights, LET_IT_CHOOSE],
    }),
    load: (): MemoryUse => ({
      what: 'loading the base weights',
      remedies: [...weights, SMALLER_MODEL, FREE_MEMORY],
    }),
    adapter: (): MemoryUse => ({
      what: 'creating the adapter and its moments',
      remedies: [SMALLER_RANK, FEWER_TARGETS, ...weights, FREE_MEMORY],
    }),
    read: (): MemoryUse => ({
      what: 'reading the adapter and its moments for a checkpoint',
      remedies: [SMALLER_RANK, FEWER_TARGETS, FREE_MEMORY],
    }),
    compile: (): MemoryUse => ({
      what: 'making the program ready, before any row went through it',
      remedies: [...weights, SMALLER_RANK, FREE_MEMORY, LET_IT_CHOOSE],
    }),
  };
}
