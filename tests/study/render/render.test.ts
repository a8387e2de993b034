import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ablate } from '../../../src/study/ablate.js';
import type { StudyEvent } from '../../../src/study/events.js';
import type { AblateOptions } from '../../../src/study/options.js';
import { planStudy } from '../../../src/study/plan-study.js';
import { readStudy, studyPaths } from '../../../src/study/study-record.js';
import type { Hooks } from '../../../src/workflow/hooks.js';
import { realRuntime } from '../../helpers/fake-machine.js';
import { problemsOf, readJob } from '../../helpers/kubernetes.js';
import { prepared, studyHome, withTypeScript } from '../../helpers/study-file.js';
import { startsOf } from '../fake.js';
import { fakePhasetune, startPod } from './pod.js';

const bin = fakePhasetune();
const KUBERNETES = { image: 'registry.example.com/phasetune:1.0', claim: 'studies', mountPath: '/', memory: '2Gi' };

/** A study of two arms and two seeds on Kubernetes. */
function clusterHome(kubernetes: object = {}, executor: object = {}) {
  const home = studyHome();
  const section = { executor: { kind: 'kubernetes', ...executor, kubernetes: { ...KUBERNETES, ...kubernetes } } };
  home.write(home.text + stringify(section));
  const job = () => readFileSync(join(home.out, 'kubernetes/job.yaml'), 'utf8');
  return { ...home, job };
}

/** Runs `ablate` to its end. */
async function ablated(options: AblateOptions, hooks: Hooks = {}) {
  const events: StudyEvent[] = [];
  const study = ablate(options, hooks);
  for await (const event of study.events) events.push(event);
  return { ...(await study.result), events };
}

const refused = (options: AblateOptions) =>
  ablated(options).then(
    () => expect.fail('not refused'),
    (error: Error & { code?: string }) => error,
  );

const render = 'kubernetes' as const;

describe('a study that is rendered', () => {
  test('is registered as on any start, and nothing is run', async () => {
    const { file, out, job } = clusterHome({ cpus: 3 }, { parallel: 3 });
    const { events, job: written, results } = await ablated({ file, out, render });
    expect(events.map(({ type }) => type).slice(-2)).toEqual(['study', 'rendered']);
    expect(results).toBeUndefined();
    const { record, cells } = await readStudy(out);
    // As cells that may run anywhere.
    expect(record).toMatchObject({ precision: 'bfloat16', study: { executor: { kind: 'kubernetes', threads: 3 } } });
    expect(new Set(cells.map(({ recipe }) => recipe.precision))).toEqual(new Set(['bfloat16']));
    for (const { set } of cells) expect(statSync(studyPaths(out).staged(set!)).isDirectory()).toBe(true);
    const read = readJob(job());
    expect(problemsOf(read)).toEqual([]);
    expect(read.metadata.name).toContain(record.hash.slice(0, 12));
    expect(read.spec).toMatchObject({ completions: 4, parallelism: 3 });
    const { uid, gid } = statSync(out);
    expect(read.spec.template.spec.securityContext).toMatchObject({ runAsUser: uid, runAsGroup: gid });
    expect(read.spec.template.spec.containers[0]!.resources.limits).toEqual({ cpu: '3', memory: '2Gi' });
    expect(written).toEqual({ path: join(out, 'kubernetes/job.yaml'), name: read.metadata.name, cells: 4 });
  });

  test('again gives the same bytes; after three cells are done, a Job of the fourth; after all, no Job', async () => {
    const { file, out, job } = clusterHome();
    await ablated({ file, out, render });
    const first = job();
    await ablated({ file, out, render });
    expect(job()).toBe(first);
    const study = await readStudy(out);
    for (const completion of [3, 0, 1]) expect((await startPod(readJob(first), completion, bin).ended).status).toBe(0);
    // The same study without `render` does not run here what pods are to run.
    const left = await refused({ file, out });
    expect(left).toMatchObject({ code: 'failed', message: expect.stringContaining('1 of 4 cells are not done') });
    expect(startsOf(study, study.cells[2]!.id)).toEqual([]);
    const { events } = await ablated({ file, out, render });
    expect(events.find(({ type }) => type === 'study')).toMatchObject({ states: { done: 3, waiting: 1 } });
    const rest = readJob(job());
    expect(rest.spec).toMatchObject({ completions: 1, parallelism: 1, maxFailedIndexes: 1 });
    expect(rest.metadata.name).not.toBe(readJob(first).metadata.name);
    expect((await startPod(rest, 0, bin).ended).status).toBe(0);
    expect(study.cells.map(({ id }) => startsOf(study, id).length)).toEqual([1, 1, 1, 1]);
    const before = job();
    const all = await ablated({ file, out, render });
    expect([all.job, all.results?.arms.length]).toEqual([undefined, 2]);
    expect(job()).toBe(before);
  });

  test('can be a pilot', async () => {
    const { file, out, job } = clusterHome();
    await ablated({ file, out, render, pilot: 2 });
    const { cells } = await readStudy(out);
    const pilot = cells.filter(({ arm }) => arm === 'one-off').map(({ index }) => index);
    expect(readJob(job()).spec.template.spec.containers[0]!.command[2]).toContain(`set -- ${pilot.join(' ')}\n`);
  });

  test('that was begun on this machine keeps its threads and its type of products', async () => {
    const { file, out, job } = clusterHome();
    const { study } = await prepared({ file, out, executor: 'local', parallel: 1 });
    const { precision } = study.record;
    const { threads } = study.record.study.executor;
    await ablated({ file, out, render });
    expect((await readStudy(out)).record).toMatchObject({ precision, study: { executor: { threads } } });
    expect(readJob(job()).spec.template.spec.containers[0]!.resources.requests.cpu).toBe(String(threads));
  });

  test('that was begun without fixed threads says what that means', async () => {
    const { file, out } = clusterHome();
    await prepared({ file, out, executor: 'command' });
    const warnings: string[] = [];
    const logger = { warn: (text: string) => warnings.push(text), info() {}, debug() {} };
    await ablated({ file, out, render }, { logger: logger as unknown as NonNullable<Hooks['logger']> });
    expect(warnings.join()).toContain('the threads of cells were not fixed');
  });

  test.skipIf(!realRuntime())(
    'asks for the memory that its largest cell is forecast to take, and some more',
    async () => {
      const { file, out, job } = clusterHome({ memory: undefined });
      await withTypeScript(async () => {
        await ablated({ file, out, render });
        const { memory } = await planStudy({ file, out, render });
        const gib = Number(
          /^(\d+)Gi$/.exec(readJob(job()).spec.template.spec.containers[0]!.resources.requests.memory)![1],
        );
        const needed = memory.bytes! / 0.85 / 2 ** 30;
        expect(gib).toBeGreaterThanOrEqual(needed);
        expect(gib).toBeLessThan(needed + 1);
      });
    },
  );
});

