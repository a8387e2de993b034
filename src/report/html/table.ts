import type { PageBlock, PageCell } from '../page.js';
import { escapeHtml, inlineHtml, shortened } from './escape.js';

type Table = Omit<Extract<PageBlock, { kind: 'table' }>, 'kind'>;
type Grid = Extract<PageBlock, { kind: 'grid' }>;

/** Longest text of a cell that is shown whole. */
const MOST = 400;

const textOf = (cell: PageCell): string => (typeof cell === 'string' ? cell : cell.text);

/** Words this long may be broken anywhere, since a column cannot be as wide as they are. */
const LONG = 32;

/** Words stand to the left; numbers, of which there are more, need no mark. */
const classOf = (text: string, column: number, left: number): string =>
  column >= left ? '' : text.length > LONG ? ' class="word long"' : ' class="word"';

/** A number as the script of the page reads it from a text. */
const asRead = (text: string): number => Number(text.replace(/[,%\s]/g, '') || Number.NaN);

function bodyCell(cell: PageCell, column: number, left: number): string {
  const text = textOf(cell);
  const value = typeof cell === 'string' ? undefined : cell.value;
  const known = value === undefined || (value === null ? text === '-' : Number.isFinite(asRead(text)));
  const sorted = known ? '' : ` data-value="${value ?? ''}"`;
  const shown = inlineHtml(text, MOST);
  if (column === 0) return `<th scope="row"${text.length > LONG ? ' class="long"' : ''}${sorted}>${shown}</th>`;
  return `<td${classOf(text, column, left)}${sorted}>${shown}</td>`;
}

/** An empty place is no heading of anything. */
const headCell = (text: string, isWord: boolean): string =>
  text.trim() === '' ? '<td></td>' : `<th scope="col"${isWord ? ' class="word"' : ''}>${inlineHtml(text, MOST)}</th>`;

/** What scrolls sideways on its own where it is wide, and can be reached by keyboard for that. */
export const scrolling = (label: string, content: string): string =>
  `<div class="scroll" tabindex="0" role="group" aria-label="${escapeHtml(shortened(label, 200))}">${content}</div>`;

/** A table as HTML; `label` names it where it has no caption. */
export function tableHtml({ rows, left = 1, caption, sortable = false }: Table, label: string): string {
  const [head = [], ...body] = rows;
  const heads = head.map((cell, i) => headCell(textOf(cell), i < left));
  const lines = body.map((row) => `<tr>${row.map((cell, i) => bodyCell(cell, i, left)).join('')}</tr>`);
  const named = caption === undefined ? '' : `<caption>${inlineHtml(caption)}</caption>`;
  const table = `<table${sortable ? ' data-sortable=""' : ''}>${named}<thead><tr>${heads.join('')}</tr></thead>`;
  return scrolling(caption ?? label, `${table}<tbody>\n${lines.join('\n')}\n</tbody></table>`);
}

/** States in a grid as HTML. */
export function gridHtml({ caption, columns, rows }: Grid): string {
  const heads = columns.map((name) => `<th scope="col">${inlineHtml(name, MOST)}</th>`).join('');
  const lines = rows.map(({ name, cells }) => {
    const states = cells.map((cell) => {
      if (!cell) return '<td></td>';
      const note = cell.note === undefined ? '' : ` <small>${inlineHtml(cell.note, MOST)}</small>`;
      const text = inlineHtml(cell.text, MOST);
      const linked = cell.href === undefined ? text : `<a href="${escapeHtml(cell.href)}">${text}</a>`;
      return `<td class="${cell.tone}">${linked}${note}</td>`;
    });
    return `<tr><th scope="row">${inlineHtml(name, MOST)}</th>${states.join('')}</tr>`;
  });
  const table = `<table class="grid"><caption>${inlineHtml(caption)}</caption><thead><tr><td></td>${heads}</tr></thead>`;
  return scrolling(caption, `${table}<tbody>\n${lines.join('\n')}\n</tbody></table>`);
}
