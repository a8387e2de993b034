import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobOf } from '../../../src/study/render/job.js';
import { kubernetesSchema } from '../../../src/study/render/kubernetes-options.js';
import { literal, podScript } from '../../../src/study/render/pod-command.js';
import type { Study } from '../../../src/study/study-record.js';
import { expanded, verdictOf } from '../../helpers/kubernetes.js';
import { writeFakeStudy } from '../../helpers/study.js';
import { oddFolder } from '../executors/contract.js';
import { appears, behave, inCell, startsOf } from '../fake.js';
import { fakePhasetune, startPod } from './pod.js';

const bin = fakePhasetune();

/** The Job of some cells of a study. */
const jobFor = ({ folder, cells, record }: Study, indices: readonly number[]) =>
  jobOf({
    options: { ...kubernetesSchema.parse({}), image: 'phasetune', claim: 'studies', mountPath: '/' },
    ...{ folder, begunIn: '/', hash: record.hash, parallel: 9, retries: 2, stopAfterAlike: 3, cpus: 1, memory: '1Gi' },
    cells: indices.map((index) => cells[index - 1]!),
    owner: { user: 1, group: 1 },
  });

const run = (study: Study, indices: readonly number[], completion: number) =>
  startPod(jobFor(study, indices), completion, bin).ended;

describe('the command of a pod', () => {
  test('runs the cell that its completion index stands for, and no other, whatever the path of the study', async () => {
    const study = await writeFakeStudy(await oddFolder(), { seeds: [1, 2, 3, 4, 5, 6] });
    const indices = [2, 3, 7, 12];
    for (const completion of indices.keys()) expect(await run(study, indices, completion)).toMatchObject({ status: 0 });
    const ran = study.cells.filter(({ id }) => startsOf(study, id).length === 1).map(({ index }) => index);
    expect(ran).toEqual(indices);
  });

  test.each([
    [1, 'again, counted'],
    [2, 'failed'],
    [3, 'failed'],
    [5, 'again, counted'],
  ] as const)('ends with the cell’s status %i, which means: %s', async (status, verdict) => {
    const study = await writeFakeStudy(await oddFolder());
    behave(study, { '*': [`exit ${status} no`] });
    const { status: ended, said } = await run(study, [1], 0);
    expect([ended, said]).toEqual([status, expect.stringContaining('error: no')]);
    expect(verdictOf(jobFor(study, [1]), ended)).toBe(verdict);
  });

  test('hands on what asks it to stop, so that the cell saves; it is continued then', async () => {
    const study = await writeFakeStudy(await oddFolder());
    behave(study, { '*': ['sleep'] });
    const { child, ended } = startPod(jobFor(study, [1, 2]), 1, bin);
    const pid = Number(await appears(inCell(study, 'b-seed-1', 'sleeps')));
    // The shell became the program: nothing is between a kubelet and the cell.
    expect(child.pid).toBe(pid);
    child.kill('SIGTERM');
    const { status } = await ended;
    expect(status).toBe(130);
    expect(verdictOf(jobFor(study, [1, 2]), status)).toBe('again');
  });

  test('without an index runs nothing', async () => {
    const study = await writeFakeStudy(await oddFolder());
    const { status } = await run(study, [1, 2], Number.NaN);
    expect(status).not.toBe(0);
    expect(startsOf(study, 'a-seed-1')).toEqual([]);
  });

  test('can be a program of several words', () => {
    const script = podScript({ program: ['npx', '--yes', 'my tool'], folder: '/data/s', cells: [{ index: 4 }] });
    expect(script.split('\n')[2]).toBe(`exec npx --yes 'my tool' ablate cell /data/s "$1"`);
  });
});

test('a text is what Kubernetes makes of how it is written', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', 'HOME', ' ') });
  fc.assert(
    fc.property(text, (given) => {
      expect(expanded(literal(given), { HOME: 'replaced', A: 'replaced' })).toBe(given);
    }),
    { seed: 20, numRuns: 2000 },
  );
  expect(expanded('$(HOME) $$(HOME)', { HOME: '/root' })).toBe('/root $(HOME)');
  expect(join('/', literal('$HOME'))).toBe('/$HOME');
});
