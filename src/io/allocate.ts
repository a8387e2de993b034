import { dataError } from '../core/errors.js';
import { shownName } from '../core/shown.js';

/** A typed array for a tensor of `length` elements; a data error that names the tensor where the machine cannot hold it. */
export function allocated<T>(file: string, tensor: string, length: number, ArrayOf: new (length: number) => T): T {
  try {
    return new ArrayOf(length);
  } catch (cause) {
    const name = shownName(tensor);
    throw dataError(
      `${file}: tensor ${name}: its ${length} elements do not fit into memory; is the file broken?`,
      { file, tensor: name },
      cause,
    );
  }
}
