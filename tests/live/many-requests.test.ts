import { Agent } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openLivePage } from '../../src/live/open.js';
import { temporaryFolder } from '../helpers/folder.js';
import { ask, openedPage } from './ask.js';
import { finishedRun } from './run-files.js';

it('answers 10,000 requests without growing', async () => {
  const folder = join(temporaryFolder('live'), 'run');
  await finishedRun(folder, 20);
  const page = await openLivePage({ folder, port: 0 });
  const path = new URL(page.url).pathname;
  const { place, cookie } = await openedPage(page);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const kinds: Parameters<typeof ask>[] = [
    [page.port, path],
    [page.port, place, { headers: { cookie: cookie.split(';')[0]! } }],
    [page.port, '/', {}],
    [page.port, path, { headers: { host: 'evil.test' } }],
    [page.port, path, { method: 'HEAD' }],
  ];
  const many = async (count: number) => {
    for (let done = 0; done < count; done += 8)
      await Promise.all(
        Array.from({ length: 8 }, (_, i) => {
          const [port, asked, options] = kinds[(done + i) % kinds.length]!;
          return ask(port, asked, { ...options, agent });
        }),
      );
  };
  await many(2000);
  const before = await heapBytes();
  await many(10_000);
  const grown = (await heapBytes()) - before;
  agent.destroy();
  await page.close();
  expect(grown).toBeLessThan(20 << 20);
});

/** What values take after everything unreachable was removed: it does not depend on when the collector runs. */
async function heapBytes(): Promise<number> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
