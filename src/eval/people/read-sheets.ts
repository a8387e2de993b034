import { basename, dirname, join } from 'node:path';
import { dataError } from '../../core/errors.js';
import { show, shownName, showSome } from '../../core/shown.js';
import { isRow, type RawRow } from '../../data/fields.js';
import { undefuse } from '../../io/csv.js';
import { exists, listFolder } from '../../io/files.js';
import { readJson } from '../../io/json.js';
import { readRows } from '../../io/rows.js';
import { type KeyPair, keyPath, type SheetKey, sheetKeySchema } from './sheet.js';

/** What somebody says about a pair. */
export type Side = 'arm' | 'baseline' | 'tie';

/** One person's ratings. */
export interface Person {
  readonly name: string;
  /** By the pair's name in its sheet. */
  readonly ratings: ReadonlyMap<string, Side>;
}

/** What sheets say. */
export interface PeopleRatings {
  readonly people: readonly Person[];
  /** The pairs of all keys by their names. */
  readonly pairs: ReadonlyMap<string, KeyPair>;
  /** Cells that are no rating, by their place, and columns that are none. */
  readonly problems: readonly string[];
  /** Cells that are empty. */
  readonly blank: number;
}

/** Words for the three ratings, in lower case. */
const WORDS: Readonly<Record<string, 'A' | 'B' | 'tie'>> = {
  a: 'A',
  b: 'B',
  tie: 'tie',
  ties: 'tie',
  tied: 'tie',
  equal: 'tie',
  same: 'tie',
  draw: 'tie',
  both: 'tie',
  neither: 'tie',
  'a=b': 'tie',
  '=': 'tie',
};

/**
 * Reads filled sheets: one person a sheet, or several with a column each whose name begins with
 * `better`. A blank cell is no rating; anything but A, B or tie is a problem of its row, and not
 * counted. The key is found by the sheet's name, or among the keys in the folders of all sheets.
 * Throws a data error for a sheet without its columns or its key, and where nobody rated anything.
 */
export async function readSheets(paths: readonly string[]): Promise<PeopleRatings> {
  const keys = await keysNear(paths);
  const people: Person[] = [];
  const pairs = new Map<string, KeyPair>();
  const problems: string[] = [];
  let blank = 0;
  for (const path of paths) {
    const { columns, rows } = await sheetRows(path);
    const key = keyOf(path, rows, keys);
    const known = new Map(key.pairs.map((pair) => [pair.pair, pair]));
    for (const [name, pair] of known) pairs.set(name, pair);
    for (const column of columns) {
      const ratings = new Map<string, Side>();
      for (const row of rows) {
        const read = ratingIn(row, column, known, ratings);
        if ('problem' in read) problems.push(read.problem);
        else if (read.side === undefined) blank++;
        else ratings.set(read.pair, read.side);
      }
      people.push({ name: nameOf(path, column, columns, people), ratings });
    }
  }
  if (people.every(({ ratings }) => ratings.size === 0))
    throw dataError(
      `${showSome(
        paths.map((path) => path),
        3,
      )}: nothing is rated${problems[0] === undefined ? '' : ` (${problems[0]})`}; expected A, B or tie in the column better`,
      { file: paths[0] },
    );
  return { people, pairs, problems, blank };
}

interface SheetRow {
  readonly place: string;
  readonly value: RawRow;
}

async function sheetRows(path: string): Promise<{ columns: string[]; rows: SheetRow[] }> {
  const rows: SheetRow[] = [];
  for await (const { place, value, error } of readRows(path)) {
    if (error) throw error;
    if (!isRow(value)) throw dataError(`${place}: expected a row of the sheet, found ${show(value)}`, { file: path });
    rows.push({ place, value });
  }
  const names = Object.keys(rows[0]?.value ?? {});
  const columns = names.filter((name) => /^\s*better/i.test(name));
  const missing = ['pair', 'better'].filter((name) =>
    name === 'better' ? columns.length === 0 : !names.includes(name),
  );
  if (missing.length === 0) return { columns, rows };
  const found =
    rows.length === 0
      ? 'no rows'
      : `only ${showSome(
          names.map((name) => shownName(name, 40)),
          8,
        )}`;
  throw dataError(`${path}: expected a sheet with the column ${missing.join(' and the column ')}, found ${found}`, {
    file: path,
  });
}

function ratingIn(
  { place, value }: SheetRow,
  column: string,
  known: ReadonlyMap<string, KeyPair>,
  before: ReadonlyMap<string, Side>,
): { pair: string; side: Side | undefined } | { problem: string } {
  const text = undefuse(String(value[column] ?? ''));
  const name = String(value.pair ?? '').trim();
  if (text.trim() === '') return { pair: name, side: undefined };
  const pair = known.get(name);
  if (!pair) return { problem: `${place}: ${show(name)} is no pair of this sheet` };
  if (before.has(name)) return { problem: `${place}: ${name} is rated in an earlier row already` };
  const rating = WORDS[text.normalize('NFKC').trim().toLowerCase().replace(/[.!]$/, '').replace(/\s+/g, '')];
  if (rating === undefined) return { problem: `${place}: expected A, B or tie for ${name}, found ${show(text)}` };
  if (rating === 'tie') return { pair: name, side: 'tie' };
  return { pair: name, side: (rating === 'A') === (pair.first === 'arm') ? 'arm' : 'baseline' };
}

/** All keys in the folders of the sheets, those named like a sheet first. */
async function keysNear(paths: readonly string[]): Promise<SheetKey[]> {
  const files = paths.map(keyPath).filter(exists);
  for (const folder of new Set(paths.map((path) => dirname(path))))
    if (exists(folder))
      files.push(
        ...(await listFolder(folder)).filter((name) => name.endsWith('.key.json')).map((name) => join(folder, name)),
      );
  const keys: SheetKey[] = [];
  for (const file of new Set(files)) keys.push(await readJson(file, sheetKeySchema));
  return keys;
}

/** The key whose pairs a sheet has. */
function keyOf(path: string, rows: readonly SheetRow[], keys: readonly SheetKey[]): SheetKey {
  const names = new Set(
    rows.map(({ value }) =>
      String(value.pair ?? '')
        .replace(/-\d+$/, '')
        .trim(),
    ),
  );
  const key = keys.find(({ sheet }) => names.has(sheet));
  if (key) return key;
  throw dataError(
    `${path}: the key of its pairs (${showSome(
      [...names].map((name) => shownName(name, 20)),
      3,
    )}) is missing; expected ${basename(keyPath(path))} beside it, as it was when the sheet was made`,
    { file: path, remedies: [{ advice: 'put the key into the folder of the sheet' }] },
  );
}

/** The column's name after `better`, or the file's where the sheet has one column. */
function nameOf(path: string, column: string, columns: readonly string[], people: readonly Person[]): string {
  const own = column.replace(/^\s*better\W*/i, '').trim();
  const file = basename(path).replace(/\.\w+$/, '');
  const name = columns.length === 1 || own === '' ? file : own;
  const taken = people.filter((person) => person.name === name || person.name.startsWith(`${name} (`)).length;
  return taken === 0 ? name : `${name} (${taken + 1})`;
}
