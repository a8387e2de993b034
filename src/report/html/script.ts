/** Sorts a table by a column that is pressed, numbers as numbers, those that are missing last. */
const SORT = `
const valueOf = (cell) => {
  const text = (cell?.dataset.value ?? cell?.textContent ?? '').trim();
  const number = Number(text.replace(/[,\\u2009%]/g, ''));
  return text === '' || text === '-' ? undefined : Number.isNaN(number) ? text : number;
};
const compare = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
const sortable = (table) => {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row.cells[column]), row]);
      rows.sort(([a], [b]) =>
        a === undefined || b === undefined
          ? Number(a === undefined) - Number(b === undefined)
          : down ? compare(b, a) : compare(a, b));
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
};`;

/** Sorts things by the key that is pressed, the largest first, pressed again the smallest; opens and folds all. */
const ITEMS = `
const items = (list) => {
  const keys = JSON.parse(list.dataset.keys);
  const bar = document.createElement('div');
  bar.className = 'tools';
  bar.setAttribute('role', 'group');
  bar.setAttribute('aria-label', 'Order');
  const add = (text, act) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.addEventListener('click', () => act(button));
    bar.append(button);
    return button;
  };
  const buttons = keys.map((key, place) =>
    add(key, (button) => {
      const up = button.getAttribute('aria-pressed') === 'true' && button.textContent.endsWith('\u2193');
      mark(button, key, up);
      const sorted = [...list.children].map((item) => [JSON.parse(item.dataset.values)[place], item]);
      sorted.sort(([a], [b]) =>
        a === null || b === null ? Number(a === null) - Number(b === null) : up ? a - b : b - a);
      list.append(...sorted.map(([, item]) => item));
    }));
  const mark = (pressed, key, up) => {
    buttons.forEach((button, i) => {
      button.setAttribute('aria-pressed', String(button === pressed));
      button.textContent = keys[i];
    });
    pressed.textContent = key + (up ? ' \u2191' : ' \u2193');
  };
  if (buttons.length > 0) mark(buttons[0], keys[0], false);
  const all = add('open all', () => {
    const parts = [...list.querySelectorAll('details')];
    const open = parts.some((part) => !part.open);
    for (const part of parts) part.open = open;
    all.textContent = open ? 'fold all' : 'open all';
  });
  list.before(bar);
};`;

/** A button for each series of a picture with several, and the value under the pointer or in focus in words. */
const PICTURES = `
const toggles = (figure) => {
  const series = new Map();
  for (const part of figure.querySelectorAll('svg [data-series]')) {
    const name = part.dataset.series;
    series.set(name, [...(series.get(name) ?? []), part]);
  }
  if (series.size < 2) return;
  const bar = document.createElement('div');
  bar.className = 'toggles';
  bar.setAttribute('role', 'group');
  bar.setAttribute('aria-label', 'Shown in this picture');
  for (const [name, parts] of series) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.setAttribute('aria-pressed', 'true');
    button.addEventListener('click', () => {
      const on = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(on));
      for (const part of parts) part.classList.toggle('off', !on);
    });
    bar.append(button);
  }
  figure.prepend(bar);
};
const values = (figure) => {
  const marked = figure.querySelectorAll('svg [data-value]');
  if (marked.length === 0) return;
  const line = document.createElement('p');
  line.className = 'value';
  line.setAttribute('aria-hidden', 'true');
  figure.querySelector('.picture').after(line);
  const show = ({ target }) => {
    line.textContent = target.closest?.('[data-value]')?.dataset.value ?? '';
  };
  const svg = figure.querySelector('svg');
  svg.addEventListener('pointermove', show);
  svg.addEventListener('focusin', show);
  svg.addEventListener('pointerleave', show);
};`;

/** Times as local ones with their offset; folded parts open on paper. */
const REST = `
const local = (time) => {
  const date = new Date(time.dateTime);
  if (Number.isNaN(date.getTime())) return;
  const pad = (n) => String(Math.trunc(Math.abs(n))).padStart(2, '0');
  const off = -date.getTimezoneOffset();
  time.title = time.textContent;
  time.textContent = date.getFullYear() + '-' + pad(date.getMonth() + 1) + '-' + pad(date.getDate()) + ' ' +
    [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':') + ' ' +
    (off < 0 ? '-' : '+') + pad(off / 60) + ':' + pad(off % 60);
};
const enhance = (root) => {
  root.querySelectorAll('table[data-sortable]').forEach(sortable);
  root.querySelectorAll('ol[data-keys]').forEach(items);
  root.querySelectorAll('figure').forEach((figure) => { toggles(figure); values(figure); });
  root.querySelectorAll('time').forEach(local);
};
enhance(document);
const opened = new Set();
addEventListener('beforeprint', () => {
  for (const part of document.querySelectorAll('details:not([open])')) { part.open = true; opened.add(part); }
});
addEventListener('afterprint', () => {
  for (const part of opened) part.open = false;
  opened.clear();
});`;

/** What the script of every page is made of. `enhance` prepares the document, and what is put into it later. */
export const pageParts = `${SORT}${ITEMS}${PICTURES}${REST}`;

/** The script of every page, which works without it: sorted tables, series on and off, values, local times, print. */
export const pageScript = `'use strict';
{${pageParts}
}
`;
