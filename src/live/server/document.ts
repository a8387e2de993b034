import { randomBytes } from 'node:crypto';
import { escapeHtml, scriptJson } from '../../report/html/escape.js';
import { pageStyle } from '../../report/html/style.js';
import { liveScript } from '../browser/script.js';
import { liveStyle } from '../browser/style.js';
import type { Shown } from './feed.js';

/** A live page before it is sent. */
export interface LiveDocument {
  readonly html: string;
  /** What it may do: its own style and script, and ask this server. */
  readonly policy: string;
}

/** Where a page is. */
export interface PagePlace {
  /** The path that it asks for what changes, ending in a slash. */
  readonly path: string;
  /** Whether it is a page below another: of a cell of a study. */
  readonly below: boolean;
}

/** The whole page as it is now. */
export function liveDocument({ top, sections, windowTitle, state }: Shown, { path, below }: PagePlace): LiveDocument {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(windowTitle)}</title>
<style nonce="${nonce}">${pageStyle}${liveStyle}</style>
</head>
<body>
<div id="live-top">
${top}
</div>
<section class="live-bar" aria-label="Connection">${below ? '<a href="../../">To the study</a>' : ''}<p id="live-connection" class="live-connection">As it was when the page was loaded; with scripts it follows.</p><button type="button" id="live-again" hidden>Follow again</button>
<p id="live-state" class="live-state" role="status" aria-live="polite">${escapeHtml(state)}</p></section>
<main id="page-main">
${[...sections.values()].map(({ html }) => html).join('\n')}
</main>
<script type="application/json" id="live-data">${scriptJson({ place: path })}</script>
<script nonce="${nonce}">${liveScript}</script>
</body>
</html>
`;
  return { html, policy };
}
