import { dataError } from '../core/errors.js';
import { show, shownName } from '../core/shown.js';
import type { FileRow } from '../io/file-row.js';
import { isRow, namesOf, withoutNulls } from './fields.js';
import type { Answers, RowFormat } from './importer.js';
import { formatOf, formatsFor, IMPORTERS } from './importers.js';

/** One object with the rows in a field, as many programs save a data set, is not a row. */
export function checkNoListInside(row: FileRow, path: string, answers: Answers): void {
  if (!isRow(row.value) || formatOf(withoutNulls(row.value), answers) === 'records') return;
  const inside = Object.entries(row.value).find(
    ([, list]) => Array.isArray(list) && isRow(list[0]) && formatOf(withoutNulls(list[0]), answers) !== undefined,
  );
  if (!inside) return;
  const name = JSON.stringify(inside[0]);
  throw dataError(
    `${path}: expected a JSON array of rows, or JSON Lines; found a single JSON object with rows in its field ${name}: save that list, for instance with jq: jq '.[${name}]' ${path} > rows.json`,
    { file: path },
  );
}

/** What a row says; an empty cell of a table says nothing. */
export function saidBy({ value, columns }: FileRow): unknown {
  return columns && isRow(value) ? Object.fromEntries(Object.entries(value).filter(([, cell]) => cell !== '')) : value;
}

/** The format of the first row that has one; a data error that lists the formats where none has. */
export function detectFormat(rows: readonly FileRow[], path: string, answers: Answers): RowFormat {
  for (const row of rows) {
    const value = saidBy(row);
    if (!isRow(value)) continue;
    const format = formatOf(withoutNulls(value), answers);
    if (format) return format;
  }
  const first = rows.find(({ error }) => !error);
  if (!first) throw rows[0]!.error!;
  const value = saidBy(first);
  const actual = first.columns
    ? `a table with the columns ${first.columns
        .slice(0, 10)
        .map((name) => shownName(name, 40))
        .join(', ')}`
    : isRow(value)
      ? `the fields ${namesOf(value)}`
      : show(value);
  const known = formatsFor(answers).map((format) => `${format} ${IMPORTERS[format].looksLike}`);
  throw dataError(`${first.place}: no known row format; found ${actual}; expected one of ${known.join(', ')}`, {
    file: path,
    remedies: [{ advice: 'rename its fields' }, { option: 'format', change: 'set' }],
  });
}
