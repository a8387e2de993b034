import { dataError } from '../../core/errors.js';
import { writeJson } from '../../io/atomic.js';
import { exists } from '../../io/files.js';
import { checkSchema, readJson } from '../../io/json.js';
import { studyPaths } from '../study-record.js';
import { type Results, resultsSchema } from './results.js';

/** Writes `results.json` of a study's folder, atomically; returns its path. */
export async function writeResults(folder: string, results: Results): Promise<string> {
  const path = studyPaths(folder).results;
  await writeJson(path, checkSchema(results, resultsSchema, path));
  return path;
}

/**
 * Reads `results.json` of a study's folder; a folder without one is a data error.
 *
 * @example
 * const { arms, comparisons } = await readResults('studies/first');
 * console.log(arms.length, comparisons.map(({ sentence }) => sentence));
 */
export async function readResults(folder: string): Promise<Results> {
  const path = studyPaths(folder).results;
  if (!exists(path))
    throw dataError(`${folder}: no results in it (no results.json); they are written when the study has run`, {
      file: path,
    });
  return readJson(path, resultsSchema);
}
