import { basename, join } from 'node:path';
import { dataError } from '../core/errors.js';
import { hashOf } from '../core/hash.js';
import { drawHoldout } from '../curriculum/draw-holdout.js';
import { checkStaged, MANIFEST, readManifest } from '../curriculum/manifest.js';
import { resolveStaging, stagingOptionsSchema } from '../curriculum/staging-options.js';
import { streamRows } from '../data/import.js';
import { importOptionsSchema } from '../data/options.js';
import { removeLeftovers } from '../io/atomic.js';
import { exists, hashFile, listFolder } from '../io/files.js';
import type { Hooks } from '../workflow/hooks.js';
import { stage } from '../workflow/stage.js';
import type { StudyEvent } from './events.js';
import { compareRows } from './same-rows.js';
import { studyPaths } from './study-record.js';
import type { StudySet, StudySetOptions } from './study-set.js';

/** How files of rows and scores are read. */
const READING = importOptionsSchema.parse({});

/** The options that a set is staged with, apart from its hold-out. */
const cutOptions = (set: StudySet, { nearDuplicates, unscored }: StudySetOptions) =>
  stagingOptionsSchema.parse({ ...set.stage, seed: set.split, nearDuplicates, unscored });

/**
 * Draws the hold-outs of a study and stages its sets with them, where they are missing: `holdouts/<name>.jsonl` and
 * `staged/<name>/`, each whole or not there. A hold-out is drawn from the scored rows of `rows` before any cut, by the
 * split's number; the same rows, split and options give the same bytes. What is there is kept if it is what would be
 * made; a set that is not is made again, except in a study that is registered, where it is a data error. So are scores
 * that are not of the same rows as `rows`. Only the process that holds the study's lock calls this.
 */
export async function* makeSets(
  folder: string,
  sets: readonly StudySet[],
  options: StudySetOptions,
  hooks: Hooks = {},
): AsyncGenerator<StudyEvent, void> {
  for (const part of ['holdouts', 'staged']) if (exists(join(folder, part))) await removeLeftovers(join(folder, part));
  const missing: StudySet[] = [];
  for (const set of sets) if (await isMissing(folder, set, options)) missing.push(set);
  await compareRows(missing, { reading: READING, unscored: options.unscored, hooks });
  let done = sets.length - missing.length;
  yield { type: 'prepare', doing: 'stage', done, of: sets.length };
  const drawn = new Set<string>();
  for (const set of missing) {
    if (!drawn.has(set.holdout)) await ensureHoldout(folder, set, missing, options, hooks);
    drawn.add(set.holdout);
    const { staged, holdout } = studyPaths(folder);
    const { warnings } = await stage(
      {
        ...cutOptions(set, options),
        file: set.scored,
        out: staged(set.name),
        holdoutFrom: holdout(set.holdout),
        force: true,
      },
      hooks,
    );
    for (const warning of warnings) yield { type: 'warning', message: `set ${set.name}: ${warning}` };
    yield { type: 'prepare', doing: 'stage', done: ++done, of: sets.length };
  }
}

/**
 * Checks that the sets of a study are there and nothing in them changed, nor in their hold-outs, and returns by name
 * the SHA-256 of their manifests. A data error names the file.
 */
export async function checkSets(folder: string, sets: readonly StudySet[]): Promise<ReadonlyMap<string, string>> {
  const { staged } = studyPaths(folder);
  const hashes = new Map<string, string>();
  for (const set of sets) {
    await checkStaged(staged(set.name));
    await checkHoldout(folder, set);
    hashes.set(set.name, await hashFile(join(staged(set.name), MANIFEST)));
  }
  return hashes;
}

const hasSet = (folder: string, { name }: Pick<StudySet, 'name'>): boolean =>
  exists(join(studyPaths(folder).staged(name), MANIFEST));

/** The hold-out must be the one that a set was staged with. */
async function checkHoldout(folder: string, { name, holdout }: Pick<StudySet, 'name' | 'holdout'>): Promise<void> {
  const { staged, holdout: pathOf } = studyPaths(folder);
  const path = pathOf(holdout);
  const expected = (await readManifest(staged(name))).holdoutFrom?.sha256;
  const actual = await hashFile(path);
  if (actual !== expected)
    throw dataError(
      `${path}: not the hold-out that ${staged(name)} was staged with (expected SHA-256 ${expected?.slice(0, 12)}..., got ${actual.slice(0, 12)}...)`,
      { file: path, expected, actual },
    );
}

/** True where a set must be staged. One that is there must be whole; see {@link makeSets} for one that is another. */
async function isMissing(folder: string, set: StudySet, options: StudySetOptions): Promise<boolean> {
  if (!hasSet(folder, set)) return true;
  const path = studyPaths(folder).staged(set.name);
  const differs = await whatDiffers(path, set, options);
  if (differs === undefined) {
    await checkSets(folder, [set]);
    return false;
  }
  if (!exists(studyPaths(folder).record)) return true;
  throw dataError(`${path}: staged ${differs}`, { file: path, remedies: [{ advice: 'put that back' }] });
}

async function whatDiffers(path: string, set: StudySet, options: StudySetOptions): Promise<string | undefined> {
  const { options: made, input } = await readManifest(path);
  const { holdout: _, ...plan } = resolveStaging(cutOptions(set, options));
  if (hashOf(made) !== hashOf(plan)) return 'with other options than the study has';
  if (input.sha256 !== (await hashFile(set.scored))) return `from other contents of ${set.scored}`;
  return undefined;
}

/**
 * Draws a hold-out, unless it is there and a set was staged with it that stays as it is, among `sets` of the study or
 * not: then it must be that one.
 */
async function ensureHoldout(
  folder: string,
  set: StudySet,
  missing: readonly StudySet[],
  { holdout, ...options }: StudySetOptions,
  hooks: Hooks,
): Promise<void> {
  const path = studyPaths(folder).holdout(set.holdout);
  const other = await stagedWith(folder, set.holdout, new Set(missing.map(({ name }) => name)));
  if (other === undefined || !exists(path)) {
    const { nearDuplicates, unscored, seed } = cutOptions(set, { holdout, ...options });
    const read = () => streamRows(set.rows, READING, hooks.logger).rows;
    const signal = hooks.signal ? { signal: hooks.signal } : {};
    await drawHoldout(path, read, { holdout, nearDuplicates, unscored, seed }, signal);
  }
  if (other !== undefined) await checkHoldout(folder, { name: other, holdout: set.holdout });
}

/** A set of the study's folder that was staged with a hold-out, apart from those in `without`. */
async function stagedWith(folder: string, holdout: string, without: ReadonlySet<string>): Promise<string | undefined> {
  const { staged, holdout: pathOf } = studyPaths(folder);
  if (!exists(staged(''))) return undefined;
  for (const name of await listFolder(staged(''))) {
    if (without.has(name) || !hasSet(folder, { name })) continue;
    if ((await readManifest(staged(name))).holdoutFrom?.file === basename(pathOf(holdout))) return name;
  }
  return undefined;
}
