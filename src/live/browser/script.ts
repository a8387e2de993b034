import { pageParts } from '../../report/html/script.js';

/** After how long out of sight a page stops following, in ms. */
const HIDDEN_MS = 5 * 60_000;

/**
 * Puts a new section in the place of an old one, and gives it what the reader did to the old one: folded parts that are
 * open, columns that are sorted, series that are off, places scrolled to, and the focus.
 */
const REPLACE = `
const SCROLLED = '.scroll, .picture, pre';
const byId = (id) => document.getElementById(id);
const pairs = (before, after, selector) => {
  const news = after.querySelectorAll(selector);
  return [...before.querySelectorAll(selector)].map((old, i) => [old, news[i]]).filter(([, now]) => now);
};
const carryOver = (before, after) => {
  for (const [old, now] of pairs(before, after, 'details')) now.open = old.open;
  for (const [old, now] of pairs(before, after, 'th[scope="col"]')) {
    const sorted = old.getAttribute('aria-sort');
    const button = now.querySelector('button');
    if (sorted) button?.click();
    if (sorted === 'descending') button?.click();
  }
  for (const [old, now] of pairs(before, after, '.toggles button'))
    if (old.getAttribute('aria-pressed') === 'false') now.click();
};
const place = (html, before) => {
  const template = document.createElement('template');
  template.innerHTML = html;
  const now = template.content.firstElementChild;
  enhance(now);
  if (!before) return now;
  carryOver(before, now);
  const scrolled = [...before.querySelectorAll(SCROLLED)].map((part) => [part.scrollLeft, part.scrollTop]);
  const active = document.activeElement;
  const focus = before.contains(active) ? [...before.querySelectorAll(active.localName)].indexOf(active) : -1;
  before.replaceWith(now);
  now.querySelectorAll(SCROLLED).forEach((part, i) => {
    if (scrolled[i]) [part.scrollLeft, part.scrollTop] = scrolled[i];
  });
  if (focus >= 0) now.querySelectorAll(active.localName)[focus]?.focus({ preventScroll: true });
  return now;
};`;

/** Shows what comes. A section with selected text in it waits until nothing is selected there. */
const SHOW = `
const main = byId('page-main');
const live = byId('live-state');
const waiting = new Map();
let order = [...main.children].map(({ id }) => id);
const selected = () => {
  const selection = getSelection();
  return selection.isCollapsed ? undefined : selection.anchorNode?.parentElement?.closest('main > section')?.id;
};
const flush = () => {
  const held = selected();
  for (const [id, html] of [...waiting]) {
    if (id === held) continue;
    waiting.delete(id);
    if (!order.includes(id)) continue;
    const now = place(html, byId(id));
    // Moving what is there already would take the focus from it.
    if (!now.isConnected) main.append(now);
  }
  for (const part of [...main.children]) if (!order.includes(part.id)) part.remove();
  order.map(byId).filter(Boolean).forEach((part, i) => {
    if (main.children[i] !== part) main.insertBefore(part, main.children[i]);
  });
};
document.addEventListener('selectionchange', () => waiting.size > 0 && flush());
const show = (message) => {
  document.title = message.title;
  if (live.textContent !== message.state) live.textContent = message.state;
  if (message.top !== undefined) {
    byId('live-top').innerHTML = message.top;
    enhance(byId('live-top'));
  }
  order = message.order;
  for (const [id, html] of Object.entries(message.sections)) waiting.set(id, html);
  flush();
};`;

/** The connection, and what is said of it. */
const CONNECT = `
const data = JSON.parse(byId('live-data').textContent);
const connection = byId('live-connection');
const again = byId('live-again');
let source;
let timer;
const say = (text, on) => {
  connection.textContent = text;
  connection.dataset.on = on ? 'yes' : 'no';
};
const disconnect = (text) => {
  source?.close();
  source = undefined;
  say(text, false);
};
const connect = () => {
  if (source) return;
  again.hidden = true;
  source = new EventSource(data.place + 'events');
  source.addEventListener('open', () => say('This page follows: what changes shows within seconds.', true));
  source.addEventListener('error', () => {
    if (source?.readyState === EventSource.CLOSED)
      disconnect('The live page has ended; this is how it was. Open the address as it was printed to follow again.');
    else say('The connection is lost; this is how it was. Trying again.', false);
  });
  source.addEventListener('sections', (event) => show(JSON.parse(event.data)));
  source.addEventListener('bye', (event) => {
    const { reason, more } = JSON.parse(event.data);
    disconnect(reason);
    again.hidden = !more;
  });
};
again.addEventListener('click', connect);
document.addEventListener('visibilitychange', () => {
  clearTimeout(timer);
  if (!document.hidden && again.hidden) connect();
  else timer = setTimeout(() => source && disconnect('Paused while nobody looked.'), ${HIDDEN_MS});
});
history.replaceState(null, '', data.place + location.hash);
connect();`;

/** The script of a live page: that of every page, and what keeps it up to date. */
export const liveScript = `'use strict';
{${pageParts}${REPLACE}${SHOW}${CONNECT}
}
`;
