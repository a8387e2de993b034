import { isAbsolute, relative, resolve } from 'node:path';
import { usageError } from '../core/errors.js';
import { version } from '../core/version.js';
import { evalChanges, values } from '../eval/answers/changes.js';
import { evaluationAround, type GivenAnswer, matchAnswers, readAnswerFile } from '../eval/arms/answer-file.js';
import type { Arm } from '../eval/arms/arm-run.js';
import { parseArms } from '../eval/arms/parse-arms.js';
import { openArms } from '../eval/arms/sources.js';
import { type EvalFile, evalPaths, readEvalFile } from '../eval/eval-file.js';
import { type ChosenSet, chooseRows } from '../eval/sets/choose-rows.js';
import type { EvalRow } from '../eval/sets/eval-row.js';
import { readSets } from '../eval/sets/read-set.js';
import { isLeftover } from '../io/atomic.js';
import { exists, listFolder, statPath } from '../io/files.js';
import { isLockFile } from '../io/lock-file.js';
import { refuseInside } from '../io/same-file.js';
import type { ResolvedAnswerSetsOptions } from './eval-answer-options.js';
import type { Hooks } from './hooks.js';

/** Everything about an evaluation that is known without a model: what is in the files that it reads. */
export interface EvalWork {
  readonly options: ResolvedAnswerSetsOptions;
  readonly baseline: string;
  readonly arms: readonly Arm[];
  readonly sets: readonly ChosenSet[];
  /** Answers of files, by the source that names the file. */
  readonly given: ReadonlyMap<string, ReadonlyMap<EvalRow, GivenAnswer>>;
  /** The evaluation that is in the folder already. */
  readonly before: EvalFile | undefined;
}

/** Reads and checks all that can be without a model. Throws usage and data errors. */
export async function readWork(options: ResolvedAnswerSetsOptions, { logger }: Hooks): Promise<EvalWork> {
  const named = parseArms(options.arms, options.baseline);
  const before = await evaluationIn(options.out);
  const { badRows, rows, seed } = options;
  const known = before?.sets.map(({ name, path }) => ({ name, path: resolve(before.begunIn, path) })) ?? [];
  const sets = chooseRows(await readSets(options.sets, { badRows, known }, logger), rows, seed);
  const arms = await openArms(named.arms, options.base);
  await refuseInside(
    options.out,
    arms.flatMap(({ runs }) =>
      runs.flatMap(({ model, adapter }) => [model, adapter].flatMap((f) => (f ? [f.path] : []))),
    ),
  );
  const given = new Map<string, ReadonlyMap<EvalRow, GivenAnswer>>();
  for (const { name, runs } of arms)
    for (const { source, answers } of runs)
      if (answers !== undefined) given.set(source, matchAnswers(name, source, await readAnswerFile(source), sets));
  return { options, baseline: named.baseline, arms, sets, given, before };
}

/** The evaluation in a folder; undefined where the folder is free for one. Throws a usage error for anything else. */
async function evaluationIn(folder: string): Promise<EvalFile | undefined> {
  const { kind } = await statPath(folder);
  if (kind === 'missing') return undefined;
  const fail = (problem: string) =>
    usageError(`${folder} ${problem}`, {
      file: folder,
      option: 'out',
      remedies: [{ option: 'out', change: 'set', note: 'to another folder' }],
    });
  if (kind !== 'folder') throw fail('is a file; expected a folder to write the evaluation to');
  const { evalFile, answerLedger } = evalPaths(folder);
  if (exists(evalFile)) return readEvalFile(folder);
  if (exists(answerLedger)) return undefined;
  if ((await listFolder(folder)).every((name) => isLockFile(name) || isLeftover(name))) return undefined;
  throw fail('is not empty, and there is no evaluation in it');
}

/**
 * `eval.json` of the work; `about` is what else decides the answers: precision, and the time that a
 * template prints.
 */
export function evalFileOf(
  { options, baseline, arms, sets, before }: EvalWork,
  about: Record<string, unknown>,
): EvalFile {
  const { seed, system, template, maxTokens, temperature, topK, topP, batch, loss } = options;
  const begunIn = before?.begunIn ?? resolve('.');
  const placed = placedFrom(begunIn);
  return {
    schema: 'phasetune/evaluation',
    version: 1,
    versions: { phasetune: version() },
    begunIn,
    baseline,
    sets: sets.map(({ name, path, sha256, rows, chosen }) => ({
      name,
      path: placed(path),
      sha256,
      rows: rows.length,
      chosen: chosen.length,
    })),
    seed,
    arms: Object.fromEntries(
      arms.map(({ name, runs }) => [
        name,
        {
          runs: runs.map(({ source, model, adapter, trained, answers }) => ({
            source: placed(source),
            ...(model && { model: { path: placed(model.path), files: { ...model.files } } }),
            ...(adapter && { adapter: { path: placed(adapter.path), files: { ...adapter.files } } }),
            ...(trained && { trained: { ...trained, run: placed(trained.run) } }),
            ...(answers !== undefined && { answers }),
          })),
        },
      ]),
    ),
    answering: {
      template,
      ...(system !== undefined && { system }),
      maxTokens,
      temperature,
      topK,
      topP,
      batch,
      loss,
      ...about,
    },
    judges: before?.judges ?? {},
  };
}

/** Paths as they are found from the folder that the evaluation was begun in. */
function placedFrom(begunIn: string): (path: string) => string {
  const here = resolve('.');
  if (resolve(begunIn) === resolve(here)) return (path) => path;
  return (path) => (isAbsolute(path) ? path : relative(begunIn, resolve(here, path)));
}

/**
 * What would be otherwise than before, and in files of answers otherwise than here. Throws a usage error that lists
 * all of it, unless `force` is set.
 */
export async function checkChanges({ options, before, given }: EvalWork, file: EvalFile): Promise<string[]> {
  const changes = before ? evalChanges(before, file) : [];
  for (const source of given.keys()) {
    const around = await evaluationAround(source);
    if (!around || resolve(around.folder) === resolve(options.out)) continue;
    const made = Object.fromEntries(DECIDING.map((name) => [name, around.file.answering[name]]));
    const here = Object.fromEntries(DECIDING.map((name) => [name, file.answering[name] ?? made[name]]));
    changes.push(...values(made, here).map((change) => `${source} was made in another way: ${change}`));
  }
  if (changes.length === 0 || options.force) return changes;
  const what = before ? `${options.out} cannot continue with other options` : 'the arms would not be comparable';
  throw usageError(`${what}: ${changes.join('; ')}`, {
    option: before ? 'out' : 'arms',
    changes: changes.join('; '),
    remedies: [
      ...(before ? [{ option: 'out', change: 'set', note: 'to another folder' } as const] : []),
      { option: 'force', change: 'set', note: 'to continue all the same' },
    ],
  });
}

/** What makes answers of two evaluations incomparable where it differs. */
const DECIDING = [
  'template',
  'system',
  'maxTokens',
  'temperature',
  'topK',
  'topP',
  'precision',
  'loadIn16bit',
  'loadIn8bit',
  'loadIn4bit',
];
