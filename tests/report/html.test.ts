import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { escapeHtml, inlineHtml, scriptJson } from '../../src/report/html/escape.js';
import { isOurPage, renderPage, renderSection } from '../../src/report/html/render.js';
import type { Page, PageBlock } from '../../src/report/page.js';
import { keepSecret } from '../../src/telemetry/redact.js';

afterEach(() => keepSecret([]));

const pageOf = (...blocks: PageBlock[]): Page => ({
  title: 'A page',
  subtitle: 'of a test',
  sections: [{ id: 'one', title: 'One', blocks }],
});
const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe('escapeHtml', () => {
  test('escapes markup in text and in attributes', () => {
    expect(escapeHtml(`</script><img src=x onerror="a('&')">`)).toBe(
      '&lt;/script&gt;&lt;img src=x onerror=&quot;a(&#39;&amp;&#39;)&quot;&gt;',
    );
  });
  test('shows control characters and marks that turn text, and keeps lines and tabs', () => {
    expect(escapeHtml('a\u202eb\u2028c\u0000\u001b[1m\nd\te\r\nf\ud800')).toBe(
      'a\\u202eb\\u2028c\\u0000\\u001b[1m\nd\te\nf\\ud800',
    );
  });
  test('hides secrets', () => {
    keepSecret(['the-password']);
    expect(escapeHtml('at https://ann:secret9@host with the-password')).toBe('at https://[hidden]@host with [hidden]');
  });
});

test('times are marked, and long texts say how long they are', () => {
  expect(inlineHtml('begun at 2026-01-02T03:04:05.678Z.')).toBe(
    'begun at <time datetime="2026-01-02T03:04:05.678Z">2026-01-02 03:04:05 UTC</time>.',
  );
  expect(inlineHtml('x'.repeat(1_000_000), 10)).toBe('xxxxxxxxxx… (1,000,000 characters)');
});

test('data cannot end its script element, and is the same value', () => {
  const value = { a: '</script><!--', b: '\u2028\u202e&', c: Number.NaN, d: [1e-7, null] };
  const json = scriptJson(value);
  expect(json).not.toMatch(/[<>&\u2028\u202e]/);
  expect(JSON.parse(json)).toEqual({ ...value, c: 'NaN' });
});

test('a page allows its own style and script and nothing else', () => {
  const html = renderPage(pageOf({ kind: 'paragraph', text: 'Text' }));
  const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)![1]!;
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)![1]!;
  const script = /<script>([\s\S]*?)<\/script>/.exec(html)![1]!;
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `style-src ${sha256(style)}`,
    `script-src ${sha256(script)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  expect(/\sstyle=|\son\w+=|https?:\/\//.exec(html)).toBeNull();
  expect(isOurPage(html)).toBe(true);
  expect(isOurPage('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')).toBe(false);
  expect(Buffer.byteLength(script)).toBeLessThan(8500);
});

test('headings are in order, tables have scopes, and the tone of a note is in words', () => {
  const html = renderSection({
    id: 'one',
    title: 'One & all',
    blocks: [
      { kind: 'note', tone: 'error', text: 'It failed.' },
      {
        kind: 'table',
        rows: [
          ['arm', 'loss'],
          ['phased', { text: '2.10', value: 2.1 }],
        ],
        sortable: true,
      },
      { kind: 'texts', texts: [{ heading: 'Answer', text: 'a <b>' }] },
      {
        kind: 'passages',
        heading: 'Row',
        passages: [
          { text: 'x', mark: 'trained' },
          { text: '</s>', mark: 'special' },
        ],
      },
    ],
  });
  expect(html).toContain('<h2 id="one-title">One &amp; all</h2>');
  expect(html).toContain('<strong>Error:</strong> It failed.');
  expect(html).toContain('<table data-sortable="">');
  expect(html).toContain('<th scope="col" class="word">arm</th><th scope="col">loss</th>');
  expect(html).toContain('<th scope="row">phased</th><td>2.10</td>');
  expect(html).toContain('<h3>Answer</h3>');
  expect(html).toContain('a &lt;b&gt;');
  expect(html).toContain('<mark>x</mark><span class="special">&lt;/s&gt;</span>');
});

test('what a cell is sorted by is written only where its text does not say it', () => {
  const html = renderSection({
    id: 'one',
    title: 'One',
    blocks: [
      {
        kind: 'table',
        rows: [
          ['arm', 'a', 'b', 'c', 'd'],
          [
            'x',
            { text: '1,234', value: 1234 },
            { text: '3 min', value: 180 },
            { text: '-', value: null },
            { text: '50 %', value: 0.5 },
          ],
        ],
      },
    ],
  });
  expect(html).toContain('<td>1,234</td><td data-value="180">3 min</td><td>-</td><td>50 %</td>');
});

test('a page over 2 MB is refused, and its largest part named', () => {
  const rows = Array.from({ length: 40_000 }, (_, i) => [`row ${i}`, 'some more words to fill the page with']);
  expect(() => renderPage(pageOf({ kind: 'table', rows }))).toThrow(
    /the page would have .* MiB, which browsers open slowly; at most 1\.9 MiB are written \(largest parts: One .* MiB/,
  );
});
