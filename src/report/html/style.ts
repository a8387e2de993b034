import { plotStyle } from '../../plots/theme.js';

/** Colours of a page on white. */
const LIGHT = `
  color-scheme: light;
  --page-paper: #ffffff;
  --page-ink: #1f2328;
  --page-muted: #59636e;
  --page-line: #d1d9e0;
  --page-tint: #f6f8fa;
  --page-link: #0550ae;
  --page-good: #116329;
  --page-bad: #b31d28;
  --page-warn: #7d4e00;
  --page-active: #0550ae;
  --page-mark: #fff3bf;`;

/** The same on black. */
const DARK = `
  color-scheme: dark;
  --page-paper: #0d1117;
  --page-ink: #e6edf3;
  --page-muted: #9da7b3;
  --page-line: #3d444d;
  --page-tint: #161b22;
  --page-link: #79b8ff;
  --page-good: #56d364;
  --page-bad: #ff8b85;
  --page-warn: #e3b341;
  --page-active: #79b8ff;
  --page-mark: #544013;`;

const LAYOUT = `
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto;
  padding: 0 1rem 4rem;
  max-width: 76rem;
  background: var(--page-paper);
  color: var(--page-ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 1.5rem 0 0.25rem; font-size: 1.75rem; line-height: 1.25; }
h2 { margin: 2.5rem 0 0.75rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--page-line); font-size: 1.3rem; }
h3 { margin: 1.25rem 0 0.5rem; font-size: 1.05rem; }
p, ul, dl { margin: 0.6rem 0; max-width: 48rem; }
header p { margin: 0; color: var(--page-muted); }
a { color: var(--page-link); }
:focus-visible { outline: 3px solid var(--page-link); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 0.5rem; padding: 0.25rem 0.5rem; background: var(--page-paper); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 1rem 0 0; padding: 0; max-width: none; list-style: none; }
.note { padding: 0.6rem 0.9rem; border-left: 4px solid var(--page-line); background: var(--page-tint); }
.note.answer { border-color: var(--page-link); font-size: 1.05rem; }
.note.warning { border-color: var(--page-warn); }
.note.error { border-color: var(--page-bad); }
.note.warning strong { color: var(--page-warn); }
.note.error strong { color: var(--page-bad); }`;

const TABLES = `
.scroll { margin: 0.75rem 0; max-width: 100%; overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { padding: 0.25rem 0; color: var(--page-muted); text-align: left; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--page-line); text-align: right; vertical-align: top; white-space: nowrap; }
[scope="row"], .word, .grid td { text-align: left; white-space: normal; }
.grid [scope="col"] { text-align: left; }
.long { min-width: 12rem; max-width: 34rem; overflow-wrap: anywhere; }
thead th { border-bottom-width: 2px; vertical-align: bottom; white-space: normal; }
tbody th { min-width: 3.5rem; font-weight: 400; }
th button { padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer; text-align: inherit; }
th button::after { content: " \\2195"; color: var(--page-muted); }
th[aria-sort="ascending"] button::after { content: " \\2191"; color: inherit; }
th[aria-sort="descending"] button::after { content: " \\2193"; color: inherit; }
.grid tbody td { border: 1px solid var(--page-line); }
.grid .good { color: var(--page-good); }
.grid .bad { color: var(--page-bad); font-weight: 600; }
.grid .active { color: var(--page-active); font-weight: 600; }
.grid .waiting { color: var(--page-muted); }
.grid a { color: inherit; }
.grid small { display: block; color: var(--page-muted); font-weight: 400; }
dl > div { display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; gap: 0 1rem; padding: 0.2rem 0; border-bottom: 1px solid var(--page-line); }
dt { color: var(--page-muted); }
dd { margin: 0; white-space: pre-wrap; }
.progress { display: flex; gap: 0.75rem; align-items: center; max-width: 48rem; }
progress { flex: 1; height: 0.9rem; accent-color: var(--page-link); }
pre { margin: 0; padding: 0.75rem; background: var(--page-tint); font: 0.85rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: normal; white-space: pre; width: max-content; min-width: 100%; }`;

const PICTURES = `
figure { margin: 1rem 0 1.5rem; }
.picture { overflow-x: auto; }
.picture svg { display: block; }
figcaption { margin-top: 0; color: var(--page-muted); font-size: 0.9rem; max-width: 48rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 0 1.5rem; }
.toggles { display: flex; flex-wrap: wrap; gap: 0.4rem; margin-bottom: 0.4rem; }
.toggles button { padding: 0.1rem 0.6rem; border: 1px solid var(--page-line); border-radius: 1rem; background: var(--page-tint); color: inherit; font: inherit; font-size: 0.85rem; cursor: pointer; }
.toggles button[aria-pressed="false"] { background: none; color: var(--page-muted); text-decoration: line-through; }
.off { display: none; }
.value { min-height: 1.4em; margin: 0; color: var(--page-ink); font-size: 0.85rem; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; color: var(--page-link); font-size: 0.9rem; }
details { margin: 0.5rem 0; }
.texts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.text { margin: 0.75rem 0; padding: 0.5rem 0.9rem; border: 1px solid var(--page-line); min-width: 0; }
.text h3 { margin: 0.25rem 0; }
.about { margin: 0; color: var(--page-muted); font-size: 0.9rem; }
.words { white-space: pre-wrap; font-size: 0.95rem; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.9em; }
pre code { font-size: inherit; }
mark { background: var(--page-mark); color: inherit; text-decoration: underline; text-decoration-thickness: 2px; text-underline-offset: 3px; }
.tokens { line-height: 1.9; }
.tokens > * { border-left: 1px solid var(--page-line); }
.tokens > .special { border: 1px dashed var(--page-muted); border-radius: 3px; font-family: ui-monospace, monospace; font-size: 0.85em; }
.items { margin: 0.5rem 0; padding: 0; list-style: none; max-width: none; }
.items > li { border-top: 1px solid var(--page-line); }
.items .about { display: block; }
.tools { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; margin: 0.4rem 0; }
.tools button { padding: 0.1rem 0.6rem; border: 1px solid var(--page-line); border-radius: 1rem; background: none; color: inherit; font: inherit; font-size: 0.85rem; cursor: pointer; }
.tools button[aria-pressed="true"] { border-color: currentColor; background: var(--page-tint); font-weight: 600; }`;

const NARROW = `
@media (max-width: 34rem) {
  dl > div { grid-template-columns: 1fr; }
  h1 { font-size: 1.4rem; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }`;

/** Light, everything open, nothing to press, pictures on one page each. */
const PRINT = `
@media print {
  :root {${LIGHT}
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip, .toggles, .tools, .value { display: none; }
  summary { list-style: none; color: inherit; }
  details::details-content { content-visibility: visible; height: auto; }
  .scroll, .picture { overflow: visible; }
  .texts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr)); }
  table { font-size: 8.5pt; }
  th, td { padding: 0.15rem 0.35rem; white-space: normal; overflow-wrap: anywhere; }
  .long { min-width: 0; }
  pre { white-space: pre-wrap; width: auto; overflow-wrap: anywhere; }
  th button::after { content: ""; }
  figure, .note, tr { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
}`;

/** The style of every page: light or dark as the reader prefers, light on paper. */
export const pageStyle = `
${plotStyle}:root {${LIGHT}
}
@media (prefers-color-scheme: dark) {
:root {${DARK}
}
}${LAYOUT}${TABLES}${PICTURES}${NARROW}${PRINT}
`;
