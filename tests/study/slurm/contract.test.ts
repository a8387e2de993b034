import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { openSlurm } from '../../../src/study/executors/slurm/open.js';
import { onCluster } from '../../helpers/slurm/cluster.js';
import { executorContract } from '../executors/contract.js';
import { FAKE_CELL } from '../fake.js';

onCluster('the contract of executors on a real Slurm', (cluster) => {
  // Its jobs outlive an executor, and the cluster has four cores.
  afterEach(async () => {
    while ((await cluster.run('squeue', '-h', '-o', '%i')) !== '') {
      await cluster.run('scancel', '--me');
      await sleep(200);
    }
  });

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
});
