import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startPhasetune } from '../cli/child.js';
import { temporaryFolder } from '../helpers/folder.js';
import { writeTinyStudy } from '../helpers/study.js';
import { openStream } from '../live/ask.js';

const home = temporaryFolder('train-watch');
const STEPS = 60;

/** Trains a tiny model; what it printed so far is `said`. */
function train(name: string, ...more: string[]) {
  const paths = ['--model', join(home, 'model'), '--data', join(home, 'study/staged/split-1-3-stages')];
  const how = ['--steps', String(STEPS), '--batch-rows', '2', '--precision', 'float32', '--compile', 'none'];
  const started = startPhasetune(['train', ...paths, ...how, '--log-every', '1', '--out', join(home, name), ...more]);
  const said = { err: '' };
  started.child.stderr.on('data', (text) => (said.err += text));
  return { ...started, said };
}

async function until<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(50);
  }
}

const addressOf = ({ said, child }: ReturnType<typeof train>) =>
  until(() => {
    if (child.exitCode !== null) throw new Error(said.err);
    const [, url] = /live page: (\S+)/.exec(said.err) ?? [];
    return url === undefined ? undefined : new URL(url);
  });

/** The process of the page that a training started. */
async function pageOf(pid: number): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/).map(Number);
  return children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0').includes('watch'))!;
}

/** Resolves once a process is gone, or is only waiting for its parent to take notice. */
const gone = (pid: number) =>
  until(async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X');
    return /\) [ZX]/.test(stat) ? true : undefined;
  });

const stepsOf = async (name: string) =>
  (await readFile(join(home, name, 'events.jsonl'), 'utf8').catch(() => '')).split('"type":"step"').length - 1;
const adapterOf = (name: string) => readFile(join(home, name, 'adapter/adapter_model.safetensors'));

it('a page beside a training changes nothing in it, shows how it ended, and ends with it', async () => {
  await writeTinyStudy(home, { arms: { phased: { order: 'phased' }, random: { order: 'random' } }, seeds: [1] });
  const alone = train('alone');
  expect((await alone.ended).code).toBe(0);

  const watched = train('watched', '--watch', '--json');
  const url = await addressOf(watched);
  const page = await pageOf(watched.child.pid!);
  const stream = await openStream(Number(url.port), `${url.pathname}events`);
  expect(watched.said.err).toContain(`ssh -N -L ${url.port}:127.0.0.1:${url.port} `);
  const { code, out } = await watched.ended;
  expect(code).toBe(0);
  await stream.ended;
  await gone(page);
  const last = stream.events.findLast(({ event }) => event === 'sections')!;
  expect(last.data.state).toBe('done');
  expect(stream.events.at(-1)).toMatchObject({ event: 'bye' });
  expect(await adapterOf('watched')).toEqual(await adapterOf('alone'));
  // The key is in nothing that is kept.
  const token = url.pathname.split('/')[2]!;
  for (const name of ['run.json', 'events.jsonl'])
    expect(await readFile(join(home, 'watched', name), 'utf8')).not.toContain(token);
  expect(out).not.toContain(token);
});

it('a page that is killed takes nothing with it', async () => {
  const training = train('page-killed', '--watch');
  await addressOf(training);
  const page = await pageOf(training.child.pid!);
  await until(async () => ((await stepsOf('page-killed')) > 0 ? true : undefined));
  process.kill(page, 'SIGKILL');
  expect((await training.ended).code).toBe(0);
  expect(await adapterOf('page-killed')).toEqual(await adapterOf('alone'));
});

it('a training that is killed is shown as interrupted, and its page ends', async () => {
  const training = train('killed', '--watch');
  const url = await addressOf(training);
  const page = await pageOf(training.child.pid!);
  const stream = await openStream(Number(url.port), `${url.pathname}events`);
  await until(async () => ((await stepsOf('killed')) > 5 ? true : undefined));
  training.child.kill('SIGKILL');
  await stream.ended;
  expect(stream.events.findLast(({ event }) => event === 'sections')!.data.state).toBe('interrupted');
  await gone(page);
});
