import type { Block } from '../telemetry/document.js';
import type { PageBlock, PageCell, Section } from './page.js';

/** Figures as tables have them: `1,234`, `58.3`, `-0.15`, `56.2 %`. */
const NUMBER = /^[-+]?\d[\d,]*(?:\.\d+)?(?: %)?$/;

/** A cell that is sorted by its number where it is one. */
export const cellOf = (text: string): PageCell =>
  NUMBER.test(text) ? { text, value: Number(text.replace(/[,% ]/g, '')) } : text;

/** The rows of a table whose numbers can be sorted; the first row has the names of the columns. */
export const tableRows = (rows: readonly (readonly string[])[]): PageCell[][] =>
  rows.map((row, i) => row.map((cell) => (i === 0 ? cell : cellOf(cell))));

/** Rows from which on a table can be sorted by its readers. */
const SORTABLE = 4;

/** A table of texts; from a few rows on readers can sort it. */
export const tableOf = (rows: readonly (readonly string[])[], left = 1, caption?: string): PageBlock => ({
  kind: 'table',
  rows: tableRows(rows),
  left,
  ...(caption !== undefined && { caption }),
  ...(rows.length > SORTABLE && { sortable: true }),
});

const ITEM = /^- /;

/** A paragraph, or a list where every line begins with a dash. */
function paragraphOf(text: string): PageBlock {
  const lines = text.split('\n');
  return lines.every((line) => ITEM.test(line))
    ? { kind: 'list', items: lines.map((line) => line.replace(ITEM, '')) }
    : { kind: 'paragraph', text };
}

/** Blocks of another report for a page; headings become paragraphs, and pictures are left out. */
function pageBlocksOf(blocks: readonly Block[]): PageBlock[] {
  return blocks.flatMap((block): PageBlock[] => {
    if (block.kind === 'heading') return [{ kind: 'paragraph', text: block.text }];
    if (block.kind === 'paragraph') return [paragraphOf(block.text)];
    return block.kind === 'table' ? [tableOf(block.rows, block.left)] : [];
  });
}

/** An id made of a title: `By difficulty` is `by-difficulty`. */
const idOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'part';

/**
 * Sections of a page made of another report's blocks: every heading of the second level begins one. Their ids begin
 * with `prefix`, so that they are no other section's.
 */
export function sectionsOf(blocks: readonly Block[], prefix = ''): Section[] {
  const sections: { title: string; blocks: Block[] }[] = [];
  for (const block of blocks)
    if (block.kind === 'heading' && (block.level ?? 2) === 2) sections.push({ title: block.text, blocks: [] });
    else sections.at(-1)?.blocks.push(block);
  const taken = new Map<string, number>();
  return sections.map(({ title, blocks: inside }) => {
    const id = `${prefix}${idOf(title)}`;
    const times = (taken.get(id) ?? 0) + 1;
    taken.set(id, times);
    return { id: times === 1 ? id : `${id}-${times}`, title, blocks: pageBlocksOf(inside) };
  });
}
