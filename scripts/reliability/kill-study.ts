import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Random, random } from '../../src/core/random.js';
import { attemptSchema } from '../../src/study/state.js';
import { PROGRAM, ROOT } from '../../tests/helpers/program.js';
import { writeTinyModel } from '../../tests/helpers/tiny-model.js';

/** Settings of {@link killStudy}. */
export interface StudyKills {
  /** Folder to work in. */
  readonly folder: string;
  readonly kills: number;
  /** Arms of the study, at most 4, and seeds of each. */
  readonly arms: number;
  readonly seeds: number;
  /** Seed of the moments. */
  readonly seed: number;
  log?(line: string): void;
}

/** What came of {@link killStudy}. */
export interface StudyKillResult {
  /** Kills (SIGKILL) of the process that runs the study, and of processes that run a cell. */
  readonly coordinators: number;
  readonly cells: number;
  /** Studies that were killed and continued until all their cells were done. */
  readonly studies: number;
  /** Files that differ from those of the study that was never killed: results, adapters, losses of held-out rows. */
  readonly different: readonly string[];
  /** Attempts that began after their cell was done. */
  readonly runAfterDone: number;
  /** Seconds of the study that was never killed. */
  readonly seconds: number;
}

const ORDERS = ['one-off', 'phased', 'random', 'reversed'];

/** Kills of one study before it may go to its end. */
const KILLS_PER_STUDY = 10;

/**
 * Runs a study of a tiny model once without interruption, and again while it, or one of its cells, is killed with
 * SIGKILL at random moments and continued, until there were so many kills; compares what is left.
 */
export async function killStudy(settings: StudyKills): Promise<StudyKillResult> {
  const { folder, kills, seed, log = () => {} } = settings;
  const file = await writeStudyFile(settings);
  const straight = join(folder, 'straight');
  const start = performance.now();
  await finished(ablate(file, straight));
  const seconds = (performance.now() - start) / 1000;
  log(`the study without interruption took ${seconds.toFixed(1)} s`);
  const draw = random(seed, 'kills');
  const spanMs = (1000 * seconds) / (settings.arms * settings.seeds);
  const sum = { coordinators: 0, cells: 0, studies: 0, different: [] as string[], runAfterDone: 0, seconds };
  while (sum.coordinators + sum.cells < kills) {
    const out = join(folder, `killed-${++sum.studies}`);
    const most = Math.min(KILLS_PER_STUDY, kills - sum.coordinators - sum.cells);
    const hits = await killed(file, out, { most, draw, spanMs, log });
    sum.coordinators += hits.coordinators;
    sum.cells += hits.cells;
    sum.different.push(...differences(straight, out));
    sum.runAfterDone += runAfterDone(out);
    log(`study ${sum.studies}: ${JSON.stringify(hits)}, ${sum.different.length} files differ`);
    if (sum.different.length === 0) rmSync(out, { recursive: true });
  }
  return sum;
}

/** Writes a tiny model, rows and a study of them; nothing waits before it is tried again, however often. */
async function writeStudyFile({ folder, arms, seeds }: StudyKills): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const model = await writeTinyModel(join(folder, 'model'));
  const rows = join(folder, 'rows.jsonl');
  const lines = readFileSync(join(ROOT, 'datasets/demo/raw.jsonl'), 'utf8').split('\n').slice(0, 40);
  writeFileSync(rows, lines.map((line, i) => JSON.stringify({ ...JSON.parse(line), score: 1 + (i % 5) })).join('\n'));
  const file = join(folder, 'study.yaml');
  const study = {
    base: {
      model,
      batchRows: 1,
      saveEvery: 8,
      evalEvery: 40,
      precision: 'float32',
      compile: 'none',
      lora: { rank: 2 },
    },
    data: { scored: rows, stage: { by: 'rows', stages: 2 }, holdout: 6 },
    arms: Object.fromEntries(ORDERS.slice(0, arms).map((order) => [order, { order }])),
    seeds,
    control: ORDERS[0],
    budget: 1200,
    failures: { retries: 1000, retryAfter: [0], stopAfterAlike: 1000 },
    executor: { threads: 1 },
  };
  writeFileSync(file, JSON.stringify(study));
  return file;
}

/** Starts the study, or continues it. */
const ablate = (file: string, out: string): ChildProcess =>
  spawn(process.execPath, [...PROGRAM, 'ablate', file, '--out', out], {
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'PHASETUNE_SEED')),
    stdio: ['ignore', 'ignore', 'pipe'],
  });

/** Lets it go to its end; throws with what it said where that is not success, and not a kill. */
async function finished(child: ChildProcess): Promise<'done' | 'killed'> {
  let said = '';
  child.stderr!.on('data', (text) => (said = (said + text).slice(-4000)));
  const [code, signal] = await once(child, 'close');
  if (signal === 'SIGKILL') return 'killed';
  if (code !== 0) throw new Error(`the study ended with ${code ?? signal}: ${said}`);
  return 'done';
}

/** Kills a study, or its cells, and continues it until it is done. */
async function killed(
  file: string,
  out: string,
  { most, draw, spanMs, log }: { most: number; draw: Random; spanMs: number; log(line: string): void },
): Promise<{ coordinators: number; cells: number }> {
  const hits = { coordinators: 0, cells: 0 };
  for (;;) {
    const child = ablate(file, out);
    const ended = finished(child);
    const alive = () => child.exitCode === null && child.signalCode === null;
    while (alive() && hits.coordinators + hits.cells < most) {
      await Promise.race([ended, sleep(draw.uniform() * spanMs)]);
      if (!alive()) break;
      if (draw.uniform() < 0.5) {
        child.kill('SIGKILL');
        hits.coordinators++;
        break;
      }
      const [cell] = childrenOf(child.pid!);
      if (cell === undefined) continue;
      process.kill(cell, 'SIGKILL');
      hits.cells++;
    }
    if ((await ended) === 'done') return hits;
    log(`killed ${hits.coordinators + hits.cells} times`);
  }
}

/** Processes that a process has started. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Files of a study that must be the same however it was done, with their hashes. */
function fingerprints(study: string): Map<string, string> {
  const files = readdirSync(study, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /^results\.json$|^cells\/[^/]+\/run\/(adapter\/.*\..*|stage-\d\/held-out\.jsonl)$/.test(path),
  );
  const hash = (path: string) =>
    createHash('sha256')
      .update(readFileSync(join(study, path)))
      .digest('hex');
  return new Map(files.sort().map((path) => [path, hash(path)]));
}

function differences(straight: string, out: string): string[] {
  const [want, have] = [fingerprints(straight), fingerprints(out)];
  if (!want.has('results.json')) throw new Error(`${straight} has no results`);
  const names = [...new Set([...want.keys(), ...have.keys()])];
  return names.filter((name) => want.get(name) !== have.get(name)).map((name) => join(out, name));
}

/** Attempts of all cells of a study that began after their run was done. */
function runAfterDone(study: string): number {
  let count = 0;
  for (const id of readdirSync(join(study, 'cells'))) {
    const attempts = join(study, 'cells', id, 'attempts.jsonl');
    if (!existsSync(attempts)) continue;
    const { finished } = JSON.parse(readFileSync(join(study, 'cells', id, 'run/run.json'), 'utf8'));
    for (const line of readFileSync(attempts, 'utf8').trim().split('\n')) {
      const attempt = attemptSchema.parse(JSON.parse(line));
      if (attempt.event === 'begin' && attempt.time > finished) count++;
    }
  }
  return count;
}
