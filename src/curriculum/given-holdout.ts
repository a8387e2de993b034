import { basename, join } from 'node:path';
import { dataError } from '../core/errors.js';
import { shortHash } from '../core/hash.js';
import { showSome } from '../core/shown.js';
import { importFile } from '../data/import.js';
import { importOptionsSchema } from '../data/options.js';
import type { InstructionRecord } from '../data/record.js';
import { hashFile, statPath } from '../io/files.js';
import { HOLDOUT, readHeldOut } from './manifest.js';
import type { RowTable } from './table.js';

/** Rows that are held out whatever the cut is. */
export interface GivenHoldout {
  /** The file's name and the SHA-256 of its bytes. */
  readonly file: string;
  readonly sha256: string;
  /** By id: its place among the held-out rows, and a hash of its messages. */
  readonly rows: ReadonlyMap<string, { readonly place: number; readonly text: string }>;
}

/** Ids shown in an error, at most. */
const SHOWN = 5;

/** A hash of a row's messages, whole: equal for equal texts only. */
export const messagesHash = ({ messages }: InstructionRecord): string =>
  shortHash(JSON.stringify(messages.map(({ role, content, train }) => [role, content, train ?? true])));

/**
 * Reads held-out rows from a staged folder (its held-out rows) or a file of rows; a data error where there are none,
 * or the folder's file is not the one that was staged.
 */
export async function readGivenHoldout(path: string): Promise<GivenHoldout> {
  const folder = (await statPath(path)).kind === 'folder';
  const file = folder ? join(path, HOLDOUT) : path;
  const records = folder
    ? await readHeldOut(path)
    : (await importFile(path, importOptionsSchema.parse({ format: 'auto' }))).records;
  if (records.length === 0) throw dataError(`${file}: no rows; expected rows to hold out`, { file });
  return {
    file: basename(file),
    sha256: await hashFile(file),
    rows: new Map(records.map((record, place) => [record.id, { place, text: messagesHash(record) }])),
  };
}

/** What becomes of the rows of a set whose held-out rows are given. */
export interface Partition {
  /** Rows of the set that are trained on or held out, in order. */
  readonly kept: Uint32Array;
  /** For each of them: 1 where it is held out. */
  readonly held: Uint8Array;
  /** Rows left out: near-duplicates of held-out rows. */
  readonly leftOut: number;
  /** Place of a row of the set among the held-out ones; -1 for one to train on, undefined for one that is left out. */
  placeOf(row: number): number | undefined;
}

/** Finds the given rows in a set, row by row. */
export interface HoldoutMatch {
  add(row: InstructionRecord, place: number): void;
  /** Throws a data error for held-out rows that the set does not have, or has with another text. */
  done(clusterOf: Int32Array): Partition;
}

/** See {@link HoldoutMatch}. */
export function matchHoldout({ file, rows }: GivenHoldout): HoldoutMatch {
  const places = new Map<number, number>();
  const found = new Set<string>();
  const changed: string[] = [];
  return {
    add(row, place) {
      const given = rows.get(row.id);
      if (!given) return;
      found.add(row.id);
      places.set(place, given.place);
      if (given.text !== messagesHash(row)) changed.push(row.id);
    },
    done(clusterOf) {
      const missing = [...rows.keys()].filter((id) => !found.has(id));
      if (missing.length > 0)
        throw refuse(
          file,
          missing,
          rows.size,
          'are missing in the set or have no score there',
          'is missing in the set or has no score there',
        );
      if (changed.length > 0)
        throw refuse(file, changed, rows.size, 'have another text in the set', 'has another text in the set');
      return partition(places, clusterOf);
    },
  };
}

const refuse = (file: string, ids: readonly string[], of: number, several: string, one: string) =>
  dataError(
    `${ids.length} of ${of} held-out rows of ${file} ${ids.length === 1 ? one : several}: ${showSome(ids, SHOWN)}`,
    {
      rows: ids.length,
      id: ids[0]!,
      option: 'holdoutFrom',
      remedies: [{ advice: 'give the held-out rows of these rows' }],
    },
  );

function partition(places: ReadonlyMap<number, number>, clusterOf: Int32Array): Partition {
  const heldClusters = new Set<number>();
  for (const row of places.keys()) heldClusters.add(clusterOf[row]!);
  const placeOf = (row: number) => places.get(row) ?? (heldClusters.has(clusterOf[row]!) ? undefined : -1);
  const kept = Uint32Array.from(clusterOf.keys()).filter((row) => placeOf(row) !== undefined);
  return {
    kept,
    held: Uint8Array.from(kept, (row) => (places.has(row) ? 1 : 0)),
    leftOut: clusterOf.length - kept.length,
    placeOf,
  };
}

/** Scores and lengths of some of a table's rows, in the order given. */
export const someRows = (
  { scores, tokens }: RowTable,
  rows: Uint32Array,
): Pick<RowTable, 'rows' | 'scores' | 'tokens'> => ({
  rows: rows.length,
  scores: Float64Array.from(rows, (row) => scores[row]!),
  tokens: Uint32Array.from(rows, (row) => tokens[row]!),
});
