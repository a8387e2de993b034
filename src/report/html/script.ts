/** Sorts a table by a column that is pressed, numbers as numbers, those that are missing last. */
const SORT = `
const valueOf = (cell) => {
  const text = (cell?.dataset.value ?? cell?.textContent ?? '').trim();
  const number = Number(text.replace(/[,%\\s]/g, ''));
  return text === '' || text === '-' ? undefined : Number.isNaN(number) ? text : number;
};
const compare = (a, b) =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
const sortable = (table) => {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (head.tagName !== 'TH') return;
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

/** A button for each series of a picture with several. */
const TOGGLES = `
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
};`;

/**
 * The value under the pointer in words, below the picture; along curves, arrow keys move it too. Curves are read back
 * from their own paths, which are exact to a tenth of a pixel.
 */
const VALUES = `
const scaleOf = (text) => {
  const [a, pa, b, pb, kind] = text.split(' ').map((part, i) => (i < 4 ? Number(part) : part));
  const [from, to, back] = kind === 'log' ? [Math.log(a), Math.log(b), Math.exp] : [a, b, (x) => x];
  return (place) => back(from + ((place - pa) / (pb - pa)) * (to - from));
};
const pointsOf = (path) => {
  const points = [];
  for (const part of path.getAttribute('d').split(/(?=[Ml])/)) {
    const numbers = part.match(/-?(?:\\d+\\.?\\d*|\\.\\d+)/g).map(Number);
    for (let i = 0; i < numbers.length; i += 2) {
      const [x, y] = part[0] === 'l' ? points.at(-1) : [0, 0];
      points.push([x + numbers[i], y + numbers[i + 1]]);
    }
  }
  return points;
};
const number = (value) => Number(value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 12 });
const curves = (svg, line) => {
  const [left, top, right, bottom] = svg.dataset.area.split(' ').map(Number);
  const [x, y] = [scaleOf(svg.dataset.x), scaleOf(svg.dataset.y)];
  const known = [...svg.querySelectorAll('[data-curve]')].map((path) => {
    const series = path.closest('[data-series]');
    return { series, name: series.dataset.series, points: pointsOf(path) };
  });
  const rule = document.createElementNS(svg.namespaceURI, 'path');
  rule.setAttribute('stroke', 'currentColor');
  rule.setAttribute('pointer-events', 'none');
  svg.append(rule);
  let at;
  const hide = () => { rule.setAttribute('d', ''); line.textContent = ''; at = undefined; };
  const show = (place) => {
    const on = known.filter(({ series }) => !series.classList.contains('off'));
    const near = on.map(({ name, points }) => [name, points.reduce((one, other) =>
      Math.abs(other[0] - place) < Math.abs(one[0] - place) ? other : one)]);
    if (near.length === 0) return hide();
    at = near.reduce((one, [, point]) => Math.abs(point[0] - place) < Math.abs(one - place) ? point[0] : one, Infinity);
    rule.setAttribute('d', 'M' + at + ' ' + top + 'V' + bottom);
    line.textContent = number(x(at)) + ': ' + near.map(([name, point]) => name + ' ' + number(y(point[1]))).join(', ');
  };
  svg.addEventListener('pointermove', (event) => {
    const { x: page, width } = svg.getBoundingClientRect();
    const place = ((event.clientX - page) / width) * svg.viewBox.baseVal.width;
    if (place < left - 4 || place > right + 4) hide();
    else show(place);
  });
  svg.addEventListener('pointerleave', hide);
  const holder = svg.parentElement;
  holder.addEventListener('blur', hide);
  holder.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const places = known.flatMap(({ points }) => points.map(([place]) => place)).sort((a, b) => a - b);
    const next = at === undefined ? places[step < 0 ? places.length - 1 : 0]
      : step > 0 ? places.find((place) => place > at + 0.05) : places.findLast((place) => place < at - 0.05);
    if (next !== undefined) show(next);
  });
};
const values = (figure) => {
  const svg = figure.querySelector('svg');
  if (!svg?.querySelector('[data-curve], [data-value]')) return;
  const line = document.createElement('p');
  line.className = 'value';
  line.setAttribute('aria-hidden', 'true');
  figure.querySelector('.picture').after(line);
  if (svg.dataset.plot === 'line') return curves(svg, line);
  svg.addEventListener('pointermove', ({ target }) => {
    line.textContent = target.closest('[data-value]')?.dataset.value ?? '';
  });
  svg.addEventListener('pointerleave', () => { line.textContent = ''; });
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
export const pageParts = `${SORT}${ITEMS}${TOGGLES}${VALUES}${REST}`;

/** The script of every page, which works without it: sorted tables, series on and off, values, local times, print. */
export const pageScript = `'use strict';
{${pageParts}
}
`.replace(/^ +/gm, '');
