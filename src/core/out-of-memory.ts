import { PhasetuneError } from './errors.js';
import type { Remedy } from './remedies.js';

/**
 * Messages of "out of memory": TensorFlow's allocators and status, XLA, CUDA and its libraries, oneDNN, the
 * C++ library, the dynamic linker, the system, Node.js, V8 for an array or a text, WebAssembly.
 */
const SAYINGS: readonly RegExp[] = [
  /OOM when allocating/,
  /RESOURCE_EXHAUSTED|Resource exhausted|Invalid TF_Status: 8\b/i,
  /out of memory/i,
  /OUT_OF_MEMORY|ALLOC_FAILED|Z_MEM_ERROR/,
  /bad_alloc|std::length_error/,
  /failed to alloc|could not allocate|allocation failed|cannot map zero-fill pages/i,
  /could not create a memory/i,
  /Cannot allocate memory|ENOMEM|not enough memory/,
  /Invalid typed array length: \d|Invalid (?:array|array buffer|string) length|(?:Map|Set) maximum size exceeded/,
  /Cannot create a string longer/,
  /WebAssembly\.Memory\.grow|Cannot enlarge memory/,
];

/** Codes that Node.js gives such an error. */
const CODES: ReadonlySet<unknown> = new Set([
  'ENOMEM',
  'ERR_MEMORY_ALLOCATION_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
  'ERR_STRING_TOO_LONG',
]);

/** True for an error, or one whose cause it is, that says that there was no memory for something. */
export function isOutOfMemory(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isNamedOutOfMemory(cause) || CODES.has((cause as NodeJS.ErrnoException).code)) return true;
    const { message } = cause;
    if (!quotes(cause) && SAYINGS.some((saying) => saying.test(message))) return true;
  }
  return false;
}

/** Our own errors, and those of parsers, quote what is in a file, which may say anything. */
const quotes = (error: Error): boolean =>
  error instanceof PhasetuneError || error instanceof SyntaxError || /Zod|YAML/.test(error.name);

/** What memory is needed for. */
export interface MemoryUse {
  /** `a training step`. */
  readonly what: string;
  /** What the user can do, in the order in which it should be tried. */
  readonly remedies: readonly Remedy[];
  /** Details, worked out only when memory ran out: words after `what`, and fields of the error. */
  readonly details?:
    | (() => { readonly at: string; readonly fields: Readonly<Record<string, string | number>> })
    | undefined;
}

/** What helps wherever memory is short. */
export const FREE_MEMORY: Remedy = {
  advice:
    'free memory that other processes hold, or raise the limit of this process (ulimit -v, the memory of its container)',
};

/** The options of how weights are held. */
export interface HeldWeights {
  readonly loadIn16bit?: boolean | undefined;
  readonly loadIn8bit?: boolean | undefined;
  readonly loadIn4bit?: boolean | undefined;
}

/** What helps where weights take much memory: to hold them in fewer bits than they are. */
export function fewerBits({ loadIn16bit, loadIn8bit, loadIn4bit }: HeldWeights): Remedy[] {
  if (loadIn4bit) return [];
  const set = { change: 'set', value: true } as const;
  if (loadIn8bit)
    return [{ option: 'loadIn4bit', ...set, note: 'in place of `loadIn8bit`, to hold the weights in 4 bits' }];
  const before = loadIn16bit ? 'in place of `loadIn16bit`, ' : '';
  return [{ option: 'loadIn8bit', ...set, note: `${before}to hold the weights in 8 bits` }];
}

/** What helps where nothing else does. */
export const SMALLER_MODEL: Remedy = { advice: 'choose a smaller model' };

/** A use of memory with what helps there, and what helps everywhere. */
export const memoryFor = (what: string, ...remedies: readonly Remedy[]): MemoryUse => ({
  what,
  remedies: [...remedies, FREE_MEMORY],
});

/**
 * The error of code `failed` for a lack of memory: what it was needed for and what to do, with the
 * field `outOfMemory`.
 */
export function outOfMemoryError({ what, remedies, details }: MemoryUse, cause: unknown): PhasetuneError {
  const { at, fields } = details?.() ?? { at: '', fields: {} };
  const problem = `out of memory in ${what}${at}`;
  return new PhasetuneError('failed', problem, { outOfMemory: true, ...fields, remedies }, { cause });
}

/** True for an error that says already what memory was needed for. */
export const isNamedOutOfMemory = (error: unknown): boolean =>
  error instanceof PhasetuneError && error.fields.outOfMemory === true;

/**
 * The error to throw instead of one that was caught: what memory was needed for where there was
 * none; any other stays what it is.
 */
export const namedForMemory = (use: MemoryUse, error: unknown): unknown =>
  isNamedOutOfMemory(error) || !isOutOfMemory(error) ? error : outOfMemoryError(use, error);

/** Does `work`. Where there is no memory for it, throws an error that names `use`, unless something within did. */
export async function namingMemory<T>(use: MemoryUse, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw namedForMemory(use, error);
  }
}

/** {@link namingMemory} of what is done at once. */
export function namingMemorySync<T>(use: MemoryUse, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw namedForMemory(use, error);
  }
}
