import { exists } from '../../io/files.js';
import { checkSchema, readJson } from '../../io/json.js';
import { evalPaths } from '../eval-file.js';
import { type EvaluationResult, resultSchema } from './result.js';

/** Reads `result.json` of an evaluation's folder; undefined where none was computed. A broken one is a data error. */
export async function readResult(folder: string): Promise<EvaluationResult | undefined> {
  const { result } = evalPaths(folder);
  return exists(result) ? checkSchema(await readJson(result), resultSchema, result) : undefined;
}
