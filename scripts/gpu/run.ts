/**
 * Everything that needs an NVIDIA card, with one command, which builds and sets up what is missing:
 *
 *     npm run test:gpu [-- --out FILE]
 *
 * On the card it runs the contract suite, the numbers of PyTorch and PEFT, tests of its own
 * (tests/gpu), the benches and a small training from end to end, and writes what came of each as a
 * JSON line to FILE. CUDA_VISIBLE_DEVICES chooses among several cards. It fails where there is no
 * card or TensorFlow does not use it, where a test fails or is skipped, and where a bench fails or
 * runs on something else than the card.
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
import { jobsIn } from './jobs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: 'gpu-results.jsonl' } } });
const out = resolve(values.out);
const failures: string[] = [];

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

/** Runs Node with these arguments; what it says goes to the terminal, its standard output too unless it is wanted. */
async function node(args: readonly string[], options: { env?: NodeJS.ProcessEnv; wanted?: boolean } = {}) {
  const { env = process.env, wanted = false } = options;
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', wanted ? 'pipe' : 2, 2] });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, text };
}

/** Runs `phasetune ARGS --json`, and gives what it printed last. Throws where it fails. */
async function phasetune(args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, text } = await node([join(root, 'dist/cli/main.js'), ...args, '--json'], { wanted: true });
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || !last.startsWith('{'))
    throw new PhasetuneError(
      'backend',
      `phasetune ${args[0]} ended with ${code}${last ? `: ${last.slice(0, 500)}` : ''}`,
    );
  return JSON.parse(last) as Record<string, unknown>;
}

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
    node([join(root, 'node_modules/vitest/vitest.mjs'), ...args], { env }),
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
  for (const [status, count] of Object.entries(others)) failures.push(`${count} tests ${status}`);
  if (value.code !== 0 || passed === 0) failures.push(`vitest ended with ${value.code}, ${passed} tests passed`);
}

/** Runs benches and the training, each in a process of its own, and records what they print. */
async function jobs(folder: string): Promise<void> {
  for (const job of jobsIn(folder)) {
    const args = [...job, '--device', 'cuda'];
    say(`\nphasetune ${args.join(' ')}`);
    try {
      const { value, card_mib } = await watched(() => phasetune(args));
      record({ kind: 'job', args, ...value, card_mib });
      const taken = card_mib.peak - card_mib.before;
      if ((value.device ?? 'cuda') !== 'cuda' || taken < LEAST_MIB)
        failures.push(`phasetune ${args.join(' ')} did not compute on the card: it took ${taken} MiB of it`);
    } catch (error) {
      const { message } = error as Error;
      record({ kind: 'job', args, error: message });
      failures.push(message);
    }
  }
}

async function main(): Promise<number> {
  const none = await withoutCard();
  if (none) throw refusal(none);
  await ready();
  await tests();
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-gpu-'));
  await jobs(folder).finally(() => rmSync(folder, { recursive: true }));
  record({ kind: 'end', ok: failures.length === 0, failures });
  for (const failure of failures) say(`failed: ${failure}`);
  say(`\n${failures.length === 0 ? 'all of it passed on the card' : `${failures.length} failed`}; results: ${out}`);
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof PhasetuneError)) throw error;
  say(`error: ${error.message}`);
  process.exitCode = 1;
}