describe('a study that cannot be rendered is refused', () => {
  test.each([
    [
      { kubernetes: {} },
      'a Job needs `executor.kubernetes.image`, `executor.kubernetes.claim`, `executor.kubernetes.mountPath`',
    ],
    [{}, 'a Job needs `executor.kubernetes.image`, `executor.kubernetes.claim`, `executor.kubernetes.mountPath`'],
    [
      { kubernetes: { image: 'a', mountPath: '/' } },
      'a Job needs `executor.kubernetes.claim`; expected in the study file',
    ],
    [{ kubernetes: { ...KUBERNETES, mountPath: '/data' } }, 'is not in /data, so the pods would not see it'],
    [{ kubernetes: { ...KUBERNETES, mountPath: 'data' } }, 'expected an absolute path'],
    [{ kubernetes: { ...KUBERNETES, memory: '8GB' } }, 'as in 8Gi'],
    [
      { kubernetes: { ...KUBERNETES, memory: undefined, gpus: 1 } },
      'expected `executor.kubernetes.memory`, as in 16Gi',
    ],
    [{ kubernetes: { ...KUBERNETES, namespace: 'My_Team' } }, 'at most 63 of a-z, 0-9 and "-"'],
    [{ kubernetes: { ...KUBERNETES, env: { HF_TOKEN: 'hf_abcdefgh' } } }, 'no secrets'],
    [{ kubernetes: { ...KUBERNETES, gpu: 1 } }, 'unknown option (did you mean "gpus"?)'],
  ])('%j', async (executor, problem) => {
    const { file, out, text, write } = studyHome();
    write(text + stringify({ executor }));
    const error = await refused({ file, out, render });
    expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(problem) });
    expect(error.message).not.toContain('hf_abcdefgh');
    expect(existsSync(join(out, 'kubernetes'))).toBe(false);
  });

  test('before anything is staged, where it is not described', async () => {
    const { file, out } = studyHome();
    await refused({ file, out, render });
    expect(existsSync(join(out, 'staged'))).toBe(false);
  });

  test('where a model in the volume is a link to one that is not', async () => {
    const { file, home, text, write } = studyHome();
    const inside = join(home, 'volume');
    mkdirSync(inside);
    symlinkSync(join(process.cwd(), 'models/tiny-llama'), join(inside, 'model'));
    const kubernetes = { ...KUBERNETES, mountPath: inside };
    write(text.replace('models/tiny-llama', join(inside, 'model')) + stringify({ executor: { kubernetes } }));
    const error = await refused({ file, out: join(inside, 'study'), render });
    expect(error.message).toContain(`${join(inside, 'model')} is a link to`);
  });

  test('with `finish`, which leaves out what would be rendered', async () => {
    const { file, out } = clusterHome();
    expect(await refused({ file, out, render, finish: true })).toMatchObject({ code: 'usage' });
  });
});

test('a volume that is mounted by way of a link here holds what is in it', async () => {
  const { file, home, text, write } = studyHome();
  const mountPath = join(home, 'volume');
  mkdirSync(join(home, 'real'));
  symlinkSync(join(home, 'real'), mountPath);
  const model = join(mountPath, 'model');
  cpSync('models/tiny-llama', model, { recursive: true });
  const kubernetes = { ...KUBERNETES, mountPath };
  write(text.replace('models/tiny-llama', model) + stringify({ executor: { kubernetes } }));
  expect((await ablated({ file, out: join(mountPath, 'study'), render })).job?.cells).toBe(4);
});
