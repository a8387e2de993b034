import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StudyEvent } from '../../src/study/events.js';
import type { Executor } from '../../src/study/executors/executor.js';
import { openLocal } from '../../src/study/executors/local.js';
import { type RunCellsOptions, runCells } from '../../src/study/run-cells.js';
import type { CellState } from '../../src/study/state.js';
import type { Study } from '../../src/study/study-record.js';
import type { Hooks } from '../../src/workflow/hooks.js';
import { ROOT } from '../helpers/program.js';

/** Pretends to be a cell, see `fake-cell.mjs`. */
export const FAKE_CELL = [process.execPath, join(ROOT, 'tests/study/fake-cell.mjs')] as const;

/** What cells do at each attempt, by id. */
export const behave = (study: Study, behaviour: Readonly<Record<string, readonly string[]>>): void =>
  writeFileSync(join(study.folder, 'behaviour.json'), JSON.stringify(behaviour));

/** An executor of cells that only pretend to train. */
export const fakeLocal = (parallel = 1): Executor =>
  openLocal({ cellCommand: [...FAKE_CELL], environment: process.env, parallel });

/** What happened, and what came of it. */
export interface Ran {
  readonly events: readonly StudyEvent[];
  readonly states: readonly CellState[];
  readonly error?: unknown;
}

/** Runs cells to the end; `watch` sees each event before it continues. */
export async function runAll(
  study: Study,
  options: Partial<RunCellsOptions> = {},
  hooks: Hooks = {},
  watch: (event: StudyEvent) => void | Promise<void> = () => {},
): Promise<Ran> {
  const executor = options.executor ?? fakeLocal(options.parallel);
  const events: StudyEvent[] = [];
  try {
    const run = runCells(study, { pollMs: 10, ...options, executor }, hooks);
    for (;;) {
      const step = await run.next();
      if (step.done) return { events, states: step.value };
      events.push(step.value);
      await watch(step.value);
    }
  } catch (error) {
    return { events, states: [], error };
  } finally {
    if (!options.executor) await executor.close();
  }
}

/** A file of a cell. */
export const inCell = (study: Study, id: string, name: string): string => join(study.folder, 'cells', id, name);

/** Processes that were started for a cell, in order. */
export const startsOf = (study: Study, id: string): { pid: number; time: number; threads?: string }[] => {
  const path = inCell(study, id, 'starts.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
};

/** Waits for a file. */
export async function appears(path: string): Promise<string> {
  while (!existsSync(path) || readFileSync(path, 'utf8') === '') await sleep(5);
  return readFileSync(path, 'utf8');
}

/** True while a process is there and no zombie. */
export function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until a process has gone. */
export async function gone(pid: number): Promise<void> {
  while (lives(pid)) await sleep(5);
}
