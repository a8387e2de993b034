import { escapeKeepingLayout } from '../core/escape.js';
import { version } from '../core/version.js';
import { hide } from '../telemetry/redact.js';
import { shortened } from './html/escape.js';
import type { Figure, Page, PageBlock, PageCell, Passage } from './page.js';
import { hiddenPassages } from './parts/hidden-passages.js';

const HEAD = '<!-- report of phasetune';

/** Whether a text begins as {@link renderMarkdown} lets every report begin. */
export const isOurMarkdown = (text: string): boolean => text.startsWith(HEAD);

/** Places of pictures, seen from where the Markdown is, by the figure's id. */
export type Pictures = ReadonlyMap<string, string>;

type Block<K extends PageBlock['kind']> = Extract<PageBlock, { kind: K }>;

/** Text on one line that Markdown and HTML take as it is: secrets hidden, control characters shown. */
const line = (text: string, most = 4000): string =>
  escapeKeepingLayout(hide(shortened(text, most)))
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]<>|#~&]/g, (mark) => `\\${mark}`)
    // What would begin a list, a quotation or a number of one.
    .replace(/^(\d*)([-+.)])(?= )/, '$1\\$2');

const cellText = (cell: PageCell): string => line(typeof cell === 'string' ? cell : cell.text, 400);

function tableText(rows: readonly (readonly PageCell[])[], left = 1): string {
  const [head = [], ...body] = rows;
  const columns = Math.max(...rows.map((row) => row.length));
  const sides = Array.from({ length: columns }, (_, i) => (i < left ? '---' : '---:'));
  const put = (row: readonly PageCell[]) => `| ${sides.map((_, i) => cellText(row[i] ?? '')).join(' | ')} |`;
  return [put(head), `|${sides.join('|')}|`, ...body.map(put)].join('\n');
}

/** A text as it is, between marks that are longer than any in it. */
function fenced(text: string): string {
  const safe = escapeKeepingLayout(hide(shortened(text, 100_000)));
  const longest = Math.max(2, ...[...safe.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${safe.replace(/\n$/, '')}\n${fence}`;
}

const folded = (summary: string, content: string): string =>
  `<details><summary>${line(summary, 400)}</summary>\n\n${content}\n\n</details>`;

const NOTES = { answer: '', warning: '**Warning:** ', error: '**Error:** ' } as const;

/** How each kind of block is written. */
const WRITERS: { readonly [K in PageBlock['kind']]: (block: Block<K>, pictures: Pictures) => string } = {
  paragraph: ({ text }) => line(text),
  note: ({ tone, text }) => (tone === 'answer' ? `> ${line(text)}` : `> ${NOTES[tone]}${line(text)}`),
  list: ({ items }) => items.map((item) => `- ${line(item)}`).join('\n'),
  progress: ({ label, share }) => line(`${label}: ${Math.floor(share * 100)} %`),
  facts: ({ facts }) => tableText([['', ''], ...facts.map(([name, value]) => [name, value])], 2),
  table: ({ caption, rows, left }) =>
    [...(caption === undefined ? [] : [line(caption), '']), tableText(rows, left)].join('\n'),
  code: ({ text }) => fenced(text),
  figure: ({ figure }, pictures) => figureText(figure, pictures),
  panels: ({ figures }, pictures) => figures.map((figure) => figureText(figure, pictures)).join('\n\n'),
  texts: ({ texts }) =>
    texts
      .map(({ heading, note, text }) =>
        [`### ${line(heading, 400)}`, ...(note === undefined ? [] : [line(note)]), fenced(text)].join('\n\n'),
      )
      .join('\n\n'),
  passages: ({ heading, passages }) => `### ${line(heading, 400)}\n\n${fenced(passagesText(hiddenPassages(passages)))}`,
  grid: ({ caption, columns, rows }) => {
    const lines = rows.map(({ name, cells }) => [
      name,
      ...cells.map((cell) => (cell ? [cell.text, cell.note ?? ''].join(' ').trim() : '')),
    ]);
    return `${line(caption)}\n\n${tableText([['', ...columns], ...lines], columns.length + 1)}`;
  },
  items: ({ caption, keys, items }, pictures) =>
    [
      line(caption),
      ...items.map(({ heading, values, blocks }) => {
        const shown = values.map((value, key) => `${keys[key]} ${typeof value === 'string' ? value : value.text}`);
        return folded(heading, [line(shown.join(', ')), blocksText(blocks, pictures)].join('\n\n'));
      }),
    ].join('\n\n'),
  details: ({ summary, blocks }, pictures) => folded(summary, blocksText(blocks, pictures)),
};

/** What is trained is between brackets: Markdown's fenced text has no other mark. */
const passagesText = (passages: readonly Passage[]): string =>
  passages
    .map(({ text, mark }, i) => {
      const isTrained = (passage: Passage | undefined) => passage?.mark.startsWith('trained') ?? false;
      if (!mark.startsWith('trained')) return text;
      return `${isTrained(passages[i - 1]) ? '' : '['}${text}${isTrained(passages[i + 1]) ? '' : ']'}`;
    })
    .join('');

/** A path as an address that Markdown does not end early. */
const addressOf = (path: string): string =>
  encodeURI(path).replace(/[()#?]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`);

function figureText({ id, caption, table, left }: Figure, pictures: Pictures): string {
  const place = pictures.get(id);
  const values = folded('Values of this picture', tableText(table, left));
  return [...(place === undefined ? [] : [`![${line(caption)}](${addressOf(place)})`]), line(caption), values].join(
    '\n\n',
  );
}

const blocksText = (blocks: readonly PageBlock[], pictures: Pictures): string =>
  blocks
    .map((block) => (WRITERS[block.kind] as (block: PageBlock, pictures: Pictures) => string)(block, pictures))
    .join('\n\n');

/**
 * A page as Markdown that GitHub shows: the same parts as in HTML, pictures as files beside it.
 *
 * @param pictures Where each picture is, seen from the Markdown; one without a place is only its table.
 *
 * @example
 * const text = renderMarkdown({ title: 'Runs', subtitle: 'two of them', sections: [] }, new Map());
 */
export function renderMarkdown({ title, subtitle, sections }: Page, pictures: Pictures): string {
  const parts = sections.map(({ title, blocks }) => `## ${line(title, 400)}\n\n${blocksText(blocks, pictures)}`);
  return `${[`${HEAD} ${version()} -->`, `# ${line(title, 400)}`, line(subtitle), ...parts].join('\n\n')}\n`;
}

/** All pictures of a page, in their order. */
export const figuresOf = ({ sections }: Pick<Page, 'sections'>): Figure[] =>
  sections.flatMap(({ blocks }) => blocks.flatMap(figuresIn));

function figuresIn(block: PageBlock): readonly Figure[] {
  if (block.kind === 'figure') return [block.figure];
  if (block.kind === 'panels') return block.figures;
  if (block.kind === 'items') return block.items.flatMap(({ blocks }) => blocks.flatMap(figuresIn));
  return block.kind === 'details' ? block.blocks.flatMap(figuresIn) : [];
}
