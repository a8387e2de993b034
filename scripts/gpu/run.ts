/**
 * Everything that needs an NVIDIA card, with one command, which builds and sets up what is missing:
 *
 *     npm run test:gpu [-- --out FILE] [--only NAME,…] [--limit SECONDS] [--peer-python FILE]
 *
 * On the card it runs the contract suite, the numbers of PyTorch and PEFT, its own tests
 * (tests/gpu), the benches and a small training from end to end, and beside the steps PEFT on the
 * same card, for which it needs a Python with torch, transformers and peft. What came of each is
 * written as a JSON line to FILE as it comes, and printed as one table at the end. `--only` picks
 * among tests, matmul, step, decode, train, demo, peers. What does not fit into the limit is listed
 * as not run. CUDA_VISIBLE_DEVICES chooses among several cards. It fails where there is no card or
 * TensorFlow does not use it, where a test fails or is skipped, and where a bench fails or runs on
 * something else than the card.
 */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findCard, oldDriver, platformProblem } from '../../src/backend/native/detect.js';
import { PhasetuneError } from '../../src/core/errors.js';
import { wordRemedies } from '../../src/core/remedies.js';
import { machine } from '../bench/measure.js';
import { askCard, LEAST_MIB, usedMib, watched } from './card.js';
import { type Job, jobsIn, PARTS, type Part } from './jobs.js';
import { LEAST_S, limitOf } from './limit.js';
import { findPeer, peerCommand } from './peers.js';
import { type Row, table } from './table.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'gpu-results.jsonl' },
    only: { type: 'string', default: PARTS.join() },
    limit: { type: 'string' },
    'peer-python': { type: 'string' },
  },
});
const out = resolve(values.out);
const failures: string[] = [];
const rows: Row[] = [];
const only = wantedParts(values.only);
const limit = limitOf(secondsOf(values.limit));

function wantedParts(text: string): ReadonlySet<Part> {
  const names = text.split(',');
  const unknown = names.filter((name) => !PARTS.some((part) => part === name));
  if (unknown.length > 0) refuseUsage(`--only: expected ${PARTS.join(', ')}, got ${unknown.join(', ')}`);
  return new Set(names as Part[]);
}

function secondsOf(text: string | undefined): number | undefined {
  if (text !== undefined && !(Number(text) > 0)) refuseUsage(`--limit: expected seconds, got ${text}`);
  return text === undefined ? undefined : Number(text);
}

function refuseUsage(why: string): never {
  process.stderr.write(`error: ${why}\n`);
  process.exit(2);
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const record = (line: Readonly<Record<string, unknown>>): void => appendFileSync(out, `${JSON.stringify(line)}\n`);

const refusal = (why: string) =>
  new PhasetuneError('backend', `test:gpu needs an NVIDIA card, and nothing was tested: ${why}`);

/** Why nothing can be run here; undefined where there is a card. */
async function withoutCard(): Promise<string | undefined> {
  const platform = platformProblem();
  if (platform) return `${platform.what}; ${wordRemedies([platform.remedy])}`;
  const card = await findCard(process.env);
  if (!card) return 'there is none to be seen: make `nvidia-smi` list one (in a container: start it with `--gpus all`)';
  const old = oldDriver(card);
  if (old) return `${old.what}; ${wordRemedies([old.remedy])}`;
  try {
    usedMib();
  } catch (error) {
    return `its memory cannot be looked at: ${(error as Error).message.split('\n')[0]}`;
  }
  return undefined;
}

/** Runs a program; what it says goes to the terminal, its standard output too unless it is wanted. */
async function program(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; wanted?: boolean } = {},
) {
  const { env = process.env, wanted = false } = options;
  const { signal } = limit;
  const child = spawn(command, args, {
    ...{ cwd: root, env, stdio: ['ignore', wanted ? 'pipe' : 2, 2], killSignal: 'SIGKILL' },
    ...(signal && { signal }),
  });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', (error) => error.name === 'AbortError' || reject(error)).on('close', resolve),
  );
  if (signal?.aborted) throw new PhasetuneError('interrupted', 'cut off by the time limit');
  return { code, text };
}

