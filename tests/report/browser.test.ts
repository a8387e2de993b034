import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { axeProblems, openPage, withBrowser } from '../helpers/browser.js';

const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** A page with a policy as strict as that of a report, which allows one style sheet and one script. */
function pageOf(body: string, { style = '', script = '' } = {}): string {
  const policy = `default-src 'none'; style-src ${sha256(style)}; script-src ${sha256(script)}; img-src data:; base-uri 'none'`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}"><title>A page</title><style>${style}</style></head>
<body><main><h1>A page</h1>${body}</main><script>${script}</script></body></html>`;
}

withBrowser('a page without faults has none, and the tools of the test cause none', async () => {
  const script = 'document.querySelector("h1").textContent = "Changed";';
  const { page, requests, problems, status } = await openPage(pageOf('<p>Text</p>', { script }));
  expect(await page.textContent('h1')).toBe('Changed');
  expect(await axeProblems(page)).toEqual([]);
  expect([requests, problems, status]).toEqual([[], [], 200]);
});

withBrowser('what the policy forbids is a problem, and nothing is fetched', async () => {
  const hostile =
    '<p onclick="a()">Text</p><img alt="" src="http://example.test/a.png"><script>globalThis.ran = 1</script>';
  const { page, problems, requests } = await openPage(pageOf(hostile));
  const policy = problems.filter((text) => text.startsWith('policy: '));
  expect(policy.map((text) => text.split(' ', 3).slice(1).join(' ')).sort()).toEqual([
    'img-src: http://example.test/a.png',
    'script-src-attr: inline',
    'script-src-elem: inline',
  ]);
  expect(problems.some((text) => text.startsWith('console: '))).toBe(true);
  expect(await page.evaluate('globalThis.ran')).toBeUndefined();
  expect(requests).toEqual([]);
});

withBrowser('requests and errors of scripts are collected, where no policy forbids them', async () => {
  const { requests, problems } = await openPage(
    '<title>A page</title><img src="http://example.test/a.png"><img src="other.png"><script>missing()</script>',
  );
  expect(requests).toHaveLength(2);
  expect(requests).toEqual(
    expect.arrayContaining(['http://example.test/a.png', expect.stringMatching(/^file:.*other/)]),
  );
  expect(problems).toContain('script: missing is not defined');
});

withBrowser('axe-core finds a picture without a text, and text that cannot be read', async () => {
  const style = 'p { color: #ccc; background: #fff }';
  const { page, problems } = await openPage(pageOf('<p>Pale text</p><img src="data:,">', { style }));
  const found = await axeProblems(page);
  expect(found.map((text) => text.split(': ', 2).join(' at '))).toEqual(['color-contrast at p', 'image-alt at img']);
  expect(problems).toEqual([]);
});

withBrowser('a page is shown as asked: colours, paper, width, time zone, motion', async () => {
  const asked = { dark: true, print: true, width: 400, timezone: 'Asia/Tokyo', reducedMotion: true };
  const { page } = await openPage(pageOf(''), asked);
  const matches = (query: string) => page.evaluate(`matchMedia('(${query})').matches`);
  expect(await matches('prefers-color-scheme: dark')).toBe(true);
  expect(await matches('prefers-reduced-motion: reduce')).toBe(true);
  expect(await matches('width: 400px')).toBe(true);
  expect(await page.evaluate("matchMedia('print').matches")).toBe(true);
  expect(await page.evaluate('new Date(0).getHours()')).toBe(9);
});

withBrowser('a page of a server may ask its own server only', async () => {
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url!);
    response.writeHead(url === '/page' ? 203 : 200, { 'content-type': 'text/html' });
    response.end(url === '/page' ? '<img src="/mine.png"><img src="http://example.test/other.png">' : '');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { status, requests } = await openPage(`${address}/page`);
  expect(status).toBe(203);
  expect(requests.sort()).toEqual([`${address}/mine.png`, 'http://example.test/other.png'].sort());
  expect(asked.filter((url) => url !== '/favicon.ico')).toEqual(['/page', '/mine.png']);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

withBrowser('a page can be shown without its scripts', async () => {
  const script = 'document.querySelector("h1").textContent = "Changed";';
  const { page, problems } = await openPage(pageOf('<noscript>No script</noscript>', { script }), { script: false });
  expect(await page.textContent('h1')).toBe('A page');
  expect(await page.textContent('noscript')).toBe('No script');
  expect(problems).toEqual([]);
});
