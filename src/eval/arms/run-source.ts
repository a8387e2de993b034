import { join, resolve } from 'node:path';
import { dataError, usageError } from '../../core/errors.js';
import { exists } from '../../io/files.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';

/** What a run left: the model that it began with, and the adapter after one of its stages. */
export interface RunSource {
  readonly model: string;
  /** Hashes that the model's files had. */
  readonly modelFiles: Readonly<Record<string, string>>;
  /** Absent for the model before any stage. */
  readonly adapter?: string;
  readonly trained: { readonly run: string; readonly stage: number };
}

/** `run@stage-2` in its parts; undefined where the text does not end like that. */
export function stageOf(source: string): { run: string; stage: string } | undefined {
  const at = source.lastIndexOf('@');
  return at > 0 && at < source.length - 1 ? { run: source.slice(0, at), stage: source.slice(at + 1) } : undefined;
}

/**
 * The adapter of a run's folder after a stage (`stage-2`), before the first (`base`), or, without one, after the last.
 * `model` is another place of the run's base. Throws a data error that says how far the run is where it is not
 * there yet.
 */
export async function readRunSource(folder: string, stage: string | undefined, model?: string): Promise<RunSource> {
  const run = await readRunFile(folder);
  const base = { model: model ?? baseOf(folder, run), modelFiles: run.inputs.model.files };
  if (stage === 'base') return { ...base, trained: { run: folder, stage: 0 } };
  if (stage !== undefined) {
    const number = stageNumber(folder, stage, run);
    const { end } = run.stages[number - 1]!;
    if (!end) throw notThere(folder, run, `stage ${number} is not done`);
    return { ...base, adapter: join(folder, end.path), trained: { run: folder, stage: number } };
  }
  if (run.status !== 'done' || !run.adapter) throw notThere(folder, run, 'the run is not done');
  return { ...base, adapter: join(folder, run.adapter.path), trained: { run: folder, stage: run.stages.length } };
}

/**
 * Relative paths start from the folder that the run was begun in, or, where it was moved with its
 * inputs, from here.
 */
function baseOf(folder: string, { begunIn, inputs }: RunFile): string {
  const { path } = inputs.model;
  const here = resolve(path);
  const there = begunIn === undefined ? here : resolve(begunIn, path);
  if (exists(there)) return there === here ? path : there;
  if (exists(here)) return path;
  throw usageError(`${folder}: the run was trained on the model ${path}; there is no ${there} now`, {
    file: there,
    option: 'base',
    remedies: [{ option: 'base', change: 'set', note: 'to where it is' }],
  });
}

function stageNumber(folder: string, stage: string, { stages }: RunFile): number {
  const number = Number(/^stage-([1-9]\d*)$/.exec(stage)?.[1]);
  if (number <= stages.length) return number;
  const known = ['base', ...stages.map((_, i) => `stage-${i + 1}`)].map((name) => `${folder}@${name}`);
  throw dataError(`${folder}@${stage}: the run has no such stage; expected ${known.join(', ')}`, { file: folder });
}

function notThere(folder: string, run: RunFile, problem: string) {
  const done = run.stages.filter(({ end }) => end).length;
  const reason = run.error === undefined ? '' : `: ${run.error}`;
  const last = done > 0 ? [{ advice: `take the last stage that is done: ${folder}@stage-${done}` }] : [];
  return dataError(`${folder}: ${problem} (${run.status}, ${done} of ${run.stages.length} stages are done${reason})`, {
    file: folder,
    remedies: [{ task: 'train', options: { out: folder, resume: true }, note: 'to continue it' }, ...last],
  });
}

/** The adapter after each stage that is there, and the model before them, which has none. */
export async function stagesOf({ run: folder, stage: last }: RunSource['trained']): Promise<RunStage[]> {
  const { stages } = await readRunFile(folder);
  const trained = stages.slice(0, last).flatMap(({ end }, i) => {
    const path = end && join(folder, end.path);
    return path !== undefined && exists(path) ? [{ stage: i + 1, adapter: path }] : [];
  });
  return [{ stage: 0 }, ...trained];
}

/** See {@link stagesOf}. */
export interface RunStage {
  readonly stage: number;
  readonly adapter?: string;
}
