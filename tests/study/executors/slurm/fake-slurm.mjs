// Pretends to be Slurm: `fake-slurm.mjs PROGRAM ARGUMENT…` with its state in the folder FAKE_SLURM. `sbatch` starts a
// process that runs the tasks of the array with the script as it is, at most as many at once as the array says. What
// goes wrong is in `faults/PROGRAM`, a word a line, of which every call takes one.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const { FAKE_SLURM: home } = process.env;
const [program, ...args] = process.argv.slice(2);
const readConfig = () => JSON.parse(readFileSync(join(home, 'config.json'), 'utf8'));
const config = readConfig();
const ENDED = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'TIMEOUT', 'NODE_FAIL', 'PREEMPTED', 'OUT_OF_MEMORY']);

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const write = (path, text) => {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
};
const taskPath = (id) => join(home, 'tasks', id);
const task = (id) => JSON.parse(readFileSync(taskPath(id), 'utf8'));
const change = (id, changes) => write(taskPath(id), JSON.stringify({ ...task(id), ...changes }));
const tasks = () =>
  readdirSync(join(home, 'tasks'))
    .filter((name) => /^\d+_\d+$/.test(name))
    .map(task);
const never = () => setInterval(() => {}, 1000);
/** Whether jobs that come late are there: once `sbatch` was asked again. */
const cameLate = () => read(join(home, 'calls.jsonl')).split('"program":"sbatch"').length > 2;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const fail = (text, status = 1) => {
  console.error(text);
  process.exit(status);
};

/** The next thing that goes wrong with this program. */
function fault() {
  const path = join(home, 'faults', program);
  const [first, ...rest] = read(path).split('\n');
  if (first) writeFileSync(path, rest.join('\n'));
  return first ?? '';
}

const optionOf = (name) => {
  const i = args.indexOf(name);
  return i < 0 ? undefined : args[i + 1];
};

/** `7_[0-1,3]`, `7_2`, `7`: ids of tasks that are there. */
function idsOf(words) {
  return words.flatMap((word) => {
    const [, array, list] = /^(\d+)(?:_\[?([\d,-]+)\]?)?$/.exec(word);
    const numbers = list?.split(',').flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
    return tasks().filter((each) => each.array === array && (numbers?.includes(each.task) ?? true));
  });
}

