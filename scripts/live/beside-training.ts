/**
 * What a live page costs a training, and what becomes of each when the other is killed. Pairs of the
 * same training, with `--watch` and a reader of its page, and without; then one whose page is
 * killed, and one that is killed itself. Needs `npm run build`.
 *
 *     npx tsx scripts/live/beside-training.ts [--pairs 3] [--steps 1000] [--model models/tiny-llama] [--json]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: given } = parseArgs({
  options: {
    pairs: { type: 'string', default: '3' },
    steps: { type: 'string', default: '1000' },
    model: { type: 'string', default: 'models/tiny-llama' },
    rows: { type: 'string', default: 'datasets/demo/raw.jsonl' },
    json: { type: 'boolean', default: false },
  },
});

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const home = await mkdtemp(join(tmpdir(), 'phasetune-beside-'));

/** Starts phasetune; what it prints on standard error is collected. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = { text: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => (said.text += text));
  // Not `close`: the page keeps nothing of this process open, and yet a defect must not hang the script.
  const ended = new Promise<number | string>((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal!)));
  return { child, said, ended };
}

const must = async (...args: string[]) => {
  const { said, ended } = start(...args);
  if ((await ended) !== 0) throw new Error(`${args.join(' ')}: ${said.text}`);
};

const trainArgs = (out: string) => {
  const lengths = ['--steps', given.steps, '--log-every', '1', '--on-spike', 'skip'];
  const paths = ['--model', given.model, '--data', join(home, 'staged'), '--out', out];
  return ['train', ...paths, ...lengths, '--order', 'one-off', '--seed', '1', '--device', 'cpu'];
};

/** The address of the page that a training started, once it is printed. */
async function addressOf({ said, child }: { said: { text: string }; child: ChildProcess }): Promise<URL> {
  for (;;) {
    const [, url] = /live page: (\S+)/.exec(said.text) ?? [];
    if (url) return new URL(url);
    if (child.exitCode !== null) throw new Error(`it ended without a page: ${said.text}`);
    await sleep(50);
  }
}

/** Reads the events of a page until it ends; resolves to the last state, and the bytes that came. */
const follow = (url: URL) =>
  new Promise<{ state: string; bytes: number; messages: number }>((resolve, reject) => {
    get(new URL('events', url), (response) => {
      const read = { state: '', bytes: 0, messages: 0 };
      let rest = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        read.bytes += text.length;
        const parts = (rest + text).split('\n\n');
        rest = parts.pop()!;
        for (const part of parts) {
          const [, data] = /^event: sections\n(?:id: \d+\n)?data: (.*)$/s.exec(part) ?? [];
          if (data === undefined) continue;
          read.messages++;
          read.state = JSON.parse(data).state;
        }
      });
      response.on('close', () => resolve(read));
    }).on('error', reject);
  });

/** The process of the page: the child of the training that is no thread of it. */
async function pageOf(training: number): Promise<number> {
  const children = await readFile(`/proc/${training}/task/${training}/children`, 'utf8');
  for (const pid of children.trim().split(/\s+/).map(Number)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (command.split('\0').includes('watch')) return pid;
  }
  throw new Error('the page has no process');
}

/** Time that a process has computed, in seconds (fields 14 and 15 of proc_pid_stat(5), 100 ticks a second). */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields ? (Number(fields[11]) + Number(fields[12])) / 100 : Number.NaN;
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const gone = async (pid: number): Promise<void> => {
  while (alive(pid)) await sleep(50);
};

interface Trained {
  readonly tokensPerSecond: number;
  readonly adapter: string;
}

async function resultOf(out: string): Promise<Trained> {
  const { tokensPerSecond } = JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));
  const adapter = await readFile(join(out, 'adapter', 'adapter_model.safetensors'));
  return { tokensPerSecond, adapter: createHash('sha256').update(adapter).digest('hex') };
}

async function plain(name: string): Promise<Trained> {
  await must(...trainArgs(join(home, name)));
  return resultOf(join(home, name));
}

async function watched(name: string): Promise<Trained & Record<string, unknown>> {
  const started = start(...trainArgs(join(home, name)), '--watch');
  const url = await addressOf(started);
  const reading = follow(url);
  const page = await pageOf(started.child.pid!);
  let cpu = 0;
  const timer = setInterval(async () => {
    const now = await cpuSeconds(page);
    if (now > cpu) cpu = now;
  }, 200);
  const code = await started.ended;
  const read = await reading;
  clearInterval(timer);
  await gone(page);
  if (code !== 0) throw new Error(started.said.text);
  return { ...(await resultOf(join(home, name))), ...read, pageCpuSeconds: cpu };
}

/** Steps that a run has reported so far. */
const stepsIn = async (out: string): Promise<number> =>
  (await readFile(join(out, 'events.jsonl'), 'utf8').catch(() => '')).split('"type":"step"').length - 1;

/** Kills the page, or the training, in the middle, and says what became of the other. */
async function killed(which: 'page' | 'training'): Promise<Record<string, unknown>> {
  const out = join(home, `killed-${which}`);
  const started = start(...trainArgs(out), '--watch');
  const url = await addressOf(started);
  const page = await pageOf(started.child.pid!);
  const reading = follow(url).catch(() => ({ state: 'cut off', bytes: 0, messages: 0 }));
  while ((await stepsIn(out)) < Number(given.steps) / 4) await sleep(50);
  process.kill(which === 'page' ? page : started.child.pid!, 'SIGKILL');
  const code = await started.ended;
  const { state } = await reading;
  await gone(page);
  if (which === 'training') return { training: code, lastStateOfPage: state, pageEnded: true };
  return { training: code, ...(await resultOf(out)) };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

try {
  await must('data', 'import', given.rows, '--out', join(home, 'rows.jsonl'));
  await must('score', join(home, 'rows.jsonl'), '--out', join(home, 'scored.jsonl'), '--scorer', 'length');
  await must('stage', join(home, 'scored.jsonl'), '--out', join(home, 'staged'), '--stages', '3', '--by', 'rows');
  const [without, with_]: [Trained[], (Trained & Record<string, unknown>)[]] = [[], []];
  for (let i = 0; i < Number(given.pairs); i++) {
    // Which is first alternates: the machine may become slower or faster meanwhile.
    for (const kind of i % 2 === 0 ? ['plain', 'watched'] : ['watched', 'plain']) {
      if (kind === 'plain') without.push(await plain(`plain-${i}`));
      else with_.push(await watched(`watched-${i}`));
    }
    const [a, b] = [without[i]!, with_[i]!];
    console.error(
      `pair ${i + 1}: ${a.tokensPerSecond.toFixed(0)} tokens/s alone, ${b.tokensPerSecond.toFixed(0)} watched`,
    );
  }
  const ratios = with_.map((one, i) => one.tokensPerSecond / without[i]!.tokensPerSecond);
  const page = await killed('page');
  const result = {
    tokensPerSecond: {
      alone: without.map((one) => one.tokensPerSecond),
      watched: with_.map((one) => one.tokensPerSecond),
    },
    medianRatio: median(ratios),
    pages: with_.map(({ messages, bytes, state, pageCpuSeconds }) => ({ messages, bytes, state, pageCpuSeconds })),
    sameAdapters: new Set([...without, ...with_, page].map(({ adapter }) => adapter)).size === 1,
    pageKilled: page,
    trainingKilled: await killed('training'),
  };
  console.log(JSON.stringify(result, undefined, given.json ? undefined : 2));
} finally {
  await rm(home, { recursive: true, force: true });
}
