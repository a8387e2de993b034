import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LivePage, openLivePage } from '../../src/live/open.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ask, openedPage, openStream } from './ask.js';
import { finishedRun, runEvent, runWriter, stageEvent } from './run-files.js';

let folder: string;
let page: LivePage;
let path: string;
beforeEach(async () => {
  folder = join(temporaryFolder('live'), 'run');
  await finishedRun(folder, 20);
  page = await openLivePage({ folder, port: 0 });
  path = new URL(page.url).pathname;
});
afterEach(() => page.close());

const own = () => `127.0.0.1:${page.port}`;

it('is shown to whoever has its address, which listens on this machine only', async () => {
  expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/t\/[\w-]{22}\/$/);
  const { status, headers, body } = await ask(page.port, path);
  expect(status).toBe(200);
  expect(body).toContain('<h1>');
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'nonce-([\w+/=]+)'; script-src 'nonce-\1'; .*frame-ancestors 'none'$/,
  );
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  expect(page.tunnel).toMatch(`ssh -N -L ${page.port}:127.0.0.1:${page.port} `);
  const head = await ask(page.port, path, { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, body: '' });
  // Another nonce each time.
  expect((await ask(page.port, path)).headers['content-security-policy']).not.toBe(headers['content-security-policy']);
});

it('gives its address and a cookie for nothing else', async () => {
  const { place, cookie } = await openedPage(page);
  expect(place).toMatch(/^\/p\/[\w-]{12}\/$/);
  expect(cookie).toMatch(new RegExp(`^phasetune=[\\w-]{43}; Path=${place}; HttpOnly; SameSite=Strict$`));
  const pair = cookie.split(';')[0]!;
  const with_ = (header: string) => ask(page.port, place, { headers: { cookie: header } });
  expect(await with_(`other=1; ${pair}`)).toMatchObject({ status: 200 });
  expect((await with_(pair)).headers['set-cookie']).toBeUndefined();
  expect((await with_(pair.slice(0, -1))).status).toBe(404);
  expect((await with_('phasetune=')).status).toBe(404);
  expect((await ask(page.port, place)).status).toBe(404);
  // The token is not what the browser keeps or shows.
  expect(`${place} ${cookie}`).not.toContain(path.split('/')[2]);
});

const REFUSED: readonly [string, () => Parameters<typeof ask>, number][] = [
  ['another name for this machine', () => [page.port, path, { headers: { host: 'evil.test' } }], 421],
  ['another port', () => [page.port, path, { headers: { host: '127.0.0.1:1' } }], 421],
  [
    'a name that begins as ours',
    () => [page.port, path, { headers: { host: `127.0.0.1.evil.test:${page.port}` } }],
    421,
  ],
  ['another origin', () => [page.port, path, { headers: { origin: 'http://evil.test' } }], 403],
  ['an origin without a name', () => [page.port, path, { headers: { origin: 'null' } }], 403],
  ['the origin of another port', () => [page.port, path, { headers: { origin: 'http://127.0.0.1:1' } }], 403],
  ['another site', () => [page.port, path, { headers: { 'sec-fetch-site': 'cross-site' } }], 403],
  ['another port of this site', () => [page.port, path, { headers: { 'sec-fetch-site': 'same-site' } }], 403],
  [
    'a frame of another site',
    () => [
      page.port,
      path,
      { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' } },
    ],
    403,
  ],
  [
    'events for another site',
    () => [
      page.port,
      `${path}events`,
      { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' } },
    ],
    403,
  ],
  ['no token', () => [page.port, '/'], 404],
  ['an empty token', () => [page.port, '/t//'], 404],
  ['another token', () => [page.port, `/t/${'A'.repeat(22)}/`], 404],
  ['a longer token', () => [page.port, path.replace(/\/$/, 'A/')], 404],
  ['a path upwards', () => [page.port, `${path}../../etc/passwd`], 404],
  ['a path upwards to the page', () => [page.port, `${path}x/../`], 404],
  ['a path upwards in disguise', () => [page.port, `${path}%2e%2e/%2e%2e/etc/passwd`], 404],
  ['a file of the run', () => [page.port, `${path}run.json`], 404],
  ['a file with a zero byte', () => [page.port, `${path}%00`], 404],
  ['a question', () => [page.port, `${path}?x=1`], 404],
  ['a whole address', () => [page.port, `http://${own()}${path}`], 404],
  ['a cell of a run', () => [page.port, `${path}cells/1/`], 404],
  ['to post', () => [page.port, path, { method: 'POST' }], 405],
  ['to put', () => [page.port, path, { method: 'PUT' }], 405],
  ['its options', () => [page.port, path, { method: 'OPTIONS', headers: { origin: 'http://evil.test' } }], 405],
];

it.each(REFUSED)('refuses %s', async (_, asked, status) => {
  const answer = await ask(...asked());
  expect(answer.status).toBe(status);
  expect(answer.headers['set-cookie']).toBeUndefined();
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(answer.body).not.toContain('evil');
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
});

it('lets a link lead to the address, and itself ask', async () => {
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  expect((await ask(page.port, path, { headers: link })).status).toBe(200);
  for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
    const host = `${name}:${page.port}`;
    const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
    expect((await ask(page.port, path, { headers })).status).toBe(200);
  }
});

it('takes another port where the first is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const second = await openLivePage({ folder, port });
  expect(second.port).not.toBe(port);
  expect((await ask(second.port, new URL(second.url).pathname)).status).toBe(200);
  // Each page has its own token.
  expect((await ask(second.port, path)).status).toBe(404);
  await second.close();
  other.close();
});

