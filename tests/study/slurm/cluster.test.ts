import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../helpers/folder.js';
import { withCluster } from '../../helpers/slurm/cluster.js';

const SCRIPT = fileURLToPath(new URL('../../helpers/slurm/cluster.sh', import.meta.url));

withCluster('a job runs on the test cluster, and stays over a restart of its controller', async (cluster) => {
  const output = join(temporaryFolder('job'), 'output');
  const script = `srun --export=ALL sh -c 'echo "task $SLURM_CPUS_PER_TASK"; sleep 6'`;
  await cluster.run('sbatch', '-c', '2', '--export=NONE', '-o', output, '--wrap', script);
  const state = () => cluster.run('squeue', '-h', '-t', 'all', '-o', '%T');
  // A step that is asked for in the seconds in which a new controller does not know its nodes yet waits for minutes.
  await expect.poll(() => existsSync(output) && readFileSync(output, 'utf8'), { timeout: 60_000 }).toBe('task 2\n');
  await cluster.controller('restart');
  expect(await state()).toBe('RUNNING\n');
  await expect.poll(state, { timeout: 60_000 }).toBe('COMPLETED\n');
  expect(cluster.log().filter((line) => line.includes('_slurm_rpc_submit_batch_job: JobId='))).toHaveLength(1);
});

test('where Slurm is not installed, the reason is one line', () => {
  const { status, stderr } = spawnSync('bash', ['-c', 'command() { return 1; }; . "$0" start', SCRIPT], {
    encoding: 'utf8',
  });
  expect(status).toBe(3);
  expect(stderr).toBe(
    'Slurm is missing: munged slurmctld slurmd sbatch (install slurmctld, slurmd, slurm-client and munge)\n',
  );
});

test('a cluster that cannot start leaves nothing, and says why', () => {
  const folder = temporaryFolder('cluster');
  const { status, stdout, stderr } = spawnSync(SCRIPT, ['start', 'NoSuchOption=1'], {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: folder },
  });
  expect([status, stdout, readdirSync(folder)]).toEqual([expect.toBeOneOf([1, 3]), '', []]);
  expect(stderr).toMatch(/NoSuchOption|Slurm is missing/);
});
