import { dataError } from '../core/errors.js';
import { showSome } from '../core/shown.js';
import { messagesHash } from '../curriculum/given-holdout.js';
import { streamRows } from '../data/import.js';
import type { ImportOptions } from '../data/options.js';
import type { Hooks } from '../workflow/hooks.js';
import type { StudySet, StudySetOptions } from './study-set.js';

/** How rows are read. */
interface Reading {
  readonly reading: ImportOptions;
  readonly unscored: StudySetOptions['unscored'];
  readonly hooks: Hooks;
}

/** Ids shown of each kind of difference, at most. */
const SHOWN = 3;

/**
 * Checks that the scores of each set are of the same rows as its `rows`: the same ids with the same texts, rows without
 * a score not counted where they are dropped. A data error says how many differ, and the first.
 */
export async function compareRows(sets: readonly StudySet[], reading: Reading): Promise<void> {
  const others = sets.filter(({ rows, scored }) => rows !== scored);
  for (const rows of new Set(others.map((set) => set.rows))) {
    const texts = await textsOf(rows, reading);
    const files = new Set(others.filter((set) => set.rows === rows).map((set) => set.scored));
    for (const scored of files) refuseOther(rows, texts, scored, await textsOf(scored, reading));
  }
}

/** By id, a hash of each row's messages. */
async function textsOf(path: string, { reading, unscored, hooks }: Reading): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for await (const row of streamRows(path, reading, hooks.logger).rows) {
    if (row.score !== undefined || unscored !== 'drop') texts.set(row.id, messagesHash(row));
    if (texts.size % 10_000 === 0) hooks.signal?.throwIfAborted();
  }
  return texts;
}

function refuseOther(
  rows: string,
  texts: ReadonlyMap<string, string>,
  scored: string,
  others: ReadonlyMap<string, string>,
): void {
  const missing = [...texts.keys()].filter((id) => !others.has(id));
  const added = [...others.keys()].filter((id) => !texts.has(id));
  const changed = [...texts].flatMap(([id, text]) => (others.has(id) && others.get(id) !== text ? [id] : []));
  const parts = [
    { what: 'missing', ids: missing },
    { what: 'added', ids: added },
    { what: 'with another text', ids: changed },
  ].flatMap(({ what, ids }) => (ids.length > 0 ? [`${ids.length} ${what} (${showSome(ids, SHOWN)})`] : []));
  if (parts.length === 0) return;
  throw dataError(`${scored}: not scores of the rows of ${rows}: ${parts.join(', ')}`, {
    file: scored,
    rows: missing.length + added.length + changed.length,
  });
}