it('refuses an address that other machines reach, and what is neither run nor study', async () => {
  await expect(openLivePage({ folder, host: '0.0.0.0' })).rejects.toMatchObject({
    code: 'usage',
    fields: { option: 'host' },
  });
  await expect(openLivePage({ folder, host: '10.1.2.3' })).rejects.toMatchObject({ code: 'usage' });
  await expect(openLivePage({ folder: join(folder, 'none') })).rejects.toMatchObject({ code: 'data' });
  await expect(openLivePage({ folder: join(folder, 'run.json') })).rejects.toMatchObject({ code: 'data' });
  const open = await openLivePage({ folder, host: '0.0.0.0', port: 0, allowRemote: true });
  const openPath = new URL(open.url).pathname;
  expect((await ask(open.port, openPath)).status).toBe(200);
  expect((await ask(open.port, '/')).status).toBe(404);
  expect((await ask(open.port, openPath, { headers: { host: 'evil.test' } })).status).toBe(421);
  await open.close();
});

it('sends all sections, then those that change, with the byte of the events', async () => {
  const writer = runWriter(join(temporaryFolder('live'), 'run'), 50);
  const growing = await openLivePage({ folder: writer.folder, port: 0 });
  const events = `${new URL(growing.url).pathname}events`;
  const stream = await openStream(growing.port, events);
  expect(stream.status).toBe(200);
  await stream.until((all) => all.length === 1);
  expect(stream.text()).toMatch(/^retry: 2000\n\n/);
  expect(stream.events[0]).toMatchObject({ event: 'sections', id: '0', data: { order: ['state'] } });
  await writer.record();
  writer.add(runEvent(50));
  writer.add(stageEvent(1, 50));
  writer.step(1, 1);
  await stream.until((all) => all.at(-1)!.data.order.includes('log'));
  const seen = Number(stream.events.at(-1)!.id);
  expect(seen).toBeGreaterThan(100);
  // Half a line is no event.
  writer.text('{"time":');
  await writer.record({ status: 'failed', error: 'no memory' });
  await stream.until((all) => all.at(-1)!.data.state === 'failed');
  const last = stream.events.at(-1)!;
  expect(last.id).toBe(String(seen));
  expect(Object.keys(last.data.sections)).not.toContain('log');
  expect(last.data.sections.state).toContain('no memory');
  stream.close();

  // Who has seen that much gets what has changed at it or since, whoever has seen nothing gets all.
  const again = await openStream(growing.port, events, { 'last-event-id': String(seen + 1) });
  await again.until((all) => all.length === 2);
  expect(again.events.map(({ event }) => event)).toEqual(['reset', 'sections']);
  again.close();
  await growing.close();
});

it('says when the file of events became shorter', async () => {
  const writer = runWriter(join(temporaryFolder('live'), 'run'), 50);
  await writer.record();
  writer.add(runEvent(50));
  writer.add(stageEvent(1, 50));
  for (let step = 1; step <= 30; step++) writer.step(1, step);
  const growing = await openLivePage({ folder: writer.folder, port: 0 });
  const stream = await openStream(growing.port, `${new URL(growing.url).pathname}events`);
  await stream.until((all) => all.length === 1);
  expect(stream.events[0]!.data.sections.state).toContain('step 30 of 100');
  const { keepLines } = await import('../../src/io/jsonl.js');
  await keepLines(join(writer.folder, 'events.jsonl'), 12);
  await stream.until((all) => all.some(({ event }) => event === 'reset'));
  await stream.until((all) => all.at(-1)!.event === 'sections');
  expect(stream.events.at(-1)!.data.sections.state).toContain('step 10 of 100');
  stream.close();
  await growing.close();
});

it('keeps four streams, and tells the oldest when a fifth comes', async () => {
  const events = `${path}events`;
  const streams = [];
  for (let i = 0; i < 5; i++) {
    const stream = await openStream(page.port, events);
    await stream.until((all) => all.length > 0);
    streams.push(stream);
  }
  await streams[0]!.ended;
  expect(streams[0]!.events.at(-1)).toMatchObject({ event: 'bye', data: { more: true } });
  for (const stream of streams.slice(1)) expect(stream.events.map(({ event }) => event)).toEqual(['sections']);
  await page.close('over');
  for (const stream of streams.slice(1)) {
    await stream.ended;
    expect(stream.events.at(-1)).toMatchObject({ event: 'bye', data: { reason: 'over', more: false } });
  }
  await page.closed;
});
