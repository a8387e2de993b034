/** What a live page has beside the style of every page. */
export const liveStyle = `
.live-bar { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: baseline; margin-top: 0.75rem; }
.live-connection { margin: 0; color: var(--page-muted); font-size: 0.9rem; }
.live-connection::before { content: "\\25CF"; margin-right: 0.4em; color: var(--page-muted); }
.live-connection[data-on="yes"]::before { color: var(--page-good); }
.live-connection[data-on="no"]::before { color: var(--page-bad); }
.live-state { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media print { .live-bar { display: none; } }
`;
