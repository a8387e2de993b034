/**
 * Runs the numeric tests as other machines would: with the instructions that older processors have,
 * with other kernels, with one thread and with two. Prints a Markdown table, a row as soon as it is
 * known, then the tests that failed.
 *
 *     npm run build
 *     npx tsx scripts/reliability/machines.ts [--only AVX2] [--threads 1,2] [--node PATH] [tests/program tests/train …]
 *
 * `--node` runs them under another Node.js, with the text side as well where its folders are named.
 * One thread is one processor that the process may use (Linux, `taskset`): TensorFlow then starts
 * one thread. Ends with 1 when any test failed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './ways.js';

/** Folders whose tests compute with tensors. */
const NUMERIC = ['backend', 'program', 'ops', 'model', 'lora', 'optim', 'train', 'generate', 'eval'];

/** What each machine is made of: variables that oneDNN, XLA and TensorFlow read once, when they are loaded. */
const MACHINES: readonly (readonly [name: string, env: Readonly<Record<string, string>>])[] = [
  ['as it is', {}],
  ['oneDNN up to AVX2', { ONEDNN_MAX_CPU_ISA: 'AVX2' }],
  ['oneDNN up to AVX512_CORE', { ONEDNN_MAX_CPU_ISA: 'AVX512_CORE' }],
  ['XLA up to AVX2', { XLA_FLAGS: '--xla_cpu_max_isa=AVX2' }],
  ['without oneDNN', { TF_ENABLE_ONEDNN_OPTS: '0' }],
];

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    threads: { type: 'string', default: '1,2' },
    node: { type: 'string', default: process.execPath },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'phasetune-machines-'));

/** Runs the tests once; undefined where the run ended without a report. */
async function run(env: Readonly<Record<string, string>>, threads: number): Promise<Report | undefined> {
  const file = join(folder, 'report.json');
  rmSync(file, { force: true });
  const tests = positionals.length > 0 ? positionals : NUMERIC.map((name) => `tests/${name}/`);
  const vitest = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=json', `--outputFile=${file}`];
  const command = [values.node, ...vitest, ...tests];
  if (threads < availableParallelism()) command.unshift('taskset', '--cpu-list', `0-${threads - 1}`);
  const child = spawn(command[0]!, command.slice(1), {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined;
}

/** Every failure as one line, with the first line of what was said. */
const failures = ({ testResults }: Report): string[] =>
  testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = name.replace(ROOT, '');
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && status === 'failed') return [`${file}: ${message.split('\n')[0]}`];
    return failed.map(({ fullName, failureMessages: [why = ''] }) => `${file}: ${fullName}: ${why.split('\n')[0]}`);
  });

const print = (...cells: readonly (string | number)[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
print('setting', 'threads', 'passed', 'failed', 'skipped', 'seconds');
print('---', '---', '---', '---', '---', '---');
const problems: string[] = [];
for (const [name, env] of MACHINES) {
  const setting = Object.entries(env).map(([key, value]) => `\`${key}=${value}\``)[0] ?? name;
  if (values.only !== undefined && !`${name} ${setting}`.includes(values.only)) continue;
  for (const threads of values.threads.split(',').map(Number)) {
    const start = performance.now();
    const report = await run(env, threads);
    const seconds = Math.round((performance.now() - start) / 1000);
    const of = (count: number | undefined) => count ?? 'no report';
    print(
      setting,
      threads,
      of(report?.numPassedTests),
      of(report?.numFailedTests),
      of(report?.numPendingTests),
      seconds,
    );
    const found = report ? failures(report) : ['the run ended without a report'];
    problems.push(...found.map((line) => `- ${setting}, ${threads} threads: ${line}`));
  }
}
rmSync(folder, { recursive: true, force: true });
if (problems.length > 0) process.stdout.write(`\n${problems.join('\n')}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
