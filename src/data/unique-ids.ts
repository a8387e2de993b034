import { dataError } from '../core/errors.js';
import { show } from '../core/shown.js';
import type { ImportState } from './import-report.js';
import type { ImportOptions } from './options.js';
import type { InstructionRecord } from './record.js';
import type { ReadRow } from './row.js';

/** The number that ends a place. */
const NUMBER = /\d+$/;

/** A record whose id no earlier row has: of two rows with one id, the later one's gets a number at its end. */
export function withUniqueId(
  { record, ownId }: ReadRow,
  place: string,
  found: ImportState,
  options: ImportOptions,
): InstructionRecord {
  const { taken } = found;
  const { id } = record;
  const number = Number(NUMBER.exec(place)![0]);
  const first = taken.get(id);
  if (first === undefined) {
    taken.set(id, number);
    return record;
  }
  if (options.format === 'records')
    throw dataError(
      `${place}: id ${show(id)} is taken already by ${place.replace(NUMBER, String(first))}; expected every id once`,
      { id },
    );
  let n = 2;
  while (taken.has(`${id}-${n}`)) n++;
  taken.set(`${id}-${n}`, number);
  if (ownId) found.renamed++;
  else found.equal++;
  return { ...record, id: `${id}-${n}` };
}
