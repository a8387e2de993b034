import { join } from 'node:path';
import { stableJson } from '../core/hash.js';
import { hashFile, listFolder, readText, statPath } from '../io/files.js';
import { parseJson } from '../io/json.js';
import { isLockFile } from '../io/lock-file.js';
import { isReport } from '../io/report-files.js';
import { BOARD_FOLDER } from './run-file.js';

/** Fields with how long something took or when it was, or how often the run was resumed. */
const TIMES = new Set(['time', 'seconds', 'tokensPerSecond', 'started', 'finished', 'trainingSeconds', 'resumed']);

/**
 * Not compared: who holds the folder, files for TensorBoard, and hashes of a checkpoint's files,
 * since one file has times; the files themselves are compared.
 */
const isSkipped = (name: string): boolean =>
  [BOARD_FOLDER, 'manifest.json'].includes(name) || isLockFile(name) || isReport(name);

/**
 * What differs between what two finished runs left, one line each; empty when they are equal: the bytes of
 * every adapter and optimizer, the event log line by line, the states of checkpoints and `run.json`, except
 * times and places.
 *
 * @example
 * const differences = await runDifferences('checkpoints/first', 'checkpoints/first');
 * if (differences.length === 0) console.log('both runs came to the same');
 */
export async function runDifferences(one: string, other: string): Promise<string[]> {
  const [a, b] = [await leftIn(one), await leftIn(other)];
  const names = [...new Set([...a.keys(), ...b.keys()])].sort();
  return names.flatMap((name) => {
    const [x, y] = [a.get(name), b.get(name)];
    if (x === y) return [];
    const missing = x === undefined ? one : y === undefined ? other : undefined;
    return [missing === undefined ? `${name} differs` : `${name} is missing in ${missing}`];
  });
}

/**
 * Contents by name: a hash of each file of tensors, and JSON without times; every line of the event log by
 * itself.
 */
async function leftIn(folder: string, below = ''): Promise<Map<string, string>> {
  const left = new Map<string, string>();
  for (const entry of (await listFolder(join(folder, below))).filter((name) => !isSkipped(name))) {
    const name = below === '' ? entry : `${below}/${entry}`;
    const path = join(folder, name);
    if ((await statPath(path)).kind === 'folder') for (const each of await leftIn(folder, name)) left.set(...each);
    else if (entry.endsWith('.jsonl')) {
      const lines = (await readText(path)).trimEnd().split('\n');
      for (const [i, line] of lines.entries())
        left.set(`${name}, line ${i + 1}`, lasting(parseJson(line, path, i + 1)));
    } else if (entry.endsWith('.json')) left.set(name, lasting(parseJson(await readText(path), path)));
    else left.set(name, await hashFile(path));
  }
  return left;
}

/** A value as JSON, without times and without the place where the run lies. */
function lasting(value: unknown): string {
  const kept = JSON.parse(JSON.stringify(value), (key, inner) => (TIMES.has(key) ? undefined : inner));
  if (kept?.recipe) delete kept.recipe.out;
  if (kept?.recipe) delete kept.begunIn;
  return stableJson(kept);
}
