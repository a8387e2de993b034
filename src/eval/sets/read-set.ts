import { basename, dirname, join, resolve } from 'node:path';
import { dataError, usageError } from '../../core/errors.js';
import { importFile } from '../../data/import.js';
import type { ImportOptions } from '../../data/options.js';
import type { InstructionRecord } from '../../data/record.js';
import { exists, hashFile, statPath } from '../../io/files.js';
import type { Logger } from '../../telemetry/logger.js';
import type { EvalRow } from './eval-row.js';

/** A file of instructions. */
export interface EvalSet {
  /** The file's name without extension. */
  readonly name: string;
  /** As it was given. */
  readonly path: string;
  readonly sha256: string;
  /** All rows of the file, in its order. */
  readonly rows: readonly EvalRow[];
}

/** How sets are read. */
export interface ReadSetsOptions extends Pick<ImportOptions, 'badRows'> {
  /** Names that sets have already, by their paths. */
  readonly known?: readonly Pick<EvalSet, 'name' | 'path'>[];
}

/**
 * Reads sets of instructions: files of any kind and format that rows are imported from, or staged folders, of
 * which the held-out rows are taken. A row needs no answer; the one that it has becomes its reference. Ids are unique
 * within a set. The name of a second set of the same name begins with its folder's. Throws usage and data errors of
 * the files.
 */
export async function readSets(
  paths: readonly string[],
  { badRows, known = [] }: ReadSetsOptions,
  logger?: Logger,
): Promise<EvalSet[]> {
  const names = nameSets(paths, known);
  const sets: EvalSet[] = [];
  for (const [i, path] of paths.entries()) {
    const file = await setFile(path);
    const sha256 = await hashFile(file);
    const options = { format: 'auto', badRows, answers: 'optional' } as const;
    const { records } = await importFile(file, options, logger);
    const name = names[i]!;
    sets.push({ name, path, sha256, rows: records.map((record) => rowOf(record, name)) });
  }
  return sets;
}

/** The file that a set is read from: of a staged folder, that of its held-out rows. */
export async function setFile(path: string): Promise<string> {
  const { kind } = await statPath(path);
  if (kind !== 'folder') return path;
  const file = join(path, 'holdout.jsonl');
  if (exists(file)) return file;
  throw dataError(`${path}: expected a file of rows, or a staged folder with held-out rows (no holdout.jsonl in it)`, {
    file: path,
    option: 'sets',
    remedies: [{ advice: 'name the files in it' }, { task: 'stage', note: 'with `holdout` to have held-out rows' }],
  });
}

const EXTENSIONS = /(?:\.(?:jsonl?|ndjson|csv|tsv|parquet|txt|gz|zst))+$/i;

const bareName = (path: string): string => basename(resolve(path)).replace(EXTENSIONS, '');

function nameSets(paths: readonly string[], known: ReadSetsOptions['known'] = []): string[] {
  const taken = new Map<string, string>();
  const before = new Map(known.map(({ name, path }) => [resolve(path), name]));
  for (const path of paths) {
    const name = before.get(resolve(path));
    if (name !== undefined) taken.set(name, path);
  }
  return paths.map((path, i) => {
    const twice = paths.findIndex((other) => resolve(other) === resolve(path));
    if (twice < i) throw usageError(`\`sets\`: ${path} is named twice`, { option: 'sets', file: path });
    const earlier = before.get(resolve(path));
    if (earlier !== undefined) return earlier;
    const bare = bareName(path);
    const name = [bare, `${basename(dirname(resolve(path)))}-${bare}`].find((each) => each !== '' && !taken.has(each));
    if (name === undefined)
      throw usageError(`\`sets\`: ${path} and ${taken.get(bare)} have the same name`, {
        option: 'sets',
        file: path,
        remedies: [{ advice: 'rename one of them' }],
      });
    taken.set(name, path);
    return name;
  });
}

function rowOf({ id, messages, score, stage, meta }: InstructionRecord, set: string): EvalRow {
  const last = messages.at(-1)!;
  const asked = last.role === 'assistant' ? messages.slice(0, -1) : messages;
  const reference = last.role === 'assistant' && last.content.trim() !== '' ? last.content : undefined;
  return {
    set,
    id,
    messages: asked,
    ...(reference !== undefined && { reference }),
    ...(score !== undefined && { score }),
    ...(stage !== undefined && { band: stage }),
    ...(meta !== undefined && { meta }),
  };
}
