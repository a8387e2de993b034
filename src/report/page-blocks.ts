import type { Block } from '../telemetry/document.js';
import type { PageBlock, PageCell, Section } from './page.js';

/** A paragraph of plain text. */
export const paragraph = (text: string): PageBlock => ({ kind: 'paragraph', text });

/** Figures as tables have them: `1,234`, `58.3`, `-0.15`, `56.2 %`. */
const NUMBER = /^[-+]?\d[\d,]*(?:\.\d+)?(?: %)?$/;

/** A cell that is sorted by its number where it is one. */
const cellOf = (text: string): PageCell =>
  NUMBER.test(text) ? { text, value: Number(text.replace(/[,% ]/g, '')) } : text;

/** The rows of a table whose numbers can be sorted; the first row has the names of the columns. */
const tableRows = (rows: readonly (readonly string[])[]): PageCell[][] =>
  rows.map((row, i) => row.map((cell) => (i === 0 ? cell : cellOf(cell))));

/** Rows from which on a table can be sorted by its readers. */
const SORTABLE = 6;

/** A table of texts; from a few rows on readers can sort it. */
export const tableOf = (rows: readonly (readonly string[])[], left = 1, caption?: string): PageBlock => ({
  kind: 'table',
  rows: tableRows(rows),
  left,
  ...(caption !== undefined && { caption }),
  ...(rows.length > SORTABLE && rows[0]!.length > left && { sortable: true }),
});

const ITEM = /^- /;

/** A paragraph, or a list where every line begins with a dash. */
function paragraphOf(text: string): PageBlock {
  const lines = text.split('\n');
  return lines.every((line) => ITEM.test(line))
    ? { kind: 'list', items: lines.map((line) => line.replace(ITEM, '')) }
    : paragraph(text);
}

/** A table, or facts where it has names with values and nothing above the names. */
function tableBlocks(rows: readonly (readonly string[])[], left: number | undefined, caption?: string): PageBlock[] {
  const [head = [], ...body] = rows;
  if (head.length !== 2 || head[0] !== '') return [tableOf(rows, left, caption)];
  const [, what = ''] = head;
  const facts = body.map(([name = '', value = '']) => [name, value] as const);
  return [
    ...(caption === undefined ? [] : [paragraph(`${caption}:`)]),
    { kind: 'facts', facts: what === '' ? facts : [[what.startsWith('on ') ? 'measured' : 'name', what], ...facts] },
  ];
}

/** Blocks of another report for a page; a heading becomes the caption of the table below it, or a paragraph. */
function pageBlocksOf(blocks: readonly Block[]): PageBlock[] {
  return blocks.flatMap((block, i): PageBlock[] => {
    const [before, after] = [blocks[i - 1], blocks[i + 1]];
    if (block.kind === 'heading') return after?.kind === 'table' ? [] : [paragraph(block.text)];
    if (block.kind === 'paragraph') return [paragraphOf(block.text)];
    if (block.kind !== 'table') return [];
    return tableBlocks(block.rows, block.left, before?.kind === 'heading' ? before.text : undefined);
  });
}

/** An id made of a title: `By difficulty` is `by-difficulty`. */
const idOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'part';

/** Blocks of another report as one section: its headings are captions inside. Empty without blocks. */
export function sectionOf(title: string, blocks: readonly Block[]): Section[] {
  const inside = pageBlocksOf(blocks);
  return inside.length === 0 ? [] : [{ id: idOf(title), title, blocks: inside }];
}

/** Sections of a page made of another report's blocks: every heading of the second level begins one. */
export function sectionsOf(blocks: readonly Block[]): Section[] {
  const parts: { title: string; blocks: Block[] }[] = [];
  for (const block of blocks)
    if (block.kind === 'heading' && (block.level ?? 2) === 2) parts.push({ title: block.text, blocks: [] });
    else parts.at(-1)?.blocks.push(block);
  return parts.map(({ title, blocks: inside }) => ({ id: idOf(title), title, blocks: pageBlocksOf(inside) }));
}

/** Sections with an id each of its own: of two with the same the second gets a number. */
export function distinctSections(sections: readonly Section[]): Section[] {
  const taken = new Set<string>();
  return sections.map((section) => {
    let { id } = section;
    for (let n = 2; taken.has(id); n++) id = `${section.id}-${n}`;
    taken.add(id);
    return { ...section, id };
  });
}