/** Runs a program whose last line is JSON, and gives that. Throws where it fails. */
async function answer(name: string, command: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, text } = await program(command, args, { wanted: true });
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || !last.startsWith('{'))
    throw new PhasetuneError('backend', `${name} ended with ${code}${last ? `: ${last.slice(0, 500)}` : ''}`);
  return JSON.parse(last) as Record<string, unknown>;
}

/** Runs `phasetune ARGS --json`, and gives what it printed last. Throws where it fails. */
const phasetune = (args: readonly string[]) =>
  answer(`phasetune ${args[0]}`, process.execPath, [join(root, 'dist/cli/main.js'), ...args, '--json']);

/** Sets the library for cards up, and sees that it computes on one. */
async function ready(): Promise<void> {
  await phasetune(['setup', '--cuda']);
  const doctor = await phasetune(['doctor']);
  const problems = doctor.problems as { what: string; fix: string }[];
  const [name, driver, memory] = askCard('name', 'driver_version', 'memory.total');
  const { CUDA_VISIBLE_DEVICES = null, XLA_FLAGS = null, TF_XLA_FLAGS = null } = process.env;
  const env = { CUDA_VISIBLE_DEVICES, XLA_FLAGS, TF_XLA_FLAGS };
  writeFileSync(out, '');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const commit = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout?.trim() || null;
  record({
    kind: 'machine',
    phasetune: version,
    commit,
    ...machine(),
    card: { name, driver, memory_mib: Number(memory) },
    env,
    doctor,
  });
  for (const { what, fix } of problems) say(`problem: ${what}\n    fix: ${fix}`);
  if (doctor.device !== 'cuda')
    throw refusal(`TensorFlow computes on ${doctor.device} here (${problems[0]?.what ?? 'it does not say why'})`);
  failures.push(...problems.map(({ what }) => what));
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly duration?: number | null;
      readonly failureMessages?: readonly string[] | null;
    }[];
    readonly message?: string;
    readonly status: string;
  }[];
}

