import { type MemoryUse as AnyMemoryUse, FREE_MEMORY, namingMemory as naming } from '../core/out-of-memory.js';
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
export interface MemorySetting {
  readonly gradientCheckpointing: boolean;
  readonly loadIn8bit: boolean;
}

/** What would help for each use of memory. `batch` where one goes through the model. */
export function memoryUses({ gradientCheckpointing, loadIn8bit }: MemorySetting) {
  const weights = loadIn8bit ? [] : ['hold the weights in 8 bits with `loadIn8bit`'];
  const choose = 'let `memoryLimit` choose for you (a plan shows what a run takes)';
  return {
    step: (batch?: MicroBatch): MemoryUse => ({
      what: 'a training step',
      batch,
      remedies: [
        'raise `microBatches`',
        ...(gradientCheckpointing ? [] : ['set `gradientCheckpointing`']),
        'lower `maxLength`',
        ...weights,
        choose,
      ],
    }),
    evaluate: (batch: MicroBatch): MemoryUse => ({
      what: 'the measurement of the held-out loss',
      batch,
      remedies: ['lower `evalRows`', 'lower `maxLength`', ...weights, choose],
    }),
    load: (): MemoryUse => ({
      what: 'loading the base weights',
      remedies: [...weights, 'choose a smaller model', FREE_MEMORY],
    }),
    adapter: (): MemoryUse => ({
      what: 'creating the adapter and its moments',
      remedies: ['lower `lora.rank`', 'adapt fewer projections with `lora.targets`', ...weights, FREE_MEMORY],
    }),
    read: (): MemoryUse => ({
      what: 'reading the adapter and its moments for a checkpoint',
      remedies: ['lower `lora.rank`', 'adapt fewer projections with `lora.targets`', FREE_MEMORY],
    }),
    compile: (): MemoryUse => ({
      what: 'making the program ready, before any row went through it',
      remedies: [...weights, 'lower `lora.rank`', FREE_MEMORY, choose],
    }),
  };
}
