import { createHash } from 'node:crypto';
import { dataError } from '../../core/errors.js';
import type { Remedy } from '../../core/remedies.js';
import { shownName } from '../../core/shown.js';
import { version } from '../../core/version.js';
import { formatBytes } from '../../telemetry/format.js';
import type { Page, Section } from '../page.js';
import { blocksHtml } from './blocks.js';
import { escapeHtml, inlineHtml, scriptJson, shortened } from './escape.js';
import { pageScript } from './script.js';
import { pageStyle } from './style.js';

/** Largest page, in bytes: browsers take seconds to open larger ones. */
const MOST_BYTES = 2_000_000;

const HEAD =
  '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="phasetune';

/** Whether a text begins as {@link renderPage} lets every page begin. */
export const isOurPage = (text: string): boolean => text.startsWith(HEAD);

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What a page may do: show itself, run its own script, and nothing else. */
const policy = (): string =>
  [
    "default-src 'none'",
    `style-src ${hashOf(pageStyle)}`,
    `script-src ${hashOf(pageScript)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

/**
 * A section as a piece of HTML, the same on a report and on a live page.
 *
 * @example
 * const html = renderSection({ id: 'losses', title: 'Losses', blocks: [{ kind: 'paragraph', text: 'None yet.' }] });
 */
export const renderSection = ({ id, title, blocks }: Section): string =>
  `<section id="${escapeHtml(id)}" aria-labelledby="${escapeHtml(id)}-title">\n<h2 id="${escapeHtml(id)}-title">${inlineHtml(title, 400)}</h2>\n${blocksHtml(blocks, { title, level: 3 })}\n</section>`;

/** The title, what is reported, and links to the sections: what is above them. */
export function renderTop({ title, subtitle, sections }: Pick<Page, 'title' | 'subtitle' | 'sections'>): string {
  const links = sections.map(({ id, title }) => `<li><a href="#${escapeHtml(id)}">${inlineHtml(title, 400)}</a></li>`);
  return `<a class="skip" href="#page-main">To the content</a>
<header>
<h1>${inlineHtml(title, 400)}</h1>
<p>${inlineHtml(subtitle)}</p>
</header>
<nav aria-label="Sections">
<ul>
${links.join('\n')}
</ul>
</nav>`;
}

/**
 * A page as one HTML file that needs nothing else: style, script and pictures are in it, and it may ask nothing of
 * anywhere. The same page gives the same bytes. A data error for a page over 2 MB, which names its largest parts.
 *
 * @param remedies what makes such a page smaller.
 *
 * @example
 * const html = renderPage({ title: 'Runs', subtitle: 'two of them', sections: [] });
 */
export function renderPage(page: Page, remedies: readonly Remedy[] = []): string {
  const sections = page.sections.map((section) => ({ name: section.title, html: renderSection(section) }));
  const data =
    page.data === undefined ? '' : `<script type="application/json" id="page-data">${scriptJson(page.data)}</script>\n`;
  const html = `${HEAD} ${version()}">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(shortened(page.title, 200))}</title>
<style>${pageStyle}</style>
</head>
<body>
${renderTop(page)}
<main id="page-main">
${sections.map(({ html }) => html).join('\n')}
</main>
${data}<script>${pageScript}</script>
</body>
</html>
`;
  refuseLarge(html, [...sections, { name: 'the values as JSON', html: data }], remedies);
  return html;
}

function refuseLarge(
  html: string,
  parts: readonly { name: string; html: string }[],
  remedies: readonly Remedy[],
): void {
  const bytes = Buffer.byteLength(html);
  if (bytes <= MOST_BYTES) return;
  const largest = parts
    .map(({ name, html }) => ({ name, bytes: Buffer.byteLength(html) }))
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, 3)
    .map(({ name, bytes }) => `${shownName(name, 60)} ${formatBytes(bytes)}`);
  throw dataError(
    `the page would have ${formatBytes(bytes)}, which browsers open slowly; at most ${formatBytes(MOST_BYTES)} are written (largest parts: ${largest.join(', ')})`,
    { limit: MOST_BYTES, actual: bytes, ...(remedies.length > 0 && { remedies }) },
  );
}
