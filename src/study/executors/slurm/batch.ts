import { relative, resolve } from 'node:path';
import { sha256 } from '../../../core/hash.js';
import { writeFileAtomic } from '../../../io/atomic.js';
import { listFolder, makeFolder } from '../../../io/files.js';
import type { ExecutorOptions } from '../../study-file.js';
import type { Study } from '../../study-record.js';
import type { CellJob } from '../executor.js';
import { slurmPaths } from './paths.js';
import { batchScript } from './script.js';
import { type Batch, noteSubmission } from './submissions.js';

/** What jobs of a study are submitted with. */
export interface BatchOptions {
  readonly study: Study;
  readonly options: Pick<ExecutorOptions, 'parallel' | 'threads' | 'slurm'>;
  /** Program and first arguments that run a cell; the study's folder and the cell's index are added. */
  readonly cellCommand: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** Threads of each cell of a study that begins on Slurm: they stay the same, whatever jobs ask for later. */
export const threadsOfTask = ({ threads, slurm }: Pick<ExecutorOptions, 'threads' | 'slurm'>): number =>
  threads ?? slurm?.cpus ?? 1;

/** Writes the files of a new batch, with a time limit for each job, and then that it is to be submitted. */
export async function writeBatch(
  { study, options, cellCommand, environment }: BatchOptions,
  jobs: readonly CellJob[],
  before: Iterable<number>,
  time: string | undefined,
): Promise<Batch> {
  const { folder, record } = study;
  const paths = slurmPaths(folder);
  for (const each of [paths.ended, paths.stop]) await makeFolder(each);
  const batch = await nextBatch(folder, before);
  // A copy of the folder is another study.
  const key = sha256(`${record.hash} ${record.created} ${resolve(folder)}`).slice(0, 8);
  const name = `pt-${key}-${batch}`;
  const { PHASETUNE_HOME } = environment;
  const script = batchScript({
    folder: resolve(folder),
    batch,
    name,
    tasks: jobs.length,
    parallel: options.parallel,
    options: options.slurm ?? {},
    threads: threadsOfTask(options),
    time,
    cellCommand,
    variables: PHASETUNE_HOME === undefined ? {} : { PHASETUNE_HOME: resolve(PHASETUNE_HOME) },
  });
  const lines = jobs.map(({ cell, log }) => `${cell.index}\t${relative(folder, log)}\n`);
  await writeFileAtomic(paths.tasks(batch), lines.join(''));
  await writeFileAtomic(paths.script(batch), script);
  const cells = jobs.map(({ cell }) => cell.index);
  const attempts = jobs.map(({ attempt }) => attempt);
  await noteSubmission(folder, { event: 'intent', batch, time: new Date().toISOString(), name, cells, attempts });
  return { batch, name, cells, attempts, refused: false };
}

/** Files of a batch are never written again: one whose submission was cut off keeps its number. */
async function nextBatch(folder: string, before: Iterable<number>): Promise<number> {
  const names = await listFolder(slurmPaths(folder).folder);
  const written = names.map((name) => Number(/^batch-(\d+)\./.exec(name)?.[1] ?? 0));
  return Math.max(0, ...before, ...written) + 1;
}
