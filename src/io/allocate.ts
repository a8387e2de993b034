import { dataError } from '../core/errors.js';
import { FREE_MEMORY, outOfMemoryError } from '../core/out-of-memory.js';
import { shownName } from '../core/shown.js';

/**
 * A typed array for a tensor of `length` elements. Where there is no memory for it the error names
 * the tensor; a data error where no machine has an array of that length.
 */
export function allocated<T>(file: string, tensor: string, length: number, ArrayOf: new (length: number) => T): T {
  try {
    return new ArrayOf(length);
  } catch (cause) {
    const fields = { file, tensor: shownName(tensor) };
    const what = `tensor ${fields.tensor}: its ${length} elements do not fit into memory`;
    if (/Invalid typed array length/.test((cause as Error).message))
      throw dataError(`${file}: ${what}; is the file broken?`, fields);
    const details = () => ({ at: `, ${what}`, fields });
    throw outOfMemoryError({ what: `reading ${file}`, remedies: [FREE_MEMORY], details }, cause);
  }
}
