import { join } from 'node:path';
import { parseOptions } from '../config/given-options.js';
import { usageError } from '../core/errors.js';
import { isLeftover } from '../io/atomic.js';
import { exists, listFolder, statPath } from '../io/files.js';
import { isLockFile } from '../io/lock-file.js';
import type { AskHooks } from '../workflow/hooks.js';
import { beginStudy } from './begin.js';
import { continueStudy } from './continue.js';
import type { StudyEvent } from './events.js';
import { threadsFor } from './executors/capacity.js';
import { threadsOfTask } from './executors/slurm/batch.js';
import { withMemory } from './forecast-memory.js';
import { type AblateOptions, type AblateSettings, ablateOptionsSchema } from './options.js';
import { described, threadsOfPod } from './render/render.js';
import { type ResolvedStudy, resolveStudy } from './resolve.js';
import type { ExecutorOptions } from './study-file.js';
import { type Study, studyPaths } from './study-record.js';

/**
 * Makes a study ready to run, in its folder, whose lock the caller holds. A new one: sets are staged, every cell is
 * planned, and all of it is registered, `study.json` last. One that is registered must be as the file describes it;
 * every difference is refused, except that `extend` adds seeds, splits, arms and values of axes, and `force` takes
 * other inputs and versions. Where cells run and when they are tried again may differ: what is given now counts.
 */
export async function* prepareStudy(given: AblateOptions, hooks: AskHooks = {}): AsyncGenerator<StudyEvent, Study> {
  const options = parseOptions(ablateOptionsSchema, given);
  const resolved = await resolveFor(options);
  const { out } = options;
  if (exists(studyPaths(out).record)) return withMemory(yield* continueStudy(resolved, options, hooks), hooks);
  await checkFree(out);
  return withMemory(yield* beginStudy(out, withThreads(resolved), hooks), hooks);
}

/** A study as its file and the options describe it. */
export async function resolveFor({ file, executor, parallel, detach, render }: AblateSettings): Promise<ResolvedStudy> {
  const resolved = await resolveStudy(file);
  const kind = render ?? executor;
  if (render) described(resolved.study.executor);
  const given = { ...(kind && { kind }), ...(parallel !== undefined && { parallel }) };
  const decided = { ...resolved.study.executor, ...given };
  if (detach) checkDetach(decided);
  return { ...resolved, study: { ...resolved.study, executor: decided } };
}

function checkDetach({ kind }: ExecutorOptions): void {
  if (kind !== 'slurm')
    throw usageError(
      `\`detach\` is for \`executor: slurm\`: cells of \`executor: ${kind}\` are no jobs that outlive this process`,
      {
        option: 'detach',
      },
    );
}

/** Threads of a cell that does not run on this machine. */
const THREADS: Partial<Record<ExecutorOptions['kind'], (options: ExecutorOptions) => number>> = {
  kubernetes: threadsOfPod,
  slurm: threadsOfTask,
};

/** The study with the threads of its cells, which stay the same however many run at once later. */
export function withThreads(resolved: ResolvedStudy): ResolvedStudy {
  const { executor } = resolved.study;
  if (executor.kind === 'command') return resolved;
  const threads = (THREADS[executor.kind] ?? threadsFor)(executor);
  return { ...resolved, study: { ...resolved.study, executor: { ...executor, threads } } };
}

/** What there may be in a folder before a study is registered in it: what one that was cut off has written. */
const OWN = new Set(['holdouts', 'staged', 'cells.jsonl']);

/** Refuses a folder with something else in it. */
export async function checkFree(folder: string): Promise<void> {
  const { kind } = await statPath(folder);
  if (kind === 'missing') return;
  const refuse = (problem: string) =>
    usageError(`${folder} ${problem}`, {
      file: folder,
      option: 'out',
      remedies: [{ option: 'out', change: 'set', note: 'to another folder' }],
    });
  if (kind !== 'folder') throw refuse('is a file; expected a folder to write the study to');
  const others = (await listFolder(folder)).filter((name) => !OWN.has(name) && !isLockFile(name) && !isLeftover(name));
  if (others.length > 0)
    throw refuse(`is not empty, and there is no study in it (no ${join('.', 'study.json')}; there is ${others[0]})`);
}
