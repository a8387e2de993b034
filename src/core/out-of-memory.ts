/**
 * How those say that there is no memory who need it: TensorFlow's allocators and status, XLA, CUDA and its libraries, oneDNN, the
 * C++ library, the system, V8 for an array, WebAssembly.
 */
const SAYINGS: readonly RegExp[] = [
  /OOM when allocating/,
  /RESOURCE_EXHAUSTED|Resource exhausted/i,
  /out of memory/i,
  /OUT_OF_MEMORY|ALLOC_FAILED/,
  /bad_alloc/,
  /failed to alloc/i,
  /could not create a memory/i,
  /Cannot allocate memory|ENOMEM/,
  /Array buffer allocation failed/,
  /WebAssembly\.Memory\.grow|Cannot enlarge memory/,
];

/** True for an error, or one whose cause it is, that says that there was no memory for something. */
export function isOutOfMemory(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (SAYINGS.some((saying) => saying.test(at instanceof Error ? at.message : ''))) return true;
  return false;
}
