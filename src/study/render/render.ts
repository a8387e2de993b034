import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { usageError } from '../../core/errors.js';
import { writeFileAtomic } from '../../io/atomic.js';
import { ownerOf } from '../../io/files.js';
import { hide } from '../../telemetry/redact.js';
import type { Hooks } from '../../workflow/hooks.js';
import type { Cell } from '../cell.js';
import { processMemory } from '../forecast-memory.js';
import type { ExecutorOptions } from '../study-file.js';
import { readStudy, type Study } from '../study-record.js';
import { type JobParts, jobOf } from './job.js';
import { REQUIRED } from './kubernetes-options.js';
import { checkPaths } from './paths.js';

/** The manifest of a Job, relative to the study's folder. */
const MANIFEST = join('kubernetes', 'job.yaml');

/** A Job that was written. */
export interface RenderedJob {
  /** Of the manifest. */
  readonly path: string;
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly cells: number;
}

/** Share of a pod's memory that a cell is forecast to take, as with the free memory of a machine. */
const MEMORY_SHARE = 0.85;

/** Threads of each cell of a study that begins on Kubernetes: they stay the same, whatever pods have later. */
export const threadsOfPod = ({ threads, kubernetes }: ExecutorOptions): number => threads ?? kubernetes?.cpus ?? 1;

/**
 * Writes the manifest of a Job that runs cells of a study in the study's folder; nothing is started. The same study
 * with the same cells left gives the same file. Throws a usage error for what is not described or not in the volume.
 */
export async function renderJob(study: Study, cells: readonly Cell[], hooks: Hooks = {}): Promise<RenderedJob> {
  const { executor, failures } = study.record.study;
  const options = described(executor);
  await checkPaths(study, options.mountPath);
  // Threads are those that the study was begun with.
  const { threads } = (await readStudy(study.folder)).record.study.executor;
  if (threads === undefined)
    hooks.logger?.warn(
      'the threads of cells were not fixed when this study began, so each takes as many as its node has cores: results of nodes that differ may differ in the last bits',
    );
  const job = jobOf({
    options,
    folder: resolve(study.folder),
    begunIn: study.record.begunIn,
    hash: study.record.hash,
    cells,
    parallel: executor.parallel ?? cells.length,
    retries: failures.retries,
    stopAfterAlike: failures.stopAfterAlike,
    cpus: options.cpus ?? threads ?? 1,
    memory: options.memory ?? (await forecastMemory(study, options.gpus, hooks)),
    owner: await ownerOf(study.folder),
  });
  const path = join(study.folder, MANIFEST);
  await writeFileAtomic(path, manifestText(hide(job), cells.length));
  const { name, namespace } = job.metadata;
  return { path, name, namespace, cells: cells.length };
}

/** The options, with all that a Job cannot be without; throws a usage error that names what is missing. */
export function described({ kubernetes }: ExecutorOptions): JobParts['options'] {
  const { image, claim, mountPath } = kubernetes ?? {};
  const missing = REQUIRED.filter((name) => kubernetes?.[name] === undefined);
  if (kubernetes && image !== undefined && claim !== undefined && mountPath !== undefined)
    return { ...kubernetes, image, claim, mountPath };
  const names = missing.map((name) => `\`executor.kubernetes.${name}\``).join(', ');
  throw usageError(
    `a Job needs ${names}; expected in the study file: executor: {kind: kubernetes, kubernetes: {image: …, claim: …, mountPath: …}}`,
    { option: `executor.kubernetes.${missing[0]}` },
  );
}

async function forecastMemory(study: Study, gpus: number | undefined, hooks: Hooks): Promise<string> {
  const known = gpus === undefined ? await processMemory(study, hooks) : { problem: 'cells compute on a card' };
  if (typeof known === 'number') return `${Math.ceil(known / MEMORY_SHARE / 2 ** 30)}Gi`;
  throw usageError(
    `what memory a pod takes is not known (${known.problem}); expected \`executor.kubernetes.memory\`, as in 16Gi`,
    { option: 'executor.kubernetes.memory' },
  );
}

const manifestText = (job: object, cells: number): string =>
  [
    `# ${cells} ${cells === 1 ? 'cell' : 'cells'} of a study, written by phasetune; rendering again replaces this file.`,
    stringify(job, { aliasDuplicateObjects: false, lineWidth: 0 }),
  ].join('\n');
