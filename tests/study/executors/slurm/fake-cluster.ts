import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Executor } from '../../../../src/study/executors/executor.js';
import type { OpenSlurm } from '../../../../src/study/executors/slurm/open.js';
import { openSlurm } from '../../../../src/study/executors/slurm/open.js';
import type { Study } from '../../../../src/study/study-record.js';
import { temporaryFolder } from '../../../helpers/folder.js';
import { ROOT } from '../../../helpers/program.js';
import { FAKE_CELL } from '../../fake.js';

/** A call of one of Slurm's programs. */
interface Call {
  readonly program: string;
  readonly args: readonly string[];
  /** Names of the variables of Slurm that it got. */
  readonly slurm: readonly string[];
}

/** A task of an array as the cluster has it. */
interface FakeTask {
  readonly id: string;
  readonly array: string;
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
  readonly options: Readonly<Record<string, string>>;
}

/** A cluster of programs that pretend to be Slurm's, see `fake-slurm.mjs`. */
export interface FakeCluster {
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
  /** What goes wrong with the next calls of a program, one after another; an empty word is a call that works. */
  fault(program: string, ...wrong: string[]): void;
  /** States that `squeue` says, by task, instead of the true ones. */
  say(states: Readonly<Record<string, string>>): void;
  calls(program: string): Call[];
  tasks(): FakeTask[];
  /** Has something happen to a task: `preempt`, `NODE_FAIL`, `TIMEOUT`. */
  happen(what: string, task: string): void;
  configure(config: Partial<typeof CONFIG>): void;
  /** What `srun` was given, for each step. */
  steps(): string[];
  close(): void;
}

const CONFIG = { maxArraySize: 1001, minJobAgeMs: 300_000, accounting: false, preemptCancels: false, hold: false };

const SRUN = `#!/bin/sh
printf '%s\\n' "$*" >>"$FAKE_SLURM/srun"
while [ "\${1#--}" != "$1" ]; do shift; done
echo $$ >"$FAKE_SLURM/steps/\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
exec "$@"
`;

/** Starts such a cluster; `close` ends all that runs on it. */
export function fakeCluster(config: Partial<typeof CONFIG> = {}): FakeCluster {
  const home = temporaryFolder('slurm');
  const bin = join(home, 'bin');
  for (const folder of ['bin', 'tasks', 'faults', 'steps', 'pids']) mkdirSync(join(home, folder));
  const program = join(ROOT, 'tests/study/executors/slurm/fake-slurm.mjs');
  const put = (name: string, text: string) => {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  };
  for (const name of ['sbatch', 'squeue', 'sacct', 'scontrol', 'scancel'])
    put(name, `#!/bin/sh\nexec '${process.execPath}' '${program}' ${name} "$@"\n`);
  put('srun', SRUN);
  const environment = { PATH: `${bin}:${process.env.PATH}`, HOME: home, FAKE_SLURM: home };
  const configure = (changes: Partial<typeof CONFIG>) => {
    writeFileSync(join(home, 'config.tmp'), JSON.stringify({ ...CONFIG, ...config, ...changes }));
    renameSync(join(home, 'config.tmp'), join(home, 'config.json'));
  };
  const linesOf = (name: string) =>
    existsSync(join(home, name)) ? readFileSync(join(home, name), 'utf8').trim().split('\n').filter(Boolean) : [];
  configure({});
  return {
    home,
    environment,
    configure,
    fault: (name, ...wrong) => writeFileSync(join(home, 'faults', name), wrong.join('\n')),
    say: (states) => writeFileSync(join(home, 'said.json'), JSON.stringify(states)),
    calls: (name) =>
      linesOf('calls.jsonl')
        .map((line) => JSON.parse(line))
        .filter((call: Call) => call.program === name),
    tasks: () =>
      readdirSync(join(home, 'tasks'))
        .filter((name) => /^\d+_\d+$/.test(name))
        .map((name) => JSON.parse(readFileSync(join(home, 'tasks', name), 'utf8'))),
    happen: (what, task) => void execFileSync(process.execPath, [program, 'happen', what, task], { env: environment }),
    steps: () => linesOf('srun'),
    close() {
      const pids = [...readdirSync(join(home, 'pids'))].map(Number);
      const steps = readdirSync(join(home, 'steps')).map((name) =>
        Number(readFileSync(join(home, 'steps', name), 'utf8')),
      );
      for (const pid of [...pids, ...steps]) end(pid);
    },
  };
}

/** Ends a process and its group. */
function end(pid: number): void {
  for (const each of [-pid, pid])
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It has ended.
    }
}

/** Times for tests: nothing is waited for longer than it takes to tell one answer from the next. */
export const QUICK = { limitMs: 20_000, askMs: 60, soonMs: 60, lookMs: 10, lostMs: 400 };

/** An executor of a cluster whose cells only pretend to train. */
export const fakeSlurm = (cluster: FakeCluster, study: Study, given: Partial<OpenSlurm> = {}): Promise<Executor> =>
  openSlurm({
    study,
    options: { slurm: { time: 60 } },
    cellCommand: FAKE_CELL,
    environment: cluster.environment,
    timing: QUICK,
    ...given,
  });