function optionsOf(script) {
  const options = {};
  for (const [, name, value = ''] of script.matchAll(/^#SBATCH --([\w-]+)(?:=(.*))?$/gm)) options[name] = value;
  return options;
}

async function sbatch(wrong) {
  if (wrong === 'refuse') {
    console.error('sbatch: error: invalid partition specified: nope');
    fail('sbatch: error: Batch job submission failed: Invalid partition name specified');
  }
  if (wrong === 'fail-before') fail('sbatch: error: Batch job submission failed: Unable to contact slurm controller');
  if (wrong === 'hang-before') return never();
  const script = resolve(args.at(-1));
  const options = optionsOf(readFileSync(script, 'utf8'));
  const [, last, parallel = '9999'] = /^0-(\d+)(?:%(\d+))?$/.exec(options.array);
  if (Number(last) >= config.maxArraySize)
    fail('sbatch: error: Batch job submission failed: Invalid job array specification');
  const array = String(Number(read(join(home, 'next')) || 37));
  const count = Number(last) + 1;
  writeFileSync(join(home, 'next'), String(Number(array) + count));
  const runner = spawn(process.execPath, [process.argv[1], 'runner', array, parallel, String(wrong === 'late')], {
    detached: true,
    stdio: 'ignore',
    env: process.env,
  });
  runner.unref();
  writeFileSync(join(home, 'pids', String(runner.pid)), '');
  for (let i = 0; i < count; i++) {
    const id = `${array}_${i}`;
    const job = String(i === count - 1 ? array : Number(array) + i + 1);
    const made = {
      id,
      array,
      job,
      task: i,
      name: options['job-name'],
      state: 'PENDING',
      reason: 'Priority',
      restarts: 0,
    };
    const hidden = wrong === 'late';
    write(
      taskPath(id),
      JSON.stringify({ ...made, options, script, cwd: process.cwd(), submitted: Date.now(), hidden }),
    );
  }
  if (wrong === 'hang-after') return never();
  if (wrong === 'fail-after' || wrong === 'late')
    fail('sbatch: error: Batch job submission failed: Socket timed out on send/recv operation');
  console.log(array);
}

/** Runs the tasks of an array until all have ended. */
async function runner() {
  const [array, parallel, late] = args;
  while (late === 'true' && !cameLate()) await sleep(15);
  const running = new Map();
  for (;;) {
    const mine = tasks().filter((each) => each.array === array);
    if (mine.length > 0 && mine.every(({ state }) => ENDED.has(state)) && running.size === 0) return;
    for (const each of mine)
      if (
        each.state === 'PENDING' &&
        running.size < Number(parallel) &&
        Date.now() >= (each.after ?? 0) &&
        !readConfig().hold
      )
        running.set(each.id, start(each, running));
    await sleep(15);
  }
}

function start({ id, array, job, task: number, script, cwd, options, restarts }, running) {
  change(id, { state: 'RUNNING', reason: 'None', wants: undefined });
  const output = openSync(join(cwd, options.output.replace('%a', String(number))), 'a');
  const environment = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, FAKE_SLURM: home, TMPDIR: process.env.TMPDIR ?? '/tmp' },
    ...{ SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: String(number), SLURM_JOB_ID: job },
    ...(options['cpus-per-task'] && { SLURM_CPUS_PER_TASK: options['cpus-per-task'] }),
    ...(restarts > 0 && { SLURM_RESTART_COUNT: String(restarts) }),
  };
  const child = spawn('bash', [script], { cwd, env: environment, detached: true, stdio: ['ignore', output, output] });
  writeFileSync(join(home, 'pids', String(child.pid)), '');
  change(id, { pid: child.pid });
  child.on('exit', (code, signal) => {
    const { wants } = task(id);
    const state = wants ?? (code === 0 ? 'COMPLETED' : 'FAILED');
    const { name, submitted } = task(id);
    appendFileSync(
      join(home, 'accounts'),
      `${id}|${state === 'REQUEUE' ? 'REQUEUED' : state}|${name}|${new Date(submitted).toISOString().slice(0, 23)}\n`,
    );
    rmSync(join(home, 'steps', id), { force: true });
    const again = state === 'REQUEUE' || (state === 'PREEMPTED' && !config.preemptCancels);
    if (again) change(id, { state: 'PENDING', reason: 'BeginTime', restarts: restarts + 1, submitted: Date.now() });
    else change(id, { state, ended: Date.now(), exit: code ?? signal });
    running.delete(id);
  });
  return child;
}

const kill = (pid, signal) => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
};

/** Ends the process of a task's step, or asks it to. */
const signalStep = (id, signal) => {
  const pid = Number(read(join(home, 'steps', id)));
  if (pid > 0) kill(pid, signal);
};

const signalTask = (id, signal) => {
  signalStep(id, signal);
  kill(task(id).pid, signal);
};

function squeue(wrong) {
  if (wrong === 'hang') return never();
  if (wrong === 'fail') fail('slurm_load_jobs error: Socket timed out on send/recv operation');
  if (wrong === 'empty') return;
  const names = optionOf('--name')?.split(',');
  const said = JSON.parse(read(join(home, 'said.json')) || '{}');
  const all = tasks();
  for (const { id, array, state, name, reason, ended, hidden, unseen } of all) {
    // Where all that waited were cancelled, one line stands for them; otherwise there is none.
    const first = all.find((each) => each.array === array && each.unseen);
    const started = all.some((each) => each.array === array && !each.unseen);
    if (unseen && (started || first.id !== id)) continue;
    if (names && !names.includes(name)) continue;
    if ((hidden && !cameLate()) || (ended !== undefined && Date.now() - ended > config.minJobAgeMs)) continue;
    if (args.includes('-p')) continue;
    console.log(`${unseen ? array : id}|${said[id] ?? state}|${name}|${reason}`);
  }
}

