import { spawn } from 'node:child_process';
import process from 'node:process';
import { PhasetuneError } from '../../../core/errors.js';

/** What one of Slurm's commands said. */
export interface Said {
  /** Exit status; null where it was killed, since it took too long for instance. */
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs one of Slurm's commands. Throws where there is no such program. */
export type SlurmCommand = (
  program: 'sbatch' | 'squeue' | 'sacct' | 'scontrol' | 'scancel',
  args: readonly string[],
  folder?: string,
) => Promise<Said>;

/** Longest answer that is kept, in characters: a hundred bytes a job. */
const MOST = 1 << 24;

/**
 * Longest time of `scancel`, which otherwise retries for minutes where a job is just being started, and signals it
 * again once it runs.
 */
const SCANCEL_MS = 10_000;

/** How commands are run. */
export interface CommandSettings {
  readonly environment: NodeJS.ProcessEnv;
  /** Milliseconds after which a command that has not answered is killed. */
  readonly limitMs: number;
}

/**
 * Runs Slurm's commands, each in a process group of its own, so that an interrupt on the terminal does not cut a
 * submission off.
 */
export function slurmCommand({ environment, limitMs }: CommandSettings): SlurmCommand {
  const env = withoutSlurm(environment);
  return (program, args, folder) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, { env, cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      const said = { out: '', err: '' };
      for (const [stream, name] of [
        [child.stdout, 'out'],
        [child.stderr, 'err'],
      ] as const)
        stream.setEncoding('utf8').on('data', (text: string) => {
          said[name] = (said[name] + text).slice(-MOST);
        });
      const timer = setTimeout(
        () => {
          if (child.pid !== undefined) killGroup(child.pid);
          // Something it started may hold its output open.
          child.stdout.destroy();
          child.stderr.destroy();
        },
        Math.min(limitMs, program === 'scancel' ? SCANCEL_MS : limitMs),
      );
      child.on('error', (cause: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        if (cause.code === 'ENOENT') reject(missing(program, cause));
        // No processes left, say: it gives no information.
        else resolve({ status: null, out: '', err: cause.message });
      });
      child.on('close', (status) => {
        clearTimeout(timer);
        resolve({ status, ...said });
      });
    });
}

/**
 * What of an environment Slurm's commands see. The variables of a job in which this process runs would change what is
 * submitted: its number of tasks, its memory, its binding to cores.
 */
const withoutSlurm = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) =>
        name === 'SLURM_CONF' || !/^(?:SLURM|SBATCH|SRUN|SQUEUE|SACCT|SCANCEL|SCONTROL|PMI|SALLOC)/.test(name),
    ),
  );

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const missing = (program: string, cause: unknown) =>
  new PhasetuneError(
    'failed',
    `cannot start ${program}: there is no such program; run this on a machine that submits jobs to Slurm`,
    { errno: 'ENOENT' },
    { cause },
  );
