import { join, resolve } from 'node:path';
import { version as nodeVersion } from 'node:process';
import { version } from '../core/version.js';
import { MANIFEST } from '../curriculum/manifest.js';
import { setFile } from '../eval/sets/read-set.js';
import { exists, hashFile } from '../io/files.js';
import type { RunPlanner } from '../workflow/plan-runs.js';
import type { ResolvedStudy } from './resolve.js';
import type { StudyRecord } from './study-record.js';
import { winRateOptions } from './win-rate-options.js';

/** Versions that a study is begun with. TensorFlow's belongs to that of phasetune. */
export const versionsNow = (): Record<string, string> => ({ phasetune: version(), node: nodeVersion });

/** Where a path of a study leads; undefined where what it names is not there. */
type Find = (path: string) => string | undefined;

/** From the folder that a study was begun in or, what is not there, from this one. */
export const foundFrom =
  (begunIn: string): Find =>
  (path) =>
    [resolve(begunIn, path), resolve(path)].find(exists);

/**
 * Hashes of all that a study is made from, by path as given: files of rows and scores, or the manifest of the staged
 * folder, sets of instructions that its runs answer, and models. What `find` does not find is left out.
 */
export async function hashInputs(
  { study, sets, cells }: Pick<ResolvedStudy, 'study' | 'sets' | 'cells'>,
  planner: RunPlanner,
  find: Find = resolve,
): Promise<StudyRecord['inputs']> {
  const { staged } = study.data!;
  const instructions = 'win-rate' in study.metric ? study.metric['win-rate'].sets : [];
  const files = new Set([...sets.flatMap(({ rows, scored }) => [rows, scored]), ...instructions]);
  const models = new Set(cells.map(({ recipe }) => recipe.model));
  const inputs: StudyRecord['inputs'] = { data: {}, models: {} };
  for (const file of [...files, ...(staged === undefined ? [] : [staged])]) {
    const found = find(file);
    if (found !== undefined) inputs.data[file] = await hashFile(file === staged ? join(found, MANIFEST) : found);
  }
  for (const set of winRateOptions(study)?.sets ?? []) {
    const found = find(set);
    if (found !== undefined) inputs.data[set] = await hashFile(await setFile(found));
  }
  for (const model of models) {
    const found = find(model);
    if (found !== undefined) inputs.models[model] = { ...(await planner.modelFiles(found)) };
  }
  return inputs;
}
