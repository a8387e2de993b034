import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { lockFolder } from '../../src/io/lock.js';
import { type LivePage, openLivePage } from '../../src/live/open.js';
import { studyPaths } from '../../src/study/study-record.js';
import { temporaryFolder } from '../helpers/folder.js';
import { writeFakeStudy } from '../helpers/study.js';
import { ask, openStream } from './ask.js';
import { evalEvent, runEvent, runWriter, stageEvent } from './run-files.js';

const attempt = (folder: string, id: string, line: object) => {
  const path = studyPaths(folder).attempts(id);
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, `${JSON.stringify({ time: '2026-01-02T03:04:05.000Z', ...line })}\n`);
};
const begin = { event: 'begin', attempt: 1, executor: 'local', host: 'node-7' };
const get = async (page: LivePage, below = '') => (await ask(page.port, `${new URL(page.url).pathname}${below}`)).body;
const plain = (html: string) =>
  html.replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ');

it('shows a study from before its record on, a cell as it runs, and no verdict', async () => {
  const folder = join(temporaryFolder('live'), 'study');
  const page = await openLivePage({ folder, port: 0, wait: true });
  expect(plain(await get(page))).toContain('Nothing is there yet.');
  expect((await ask(page.port, `${new URL(page.url).pathname}cells/1/`)).status).toBe(404);

  const study = await writeFakeStudy(folder, { arms: { control: {}, phased: {} }, seeds: [1, 2] });
  const stream = await openStream(page.port, `${new URL(page.url).pathname}events`);
  await stream.until((all) => all.length > 0 && all.at(-1)!.data.state.startsWith('waiting'));
  const last = () => stream.events.findLast(({ data }) => data.sections?.cells)!.data.sections.cells!;
  expect(plain(last())).toContain('control waiting waiting phased waiting waiting');

  const { id } = study.cells[0]!;
  attempt(folder, id, begin);
  const writer = runWriter(studyPaths(folder).run(id), 10);
  const [lock, runLock] = [await lockFolder(folder, 'ablate'), await lockFolder(writer.folder, 'train')];
  writeFileSync(studyPaths(folder).log(id, 1), 'stage 1 of 2 <script>alert(1)</script>\n');
  await writer.record();
  writer.add(runEvent(10));
  writer.add(evalEvent(0, 0, [3, 3]));
  writer.add(stageEvent(1, 10));
  for (let step = 1; step <= 5; step++) writer.step(1, step);
  attempt(folder, study.cells[1]!.id, { ...begin });
  attempt(folder, study.cells[1]!.id, {
    event: 'end',
    attempt: 1,
    code: 3,
    signal: null,
    outcome: 'failed',
    failure: 'data',
    reason: 'no such <row>',
  });
  await stream.until((all) => all.some(({ data }) => data.sections?.cells?.includes('25 %')));
  const html = await get(page);
  const text = plain(html);
  expect(text).toContain('0 of 2 blocks complete: there is no verdict before the end.');
  expect(text).toContain('control running 25 % waiting phased failed waiting');
  expect(text).toContain(`${study.cells[1]!.id} failed (data): no such &lt;row&gt;`);
  expect(text).toContain('attempt 1 begins on node-7');
  expect(text).toContain('stage 1 of 2 &lt;script&gt;alert(1)');
  expect(text).not.toMatch(/better|worse/);

  // Cells are numbers of the study's list, not paths.
  expect(html).toContain('<a href="cells/1/">running</a>');
  const cell = await get(page, 'cells/1/');
  expect(plain(cell)).toContain('step 5 of 20');
  expect(cell).toContain('<a href="../../">To the study</a>');
  for (const other of ['cells/5/', 'cells/0/', 'cells/01/', 'cells/1', 'cells/../', `cells/${id}/`])
    expect((await ask(page.port, `${new URL(page.url).pathname}${other}`)).status, other).toBe(404);

  await runLock.release();
  await lock.release();
  await stream.until((all) => all.at(-1)!.data.state?.startsWith('stopped'));
  expect(plain(await get(page))).toContain('The study has stopped');
  rmSync(folder, { recursive: true });
  await stream.until((all) => all.at(-1)!.data.state === 'the folder is gone');
  stream.close();
  const gone = plain(await get(page));
  expect(gone).toContain('was removed, moved or unmounted');
  expect(gone).toContain('control interrupted');
  await page.close();
});
