/** A part of a report that can be shown on a terminal or written as Markdown. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string; readonly level?: number }
  | { readonly kind: 'paragraph'; readonly text: string }
  /** The first row has the names of the columns; the first `left` columns [1] are words, the others numbers. */
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[]; readonly left?: number }
  /** Only in Markdown: `file` as seen from where the report is. */
  | { readonly kind: 'picture'; readonly title: string; readonly file: string };

/**
 * Lines for a terminal: columns aligned, an empty line before every heading but the first.
 *
 * @example
 * const lines = plainLines([
 *   { kind: 'heading', text: 'Scores' },
 *   { kind: 'table', rows: [['name', 'rows'], ['judge', '1,000']] },
 * ]);
 * console.log(lines.join('\n'));
 */
export function plainLines(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block, i) => {
    if (block.kind === 'heading') return i === 0 ? [block.text] : ['', block.text];
    if (block.kind === 'paragraph') return [`  ${block.text}`];
    return block.kind === 'table' ? alignedLines(block.rows, block.left).map((line) => `  ${line}`) : [];
  });
}

/** Rows of a table with columns of one width, the first `left` of them aligned to the left. */
export function alignedLines(rows: readonly (readonly string[])[], left = 1): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const put = (cell: string, i: number) => (i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!));
  return rows.map((row) => row.map(put).join('  ').trimEnd());
}

/**
 * The report as Markdown. Cells of tables are escaped; headings and paragraphs are Markdown already.
 *
 * @example
 * const text = markdown([
 *   { kind: 'heading', text: 'Scores' },
 *   { kind: 'table', rows: [['name', 'rows'], ['judge', '1,000']] },
 * ]);
 */
export function markdown(blocks: readonly Block[]): string {
  return `${blocks.map(markdownBlock).join('\n\n')}\n`;
}

function markdownBlock(block: Block): string {
  if (block.kind === 'heading') return `${'#'.repeat(block.level ?? 2)} ${block.text}`;
  if (block.kind === 'paragraph') return block.text;
  if (block.kind === 'picture') return `![${escapeMarkdown(block.title)}](${encodeURI(block.file)})`;
  const { rows, left = 1 } = block;
  const [head, ...body] = rows.map((row) => `| ${row.map(escapeMarkdown).join(' | ')} |`);
  const sides = rows[0]!.map((_, i) => (i < left ? '---' : '---:'));
  return [head, `|${sides.join('|')}|`, ...body].join('\n');
}

const escapeMarkdown = (text: string): string =>
  text.replace(/[\\`*_[\]<>|]/g, (mark) => `\\${mark}`).replace(/\s+/g, ' ');
