import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('cluster.sh', import.meta.url));

/** A Slurm of one node with four cores and the partitions `low` and `high`, of which the second preempts the first. */
export interface Cluster {
  readonly folder: string;
  /** What programs of Slurm need in their environment. */
  readonly environment: { readonly SLURM_CONF: string };
  /** What its controller has noted, line by line. */
  log(): string[];
  /** Runs a program of Slurm, or another, and gives what it printed. Throws where it fails. */
  run(program: string, ...args: string[]): Promise<string>;
  /** Stops the controller, starts it, or both; jobs that run go on. */
  controller(what: 'down' | 'up' | 'restart'): Promise<void>;
  /** For so long the controller takes what it is sent, and does not answer. */
  hang(ms: number): Promise<void>;
}

const exec = promisify(execFile);

/** Starts a Slurm, which ends with this process at the latest; a text says why it cannot start. */
function startCluster(lines: readonly string[]): Cluster | string {
  const { status, stdout, stderr } = spawnSync(SCRIPT, ['start', '--for', `${process.pid}`, ...lines], {
    encoding: 'utf8',
  });
  if (status !== 0) return stderr.trim() || `${SCRIPT} ended with ${status}`;
  const folder = stdout.trim();
  const environment = { SLURM_CONF: join(folder, 'slurm.conf') };
  return {
    folder,
    environment,
    log: () => readFileSync(join(folder, 'log/slurmctld'), 'utf8').split('\n'),
    async run(program, ...args) {
      const { stdout } = await exec(program, args, { env: { ...process.env, ...environment } });
      return stdout;
    },
    async controller(what) {
      await exec(SCRIPT, [what, folder]);
    },
    async hang(ms) {
      const controller = Number(readFileSync(join(folder, 'slurmctld.pid'), 'utf8'));
      process.kill(controller, 'SIGSTOP');
      try {
        await new Promise((resolve) => setTimeout(resolve, ms));
      } finally {
        process.kill(controller, 'SIGCONT');
      }
    },
  };
}

/** One for all tests of a file. */
let cluster: Cluster | string | undefined;

function stopCluster(): void {
  if (typeof cluster === 'object') spawnSync(SCRIPT, ['stop', cluster.folder], { stdio: 'ignore' });
  cluster = undefined;
}

/** The default reporter counts skipped tests without their reasons. */
const warnSkipped = (name: string, why: string) => console.warn(`skipped: ${name}: ${why}`);

/** Has `register` register tests of a real Slurm; where there is none, one test is skipped, with the reason. */
export function onCluster(name: string, register: (cluster: Cluster) => void): void {
  const started = startCluster([]);
  cluster = started;
  if (typeof started === 'object') {
    afterAll(stopCluster, 60_000);
    register(started);
  } else {
    warnSkipped(name, started);
    // Not test.skip: hooks of a file run only where a test does.
    test(name, ({ skip }) => skip(started));
  }
}

/**
 * `withCluster('name', …)`: a test on a real Slurm, which the first of a file starts. It is skipped, with the reason,
 * where Slurm is not installed or cannot start.
 */
export function withCluster(
  name: string,
  run: (cluster: Cluster) => Promise<void>,
  {
    timeoutMs,
    lines = [],
  }: { readonly timeoutMs?: number /** Of slurm.conf. */; readonly lines?: readonly string[] } = {},
): void {
  // Registered for each file: vitest may keep this module for the next one.
  afterAll(stopCluster, 60_000);
  test(
    name,
    async ({ skip }) => {
      cluster ??= startCluster(lines);
      if (typeof cluster === 'string') {
        warnSkipped(name, cluster);
        skip(cluster);
      } else await run(cluster);
    },
    timeoutMs,
  );
}
