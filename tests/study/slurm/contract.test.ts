import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, test } from 'vitest';
import { openSlurm } from '../../../src/study/executors/slurm/open.js';
import { startCluster, stopCluster } from '../../helpers/slurm/cluster.js';
import { executorContract } from '../executors/contract.js';
import { FAKE_CELL } from '../fake.js';

const cluster = startCluster([]);

if (typeof cluster === 'string') {
  console.warn(`skipped: the contract of executors on a real Slurm: ${cluster}`);
  test.skip(`the contract of executors on a real Slurm: ${cluster}`, () => {});
} else {
  afterAll(() => stopCluster(cluster), 60_000);
  // Its jobs outlive an executor, and the cluster has four cores.
  afterEach(async () => {
    while ((await cluster.run('squeue', '-h', '-o', '%i')) !== '') {
      await cluster.run('scancel', '--me');
      await sleep(200);
    }
  }, 60_000);

  executorContract(
    'slurm',
    (study) =>
      openSlurm({
        study,
        options: { slurm: { time: 60 } },
        cellCommand: FAKE_CELL,
        environment: { ...process.env, ...cluster.environment },
        timing: { limitMs: 60_000, askMs: 300, soonMs: 300, lookMs: 20, lostMs: 20_000 },
      }),
    { slots: 4, outlives: true },
  );
}
