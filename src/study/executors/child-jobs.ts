import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { PhasetuneError } from '../../core/errors.js';
import { openLog } from '../../io/log-file.js';
import type { CellJob, Executor, JobEnd, JobState } from './executor.js';
import { type KillWatch, watchKills } from './kill-watch.js';
import { lastSaidIn } from './last-said.js';

/** How a job is started as a process of this machine. */
export interface ChildCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /**
   * `process`: phasetune itself, with a channel to this process, by whose end it knows that this one is gone.
   * `group`: a shell with what it started, all of which are asked to stop.
   */
  readonly asks: 'process' | 'group';
}

interface Job {
  readonly child: ChildProcess;
  readonly asks: ChildCommand['asks'];
  readonly gone: Promise<void>;
  end?: JobEnd;
}

/**
 * An executor of processes on this machine, one a job, each in a process group of its own: an interrupt on the terminal
 * reaches only this process, which decides what becomes of them. What they print is appended to the job's log. If this
 * process exits while some are left, they are ended.
 */
export function childJobs(kind: string, slots: number, commandOf: (job: CellJob) => ChildCommand): Executor {
  const jobs = new Map<number, Job>();
  const kills = watchKills();
  const endAll = () => {
    for (const job of jobs.values()) signal(job, 'SIGKILL', 'group');
  };
  process.on('exit', endAll);
  return {
    kind,
    slots,
    batchSize: 1,
    async submit(given) {
      for (const job of given) {
        const { index } = job.cell;
        if (jobs.has(index)) throw new Error(`cell ${index} was submitted already`);
        jobs.set(index, await startJob(job, commandOf(job), kills));
      }
    },
    async poll() {
      kills.look();
      const states = new Map<number, JobState>();
      for (const [index, { end }] of jobs) {
        states.set(index, end ?? { state: 'running' });
        if (end) jobs.delete(index);
      }
      return states;
    },
    async cancel(indices, how) {
      for (const job of indices.map((index) => jobs.get(index)))
        if (job) signal(job, how === 'now' ? 'SIGKILL' : 'SIGTERM', how === 'now' ? 'group' : job.asks);
    },
    async close() {
      endAll();
      await Promise.all([...jobs.values()].map(({ gone }) => gone));
      process.off('exit', endAll);
    },
  };
}

/** Sends a signal to a job's process, or to all of its group, unless it has ended. */
function signal({ child, end }: Job, name: NodeJS.Signals, to: ChildCommand['asks']): void {
  if (end || child.pid === undefined) return;
  try {
    process.kill(to === 'group' ? -child.pid : child.pid, name);
  } catch (error) {
    // It ended just now.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function startJob({ log }: CellJob, command: ChildCommand, kills: KillWatch): Promise<Job> {
  const { program, args, environment, asks } = command;
  const output = await openLog(log);
  try {
    const child = spawn(program, args, {
      env: environment,
      detached: true,
      stdio: ['ignore', output.file, output.file, ...(asks === 'process' ? (['ipc'] as const) : [])],
    });
    await started(child, program);
    // What cannot be sent to a process that is gone shows in its end.
    child.on('error', () => {});
    const gone = new Promise<void>((resolve) => {
      child.on('exit', (code, ended) => void end(code, ended).then(resolve));
    });
    const job: Job = { child, asks, gone };
    const end = async (code: number | null, ended: string | null) => {
      const outOfMemory = ended === 'SIGKILL' && kills.killedLately();
      job.end = {
        state: 'ended',
        code,
        signal: ended,
        lastLine: await lastSaidIn(log),
        outOfMemory,
      };
    };
    return job;
  } finally {
    await output.close();
  }
}

const started = (child: ChildProcess, program: string): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'there is no such program' : cause.message;
      reject(new PhasetuneError('failed', `cannot start ${program}: ${why}`, { errno: cause.code }, { cause }));
    });
  });
