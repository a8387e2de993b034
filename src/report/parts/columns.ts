import type { PageBlock } from '../page.js';

type Table = Extract<PageBlock, { kind: 'table' }>;

/** A table without the columns in which nothing stands, such as axes in a study without any. */
export function fullColumns(table: Omit<Table, 'kind'>): Table {
  const [head = [], ...body] = table.rows;
  const kept = head.map((_, i) => body.some((row) => row[i] !== '' && row[i] !== undefined));
  const rows = table.rows.map((row) => row.filter((_, i) => kept[i]));
  return { ...table, kind: 'table', rows, left: kept.slice(0, table.left ?? 1).filter(Boolean).length };
}
