import { hide } from '../../telemetry/redact.js';
import type { Figure, PageBlock, Passage } from '../page.js';
import { hiddenPassages } from '../parts/hidden-passages.js';
import { escapeHtml, inlineHtml, shortened } from './escape.js';
import { gridHtml, scrolling, tableHtml } from './table.js';

/** Longest piece of a file, or text of a row, that is shown. */
const MOST_TEXT = 100_000;

/** Where on a page a block is. */
interface Place {
  /** What it is part of: names tables without a caption. */
  readonly title: string;
  /** Level of headings inside. */
  readonly level: number;
}

type Block<K extends PageBlock['kind']> = Extract<PageBlock, { kind: K }>;

const TONES = { answer: 'Answer', warning: 'Warning', error: 'Error' } as const;

/** How each kind of block is written. */
const WRITERS: { readonly [K in PageBlock['kind']]: (block: Block<K>, place: Place) => string } = {
  paragraph: ({ text }) => `<p>${inlineHtml(text)}</p>`,
  note: ({ tone, text }) => {
    // What an answer is, its section says; that something is wrong must be in words, not only in colour.
    const word = tone === 'answer' ? '' : `<strong>${TONES[tone]}:</strong> `;
    return `<p class="note ${tone}">${word}${inlineHtml(text)}</p>`;
  },
  list: ({ items }) => `<ul>\n${items.map((item) => `<li>${inlineHtml(item)}</li>`).join('\n')}\n</ul>`,
  progress: ({ label, share }) => {
    const percent = Math.floor(share * 100);
    return `<div class="progress"><progress max="100" value="${percent}" aria-label="${escapeHtml(label)}"></progress><span>${percent} %</span></div>`;
  },
  facts: ({ facts }) =>
    `<dl>\n${facts.map(([name, value]) => `<div><dt>${inlineHtml(name)}</dt><dd>${inlineHtml(value, 1000)}</dd></div>`).join('\n')}\n</dl>`,
  table: (table, { title }) => tableHtml(table, title),
  code: ({ text }, { title }) => scrolling(title, `<pre><code>${escapeHtml(shortened(text, MOST_TEXT))}</code></pre>`),
  figure: ({ figure }) => figureHtml(figure),
  panels: ({ figures }) => `<div class="panels">\n${figures.map(figureHtml).join('\n')}\n</div>`,
  texts: ({ texts }, { level }) => {
    const parts = texts.map(({ heading, note, text }) => {
      const about = note === undefined ? '' : `<p class="about">${inlineHtml(note)}</p>`;
      return `<div class="text"><h${level}>${inlineHtml(heading, 400)}</h${level}>${about}<div class="words">${escapeHtml(shortened(text, MOST_TEXT))}</div></div>`;
    });
    return `<div class="texts">\n${parts.join('\n')}\n</div>`;
  },
  passages: ({ heading, passages }, { level }) =>
    `<div class="text"><h${level}>${inlineHtml(heading, 400)}</h${level}><div class="words tokens">${hiddenPassages(passages).map(passageHtml).join('')}</div></div>`,
  grid: (grid) => gridHtml(grid),
  items: ({ caption, keys, items }, place) => {
    const lines = items.map(({ heading, values, blocks }, i) => {
      const shown = values.map((value, key) => `${keys[key]} ${typeof value === 'string' ? value : value.text}`);
      const sorted = JSON.stringify(values.map((value) => (typeof value === 'string' ? null : value.value)));
      const summary = `${inlineHtml(heading, 400)} <span class="about">${inlineHtml(shown.join(', '), 400)}</span>`;
      const inside = blocksHtml(blocks, { ...place, title: heading });
      return `<li data-values="${escapeHtml(sorted)}"><details${i === 0 ? ' open=""' : ''}><summary>${summary}</summary>\n${inside}\n</details></li>`;
    });
    return `<p class="about">${inlineHtml(caption)}</p>\n<ol class="items" data-keys="${escapeHtml(JSON.stringify(keys))}">\n${lines.join('\n')}\n</ol>`;
  },
  details: ({ summary, blocks }, place) =>
    `<details><summary>${inlineHtml(summary, 400)}</summary>\n${blocksHtml(blocks, { ...place, title: summary })}\n</details>`,
};

function passageHtml({ text, mark }: Passage): string {
  const words = escapeHtml(shortened(text, MOST_TEXT));
  if (mark === 'trained') return `<mark>${words}</mark>`;
  if (mark === 'trained-special') return `<mark class="special">${words}</mark>`;
  return mark === 'special' ? `<span class="special">${words}</span>` : `<span>${words}</span>`;
}

/** A picture with its caption and, folded away, its values. */
function figureHtml({ id, caption, svg, table, left }: Figure): string {
  const values = tableHtml({ rows: table, ...(left !== undefined && { left }), sortable: true }, caption);
  return `<figure id="${escapeHtml(id)}"><div class="picture" tabindex="0" role="group" aria-label="Picture">${hide(svg).trim()}</div><figcaption>${inlineHtml(caption)}</figcaption><details><summary>Values of this picture</summary>\n${values}\n</details></figure>`;
}

/** Blocks as HTML, one after another. */
export const blocksHtml = (blocks: readonly PageBlock[], place: Place): string =>
  blocks.map((block) => (WRITERS[block.kind] as (block: PageBlock, place: Place) => string)(block, place)).join('\n');
