import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { readAttemptLines } from '../../src/study/attempts.js';
import { type Guide, openGuide } from '../helpers/guide.js';
import { problemsOf, readJob } from '../helpers/kubernetes.js';
import { PROGRAM, ROOT } from '../helpers/program.js';
import { FAKE_CELL, gone, lives } from '../study/fake.js';

/** However busy the machine is. */
const PATIENCE_MS = 900_000;

let guide: Guide;
afterEach(() => guide?.close());

const words = (...all: readonly string[]) => all.map((word) => `'${word}'`).join(' ');
const script = (name: string, text: string) =>
  writeFile(guide.at('bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

/**
 * A page's commands, with the folder of the test for `/data`, a program that stands in for the one of the cluster, and
 * cells that only pretend to train.
 */
async function openPage(page: string, standIn: string): Promise<string[]> {
  guide = await openGuide(`clusters/${page}`);
  for (const folder of ['datasets/demo', 'docs/clusters']) {
    await mkdir(guide.at(folder, '..'), { recursive: true });
    await symlink(join(ROOT, folder), guide.at(folder));
  }
  // A link would lead out of what pods see.
  await rm(guide.at('models'));
  await cp(join(ROOT, 'models/tiny-llama'), guide.at('models/tiny-llama'), { recursive: true });
  const cell = `if [ "$1 $2" = 'ablate cell' ]; then shift 2; exec ${words(...FAKE_CELL)} "$@"; fi`;
  await script('phasetune', `${cell}\nexec ${words(process.execPath, ...PROGRAM)} "$@"`);
  const name = standIn.replace(/\..*/, '');
  const run = [process.execPath, ...(standIn.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [])];
  const state = guide.at(name === 'kubectl' ? 'bin' : `${name}-jobs`);
  await script(name, `exec ${words(...run, join(ROOT, 'tests/docs/stand-ins', standIn), state)} "$@"`);
  return guide.blocks.map((block) => block.replaceAll('/data/me', guide.at()).replaceAll('/data', guide.at()));
}

const read = (...path: string[]) => readFileSync(guide.at(...path), 'utf8');
const results = (study: string) => JSON.parse(read('studies', study, 'results.json'));
const inCell = (id: string, ...path: string[]) => guide.at('studies/try/cells', id, ...path);
const lines = (path: string) => readFileSync(path, 'utf8').trim().split('\n');

/** Runs the page to its end, then sets back one of its cells, which sleeps at its next start. */
async function ranAndReset(blocks: readonly string[], id: string) {
  const { code, said } = await guide.shell(blocks.join(''));
  expect(code, said).toBe(0);
  expect(results('try').arms).toHaveLength(2);
  for (const each of ['one-off-seed-1', 'phased-seed-1']) {
    expect((await readAttemptLines(inCell(each, 'attempts.jsonl'))).at(-1)).toMatchObject({ outcome: 'done', code: 0 });
    expect(lines(inCell(each, 'starts.jsonl'))).toHaveLength(1);
  }
  await rm(inCell(id, 'run'), { recursive: true });
  writeFileSync(guide.at('studies/try/behaviour.json'), JSON.stringify({ [id]: ['done', 'sleep', 'done'] }));
}

/** Starts the study again, in a process of its own, until its cell sleeps. */
async function startAgain(id: string): Promise<ChildProcess> {
  const { HOME, PHASETUNE_HOME } = process.env;
  const env = { PATH: `${guide.at('bin')}:${process.env.PATH}`, HOME, ...(PHASETUNE_HOME && { PHASETUNE_HOME }) };
  const args = [...PROGRAM, 'ablate', 'study.yaml', '--out', 'studies/try'];
  const child = spawn(process.execPath, args, { cwd: guide.at(), env, stdio: 'ignore' });
  while (!existsSync(inCell(id, 'sleeps'))) await sleep(20);
  return child;
}

test('docs/clusters/kubernetes.md: its commands write a Job whose pods run the study', {
  timeout: PATIENCE_MS,
}, async () => {
  const blocks = await openPage('kubernetes.md', 'kubectl.ts');
  const { code, said } = await guide.shell(blocks.join(''));
  expect(code, said).toBe(0);
  const job = readJob(read('studies/try/kubernetes/job.yaml'));
  expect(problemsOf(job)).toEqual([]);
  expect(said).toContain(`job.batch/${job.metadata.name} created`);
  expect(said.match(/pod \d: 0/g)).toHaveLength(2);
  expect(results('try').arms).toHaveLength(2);
  for (const id of ['one-off-seed-1', 'phased-seed-1']) expect(lines(inCell(id, 'starts.jsonl'))).toHaveLength(1);
});

describe.each([
  ['ssh.md', 'ssh.mjs', 129, 'data'],
  ['ray.md', 'ray.mjs', 130, 'data'],
  ['skypilot.md', 'sky.mjs', 130, 'failed'],
])('docs/clusters/%s', (page, standIn, saved, failure) => {
  test('its commands run the study; an interrupt lets a cell save, which continues; one that fails has failed', {
    timeout: PATIENCE_MS,
  }, async () => {
    const [id, other] = ['phased-seed-1', 'one-off-seed-1'];
    await ranAndReset(await openPage(page, standIn), id);
    const study = await startAgain(id);
    study.kill('SIGINT');
    expect(await once(study, 'exit')).toEqual([130, null]);
    while (!existsSync(inCell(id, 'stopped'))) await sleep(20);
    expect(lines(inCell(id, 'stopped'))).toEqual([String(saved)]);
    expect((await readAttemptLines(inCell(id, 'attempts.jsonl'))).at(-1)).toMatchObject({ outcome: 'interrupted' });
    await rm(inCell(other, 'run'), { recursive: true });
    const behaviour = { [id]: ['done'], [other]: ['exit 3 rows.jsonl:3: no row'] };
    writeFileSync(guide.at('studies/try/behaviour.json'), JSON.stringify(behaviour));
    const again = await guide.shell('npx phasetune ablate study.yaml --out studies/try');
    expect(again.code, again.said).toBe(1);
    const last = async (cell: string) => (await readAttemptLines(inCell(cell, 'attempts.jsonl'))).at(-1);
    expect(await last(id)).toMatchObject({ attempt: 3, outcome: 'done' });
    expect(await last(other)).toMatchObject({ attempt: 2, outcome: 'failed', failure });
    if (page !== 'ssh.md') return;
    expect(results('try-2').arms).toHaveLength(2);
    expect(new Set(lines(guide.at('ssh-jobs/hosts')))).toContain('gpu1');
  });
});

test.each([
  ['ray.md', 'ray.mjs', 'ray'],
  ['skypilot.md', 'sky.mjs', 'sky'],
])(
  'docs/clusters/%s: without its connection the script ends with 255, and the job continues',
  {
    timeout: PATIENCE_MS,
  },
  async (page, standIn, name) => {
    const [block] = await openPage(page, standIn);
    // Without the study itself.
    await guide.shell(block!.replace(/^npx .*$/m, ''));
    await cp(join(ROOT, 'docs/clusters'), guide.at('study'), { recursive: true });
    writeFileSync(
      guide.at('study/cells.jsonl'),
      `${JSON.stringify({ index: 1, id: 'a', planned: { trainedTokens: 1 } })}\n`,
    );
    writeFileSync(guide.at('study/behaviour.json'), JSON.stringify({ a: ['sleep'] }));
    const ended = guide.shell(`./on-${name}.sh ${guide.at('study')} 1`);
    while (!existsSync(guide.at('study/cells/a/sleeps')) || !existsSync(guide.at(`${name}-jobs/client`)))
      await sleep(20);
    process.kill(Number(read(`${name}-jobs/client`)), 'SIGKILL');
    expect((await ended).code).toBe(255);
    const cell = Number(read('study/cells/a/sleeps'));
    expect(lives(cell)).toBe(true);
    process.kill(cell, 'SIGTERM');
    await gone(cell);
    // The job's shell writes its status after the cell has gone.
    const [job] = readdirSync(guide.at(`${name}-jobs`)).filter((each) => each !== 'client');
    while (!existsSync(guide.at(`${name}-jobs`, job!, 'status'))) await sleep(20);
  },
);
