import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect } from 'vitest';
import { temporaryFolder } from '../../helpers/folder.js';
import { PROGRAM, ROOT } from '../../helpers/program.js';
import { withCluster } from '../../helpers/slurm/cluster.js';
import { computing, found, hungSbatch } from './disturbed.js';

/** Twelve cells of the tiny Llama, all of which train for seconds. */
function writeStudyFile(home: string, executor: object): string {
  const rows = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 300);
  const scored = join(home, 'rows.jsonl');
  writeFileSync(scored, rows.map((row, i) => JSON.stringify({ ...JSON.parse(row), score: 1 + (i % 5) })).join('\n'));
  const study = {
    base: { model: join(ROOT, 'models/tiny-llama'), batchRows: 2, precision: 'float32', saveEvery: 10 },
    data: { scored, stage: { by: 'rows', stages: 3 }, holdout: 12 },
    arms: {
      'one-off': { order: 'one-off' },
      phased: { order: 'phased' },
      random: { order: 'random' },
      reversed: { order: 'reversed' },
    },
    control: 'one-off',
    seeds: 3,
    budget: 1200,
    executor: { threads: 1, ...executor },
  };
  const file = join(home, 'study.yaml');
  writeFileSync(file, JSON.stringify(study));
  return file;
}

/** Starts a study by the program. */
function start(home: string, name: string, executor: object, environment: NodeJS.ProcessEnv) {
  const out = join(home, name);
  const args = ['ablate', writeStudyFile(home, executor), '--out', out];
  const child = spawn(process.execPath, [...PROGRAM, ...args], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = once(child, 'exit').then(([code]) => ({ code, said }));
  return { out, ended, child };
}

/** SHA-256 of the adapters and losses of all cells, by path: what must be the same wherever they ran. */
function outcome(out: string): Record<string, string> {
  const paths = readdirSync(join(out, 'cells'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?:adapter_model\.safetensors|adapter_config\.json|held-out\.jsonl)$/.test(path),
  );
  const hashOf = (path: string) =>
    createHash('sha256')
      .update(readFileSync(join(out, 'cells', path)))
      .digest('hex');
  return Object.fromEntries(paths.map((path) => [path, hashOf(path)]));
}

const countOf = (lines: readonly string[], pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;

withCluster(
  'twelve cells, disturbed in every way, are done once each with the bytes of a local run',
  async (cluster) => {
    const home = temporaryFolder('slurm');
    const sbatch = hungSbatch(cluster);
    const { out, ended, child } = start(
      home,
      'slurm',
      { kind: 'slurm', parallel: 4, slurm: { partition: 'low', cpus: 1, time: 30 } },
      sbatch.environment,
    );
    let left: { code: number | null; said: string } | undefined;
    void ended.then((end) => (left = end));
    const look = async <T>(act: () => Promise<T | undefined>): Promise<T | undefined> => {
      if (left) throw new Error(`ablate ended with ${left.code}: ${left.said}`);
      return act();
    };
    try {
      const disturbed = new Set<string>();
      /** Does that to three cells that compute, whatever the command says, and waits until each was put back once. */
      const disturbThree = async (what: string, act: (id: string) => Promise<unknown>) => {
        const mine = new Set<string>();
        await found(`three ${what}`, () =>
          look(async () => {
            const log = cluster.log().join('\n');
            const back = [...mine].filter((id) => log.includes(`Requeuing JobId=${id}(`));
            if (back.length >= 3) return true;
            const there = await computing(cluster, out);
            // One that ended instead is not among them, and another takes its place.
            const pending = there.filter((id) => mine.has(id) && !back.includes(id));
            const fresh = there.find((id) => !disturbed.has(id));
            if (!fresh || pending.length + back.length >= 3) return undefined;
            for (const ids of [mine, disturbed]) ids.add(fresh);
            await act(fresh).catch(() => {});
            return undefined;
          }),
        );
      };
      await disturbThree('requeued', (id) => cluster.run('scontrol', 'requeue', id));
      await disturbThree('warned', (id) => cluster.run('timeout', '2', 'scancel', '--signal=USR2', id));
      await found('four that compute', () =>
        look(async () => ((await computing(cluster, out)).length === 4 ? true : undefined)),
      );
      await cluster.run('sbatch', '-p', 'high', '-c', '2', '-o', '/dev/null', '--wrap', 'sleep 1');
      await found('two that are preempted', () =>
        look(async () => (countOf(cluster.log(), /^\S+ preempted JobId=/) >= 2 ? true : undefined)),
      );
      // Not while a step is asked for: a new controller that does not know its nodes yet has it wait for minutes.
      await found('all that run compute', () =>
        look(async () => {
          const running = await cluster.run('squeue', '-h', '-r', '-t', 'RUNNING,COMPLETING', '-o', '%i');
          const count = (await computing(cluster, out)).length;
          return count > 1 && running.trim().split('\n').length === count ? true : undefined;
        }),
      );
      await cluster.controller('restart');

      const { code, said } = await ended;
      expect(code, said).toBe(0);
      expect(said).toContain('12 of 12 cells');
      expect(said).toContain('it is not clear whether Slurm took');
    } finally {
      child.kill('SIGTERM');
    }

    // Submitted once, and started once for each time that it was put back.
    expect(sbatch.calls()).toBe(1);
    expect(countOf(cluster.log(), /_slurm_rpc_submit_batch_job: JobId=/)).toBe(2);
    const requeued = countOf(cluster.log(), /\] Requeuing JobId=\d+_/);
    expect(requeued).toBeGreaterThanOrEqual(8);
    const launched = readFileSync(join(cluster.folder, 'log/slurmd'), 'utf8').split('\n');
    expect(countOf(launched, /Launching batch job/)).toBe(12 + 1 + requeued);
    const cells = readFileSync(join(out, 'cells.jsonl'), 'utf8').trim().split('\n');
    for (const line of cells) {
      const attempts = readFileSync(join(out, 'cells', JSON.parse(line).id, 'attempts.jsonl'), 'utf8')
        .trim()
        .split('\n');
      expect(attempts.map((attempt) => JSON.parse(attempt).event)).toEqual(['begin', 'end']);
    }

    const local = start(home, 'local', { kind: 'local', parallel: 2 }, process.env);
    const { code, said } = await local.ended;
    expect(code, said).toBe(0);
    const [there, here] = [outcome(out), outcome(local.out)];
    expect(Object.keys(there).length).toBeGreaterThanOrEqual(3 * 12);
    expect(there).toEqual(here);
    const resultsOf = (folder: string) => {
      const { study: _, ...results } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
      return results;
    };
    expect(resultsOf(out)).toEqual(resultsOf(local.out));
  },
  { timeoutMs: 1_800_000 },
);
