import { isAbsolute, join } from 'node:path';
import type { EvalFile } from '../eval/eval-file.js';
import type { EvalRow } from '../eval/sets/eval-row.js';
import { readSets } from '../eval/sets/read-set.js';
import { exists } from '../io/files.js';
import { type Logger, silentLogger } from '../telemetry/logger.js';

/**
 * The rows of an evaluation's sets, with the sets' own answers: what a judge is tested on. A set
 * whose file is no longer there is left out, with a warning; answers that came from other programs
 * have none.
 */
export async function entranceRowsOf(
  { begunIn, sets }: Pick<EvalFile, 'begunIn' | 'sets'>,
  logger: Logger = silentLogger,
): Promise<EvalRow[]> {
  const files = sets.map(({ path }) => (isAbsolute(path) ? path : join(begunIn, path)));
  for (const file of files)
    if (!exists(file)) logger.warn(`${file}: no such file, so no judge is tested on the answers of that set`);
  // What cannot be used was reported when the set was answered.
  const read = await readSets(files.filter(exists), { badRows: 'skip' });
  return read.flatMap(({ rows }) => rows);
}
