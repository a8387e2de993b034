import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { processorKind } from './processor.js';

/** What one run of a bench printed as its JSON line, and what the machine was busy with besides. */
export type Figures = Readonly<Record<string, unknown>> & { readonly load_before: number };

/** One program with its arguments, run in a process of its own. */
export interface Job {
  readonly program: string;
  readonly args: readonly string[];
}

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const MAIN = at('../../dist/cli/main.js');

/** `phasetune ARGS` as a user runs it: the built program. */
export function phasetune(args: readonly string[]): Job {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: npm run build first');
  return { program: process.execPath, args: [MAIN, ...args] };
}

/** `phasetune bench ARGS`, to be measured. */
export const project = (args: readonly string[]): Job => phasetune(['bench', ...args, '--json']);

/** One of the Python scripts beside this file, run by a Python that has what it needs. */
export const peer = (python: string, script: string, args: readonly string[]): Job => ({
  program: python,
  args: [at(script), ...args],
});

/** How a job is written in tables. */
export const nameOf = ({ args }: Job): string => {
  const own = args[0] === MAIN ? ['phasetune', ...args.slice(1, -1)] : [args[0]!.replace(/.*\//, ''), ...args.slice(1)];
  return own.map(withoutFolder).join(' ');
};

/** Where things lie is nobody else's business. */
const withoutFolder = (value: unknown): unknown =>
  typeof value === 'string' && value.startsWith('/') ? value.replace(/.*\/(?=[^/])/, '') : value;

/**
 * Runs a job, with these variables added to the environment, and reads the JSON on its last line of standard output.
 * Throws with the end of what it said when it fails.
 */
export async function measure(job: Job, variables: Readonly<Record<string, string>> = {}): Promise<Figures> {
  const load_before = Math.round(loadavg()[0]! * 100) / 100;
  const child = spawn(job.program, job.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...variables },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const last = out.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0 || !last.startsWith('{'))
    throw new Error(`${nameOf(job)} ended with ${code} and without figures:\n${err.slice(-2000)}`);
  const figures = Object.entries(JSON.parse(last) as Record<string, unknown>);
  return { ...Object.fromEntries(figures.map(([key, value]) => [key, withoutFolder(value)])), load_before };
}

/** What a job told on its last line, and what its process took, as the operating system has it. */
export interface Watched {
  readonly told: Record<string, unknown>;
  readonly seconds: number;
  /** Of all its threads. Hardly more on a busy machine, where `seconds` are. */
  readonly processorSeconds: number;
  readonly peakMib: number;
}

/** Ticks of the clock by which Linux counts a process's time. */
const TICKS = 100;

/** Runs a job and watches its process. Throws with the end of what it said when it fails. */
export async function runWatched(job: Job): Promise<Watched> {
  const start = performance.now();
  const child = spawn(job.program, job.args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err, peak, ticks] = ['', '', 0, 0];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0));
    const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '');
    // Behind the name, which ends with a parenthesis, user and system time are the 12th and 13th fields.
    const [user = 0, system = 0] = stat.split(') ').at(-1)!.split(' ').slice(11, 13).map(Number);
    ticks = Math.max(ticks, user + system);
  }, 50);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${nameOf(job)} ended with ${code}:\n${err.slice(-2000)}`);
  const seconds = (performance.now() - start) / 1000;
  const told = JSON.parse(out.trimEnd().split('\n').at(-1)!);
  return { told, seconds, processorSeconds: ticks / TICKS, peakMib: peak / 1024 };
}

/** What the figures were taken on. */
export function machine() {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    processor: processorKind(),
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** The middle value, or the mean of the two in the middle; not a number if one of them is not. */
export function median(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return Number.NaN;
  const sorted = values.toSorted((x, y) => x - y);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** Lines of a markdown table, first column to the left, the others to the right. */
export function markdown(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(heads), row(heads.map((_, i) => (i === 0 ? '---' : '---:'))), ...lines.map(row)].join('\n');
}
