import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Attempt } from './attempt.js';

/** A line from the worker: a file is begun, a file is done, or a crash as a file that was made smaller. */
export type Report =
  | { readonly begin: number }
  | ({ readonly index: number; readonly rssMib: number } & Attempt)
  | { readonly finding: number; readonly from: number; readonly error: string; readonly base64: string };

/** What fuzzing a parser came to; crashes and hangs are those of the parser, seen from another process. */
export interface Figures {
  readonly parser: string;
  files: number;
  accepted: number;
  refused: number;
  crashes: number;
  hangs: number;
  peak_rss_mib: number;
  slowest_ms: number;
}

/**
 * A file that must not do what it did; without bytes where it ended or held up the process (`index`
 * makes it again).
 */
export interface Finding {
  readonly index: number;
  readonly error: string;
  readonly from?: number;
  readonly bytes?: Uint8Array;
}

/** What to run: `table` is the module with the parsers. */
export interface FuzzOptions {
  readonly count: number;
  readonly seed: number;
  readonly table?: string;
  /** Longest that a file may take, in ms [2000]. */
  readonly hangMs?: number;
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
const TABLE = new URL('./parsers.ts', import.meta.url).href;

/** Milliseconds between looks at a worker. Looks are counted, not time: a machine that stands still is no hang. */
const TICK_MS = 50;

/**
 * Has a parser read `count` mutated files in a process of its own, which is started again behind a
 * file that ended it.
 */
export async function fuzzParser(
  parser: string,
  options: FuzzOptions,
): Promise<{ figures: Figures; findings: Finding[] }> {
  const figures: Figures = {
    parser,
    files: 0,
    accepted: 0,
    refused: 0,
    crashes: 0,
    hangs: 0,
    peak_rss_mib: 0,
    slowest_ms: 0,
  };
  const findings: Finding[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'phasetune-fuzz-'));
  try {
    for (let next = 0; next < options.count; ) {
      const end = await runWorker(parser, options, next, options.count, folder, (report) =>
        note(figures, findings, report),
      );
      if (!end) break;
      // Under load one file may wait for long: it is a hang when it is one by itself too.
      const again = end.hung ? await runWorker(parser, options, end.index, end.index + 1, folder, () => {}) : end;
      figures.files++;
      if (again) {
        figures[again.hung ? 'hangs' : 'crashes']++;
        findings.push({ index: end.index, error: again.error });
      }
      next = end.index + 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { figures, findings };
}

function note(figures: Figures, findings: Finding[], report: Report): void {
  if ('finding' in report) {
    const bytes = new Uint8Array(Buffer.from(report.base64, 'base64'));
    findings.push({ index: report.finding, error: report.error, from: report.from, bytes });
  } else if ('index' in report) {
    figures.files++;
    figures[report.outcome === 'crash' ? 'crashes' : report.outcome]++;
    figures.peak_rss_mib = Math.max(figures.peak_rss_mib, Math.round(report.rssMib));
    figures.slowest_ms = Math.max(figures.slowest_ms, Math.round(report.ms));
  }
}

/** How a worker ended before it was through: by itself, or held up by the file of this number. */
interface End {
  readonly index: number;
  readonly hung: boolean;
  readonly error: string;
}

function runWorker(
  parser: string,
  { seed, table = TABLE, hangMs = 2000 }: FuzzOptions,
  from: number,
  to: number,
  folder: string,
  onReport: (report: Report) => void,
): Promise<End | undefined> {
  const args = ['--import', 'tsx', WORKER, table, parser, seed, from, to, folder].map(String);
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  let begun: number | undefined;
  let ticks = 0;
  let hung = false;
  let complaint = '';
  child.stderr!.on('data', (text: Buffer) => {
    complaint = (complaint + text).slice(-600);
  });
  const watch = setInterval(() => {
    if (begun === undefined || ++ticks * TICK_MS <= hangMs) return;
    hung = true;
    child.kill('SIGKILL');
  }, TICK_MS);
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    const report = JSON.parse(line) as Report;
    ticks = 0;
    begun = 'begin' in report ? report.begin : undefined;
    onReport(report);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      if (code === 0) resolve(undefined);
      else if (begun === undefined) reject(new Error(`the worker for ${parser} did not run: ${complaint}`));
      else
        resolve({ index: begun, hung, error: hung ? `over ${hangMs} ms` : `ended by ${signal ?? code}: ${complaint}` });
    });
  });
}