/** Runs the tests on the card and records each. One that was left out counts as one that failed. */
async function tests(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-gpu-'));
  const file = join(folder, 'report.json');
  const args = ['run', '--project', 'gpu', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const env = {
    ...process.env,
    PHASETUNE_TEST_DEVICE: 'cuda',
    PHASETUNE_GPU_RESULTS: out,
    PHASETUNE_GPU_IDLE_MIB: String(usedMib()),
  };
  const { value, card_mib } = await watched(() =>
    program(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], { env }),
  );
  const counts: Record<string, number> = {};
  try {
    const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report;
    for (const { name, assertionResults, status, message } of testResults) {
      const test_file = name.replace(root, '');
      if (assertionResults.length === 0 && status !== 'passed')
        record({ kind: 'test', file: test_file, status, message });
      for (const { fullName, status: is, duration, failureMessages } of assertionResults) {
        counts[is] = (counts[is] ?? 0) + 1;
        const seconds = Math.round(duration ?? 0) / 1000;
        record({ kind: 'test', file: test_file, name: fullName, status: is, seconds, messages: failureMessages ?? [] });
      }
    }
  } catch (error) {
    failures.push(`vitest left no report: ${(error as Error).message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const { passed = 0, ...others } = counts;
  record({ kind: 'tests', passed, ...others, exit_code: value.code, card_mib });
  const before = failures.length;
  for (const [status, count] of Object.entries(others)) failures.push(`${count} tests ${status}`);
  if (value.code !== 0 || passed === 0) failures.push(`vitest ended with ${value.code}, ${passed} tests passed`);
  const why = failures.slice(before).join('; ') || undefined;
  rows.push({ what: 'tests', state: why ? 'failed' : 'passed', figure: `${passed} passed`, why });
}

/** Adds a line to the table for what was cut off or not begun, which is no failure. */
function notRun(what: string, why: string): void {
  record({ kind: 'not run', what, why });
  rows.push({ what, state: 'not run', why });
}

/** Does something, unless the time is up or too short to begin. */
async function within(what: string, work: () => Promise<void>): Promise<void> {
  if (limit.left() < LEAST_S) return notRun(what, 'the time limit');
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PhasetuneError)) throw error;
    if (error.code === 'interrupted') return notRun(what, error.message);
    record({ kind: 'job', what, error: error.message });
    failures.push(error.message);
    rows.push({ what, state: 'failed', why: error.message });
  }
}

/** Runs a bench or the training in a separate process, and records what it prints and what PEFT did. */
async function job({ name, args: own, peers = [], expected }: Job, peer: Peer | undefined): Promise<void> {
  const args = [...own, '--device', 'cuda'];
  say(`\nphasetune ${args.join(' ')}`);
  const { value, card_mib } = await watched(() => phasetune(args));
  record({ kind: 'job', name, args, ...value, card_mib });
  const taken = card_mib.peak - card_mib.before;
  const elsewhere = (value.device ?? 'cuda') !== 'cuda' || taken < LEAST_MIB;
  const why = elsewhere
    ? `phasetune ${args.join(' ')} did not compute on the card: it took ${taken} MiB of it`
    : undefined;
  if (why) failures.push(why);
  const beside = peer && peers[0] ? peer.figures.get(peers[0].join(' ')) : undefined;
  const figure =
    tokensPerSecond(value) ?? (value.gflops ? `${Math.round(Number(value.gflops) / 100) / 10} TFLOP/s` : '');
  rows.push({
    ...{ what: name, state: why ? 'failed' : 'passed', figure, mib: taken, why, expected },
    ...(beside && { peer: beside.tokens, peerMib: beside.mib }),
  });
}

const tokensPerSecond = (value: Record<string, unknown>): number | undefined =>
  [value.tokens_per_s, value.tokensPerS].map(Number).find((number) => number > 0);

interface Peer {
  readonly figures: Map<string, { tokens: number; mib: number }>;
}

/** Runs PEFT on the same card for every step that is compared, before ours, so that each has the card to itself. */
async function runPeers(wanted: readonly Job[]): Promise<Peer> {
  const figures: Peer['figures'] = new Map();
  const all = wanted.flatMap(({ name, peers = [] }) => peers.map((args) => ({ args, what: peerName(name, args) })));
  const found = all.length > 0 ? findPeer(values['peer-python'], process.env) : { why: 'nothing to compare with' };
  if ('why' in found) {
    notRun('PEFT', found.why);
    say(`PEFT is not run: ${found.why}`);
    return { figures };
  }
  for (const { args, what } of all)
    await within(what, async () => {
      say(`\n${what}`);
      const value = await answer(what, found.python, peerCommand(root, args));
      record({ kind: 'peer', what, ...value });
      const [tokens, mib] = [Number(value.tokens_per_s), Number(value.peak_card_mib)];
      figures.set(args.join(' '), { tokens, mib });
      rows.push({ what, state: 'passed', figure: tokens, mib });
    });
  return { figures };
}

const peerName = (name: string, args: readonly string[]) =>
  `PEFT ${name.replace(/, .*/, '')}${args.includes('--compile') ? ', torch.compile' : ''}`;

async function main(): Promise<number> {
  const none = await withoutCard();
  if (none) throw refusal(none);
  await ready();
  if (only.has('tests')) await within('tests', tests);
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-gpu-'));
  const wanted = jobsIn(folder).filter(({ part }) => only.has(part));
  try {
    const peer = only.has('peers') ? await runPeers(jobsIn(folder)) : undefined;
    for (const each of wanted) await within(each.name, () => job(each, peer));
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.stdout.write(`${table(rows)}\n`);
  record({ kind: 'end', ok: failures.length === 0, failures, table: rows });
  for (const failure of failures) say(`failed: ${failure}`);
  const left = rows.filter(({ state }) => state === 'not run').length;
  const passed = `all ${left > 0 ? 'that was run ' : ''}passed on the card`;
  say(
    `\n${failures.length === 0 ? passed : `${failures.length} failed`}${left > 0 ? `, ${left} not run` : ''}; results: ${out}`,
  );
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof PhasetuneError)) throw error;
  say(`error: ${error.message}`);
  process.exitCode = 1;
}