function sacct(wrong) {
  if (!config.accounting) fail('Slurm accounting storage is disabled');
  if (wrong === 'fail') fail('sacct: error: slurm_persist_conn_open_without_init: failed to open connection');
  // It shows what began since midnight, unless it is told otherwise.
  if (!optionOf('--starttime')) return;
  const names = optionOf('--name').split(',');
  const shown = new Set();
  for (const line of read(join(home, 'accounts')).split('\n').filter(Boolean)) {
    const [id, , name] = line.split('|');
    if (!names.includes(name)) continue;
    // Without -D it shows the first try of a task only.
    if (!args.includes('-D') && shown.has(id)) continue;
    shown.add(id);
    console.log(line);
  }
}

function scontrol() {
  const [verb, what, id = what] = args;
  if (verb === 'show' && what === 'config') {
    console.log(`MaxArraySize            = ${config.maxArraySize}`);
    console.log(`MinJobAge               = ${Math.round(config.minJobAgeMs / 1000)} sec`);
    console.log(`AccountingStorageType   = accounting_storage/${config.accounting ? 'slurmdbd' : 'none'}`);
  } else if (verb === 'show') {
    const { state, restarts, wants } = task(id);
    const shown = wants === undefined ? state : 'COMPLETING';
    console.log(
      `JobId=${id}\n   JobState=${shown} Reason=None\n   Restarts=${restarts + (wants === 'PREEMPTED' ? 1 : 0)}`,
    );
  } else if (verb === 'requeue') {
    change(id, { wants: 'REQUEUE' });
    kill(task(id).pid, 'SIGTERM');
  }
}

function scancel() {
  const states = args.find((each) => each.startsWith('--state='))?.slice(8);
  const signal = args.find((each) => each.startsWith('--signal='))?.slice(9);
  // All tasks that wait are one record, of which `--state` takes all.
  const words = args.filter((each) => !each.startsWith('-')).map((each) => (states ? each.replace(/_.*/, '') : each));
  for (const { id, state, ended } of idsOf(words)) {
    if (ended !== undefined || (states && states !== state)) continue;
    if (state === 'PENDING') change(id, { state: 'CANCELLED', ended: Date.now(), unseen: true });
    else if (signal) signalStep(id, `SIG${signal}`);
    else {
      change(id, { wants: 'CANCELLED' });
      signalTask(id, 'SIGTERM');
    }
  }
}

/** Not a program of Slurm: what a test has happen to a task. */
async function happen() {
  const [what, id] = args;
  if (what === 'preempt') {
    change(id, { wants: 'PREEMPTED' });
    signalTask(id, 'SIGTERM');
  } else if (what === 'CANCELLED-by-hand') {
    change(id, { wants: 'CANCELLED' });
    signalTask(id, 'SIGTERM');
  } else {
    // The node is gone, or the time is up: nobody gets to say anything.
    change(id, { wants: what });
    signalStep(id, 'SIGKILL');
    kill(-task(id).pid, 'SIGKILL');
  }
}

for (const folder of ['tasks', 'faults', 'steps', 'pids']) mkdirSync(join(home, folder), { recursive: true });
if (program !== 'runner') {
  const slurm = Object.keys(process.env).filter((name) => /^(SLURM|SBATCH|SRUN)_/.test(name));
  appendFileSync(join(home, 'calls.jsonl'), `${JSON.stringify({ program, args, slurm })}\n`);
}
await { sbatch, runner, squeue, sacct, scontrol, scancel, happen }[program](program === 'runner' ? '' : fault());
