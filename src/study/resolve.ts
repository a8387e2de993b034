import { usageError } from '../core/errors.js';
import { type LaidOut, layOut } from './lay-out.js';
import { type DecidedStudy, readStudyFile } from './read-study.js';
import type { StudyRecord } from './study-record.js';
import type { StudySetOptions } from './study-set.js';

/** A study as its file describes it, with all that this decides. */
export interface ResolvedStudy extends DecidedStudy, LaidOut {
  /** What all sets have in common. */
  readonly setOptions: StudySetOptions;
}

/**
 * Reads a study file and works out what it describes: every option, the arms of `expand`, the axes, sets, and cells
 * without their plans. Reads the file and its recipe, and nothing else. Throws usage errors that name file, line and
 * key.
 *
 * @example
 * const { study, sets, cells } = await resolveStudy('study.yaml');
 * console.log(Object.keys(study.arms), sets.length, cells.length);
 */
export const resolveStudy = async (file: string): Promise<ResolvedStudy> => resolved(await readStudyFile(file));

/** What a registered study describes. */
export const registeredStudy = (folder: string, { study }: Pick<StudyRecord, 'study'>): ResolvedStudy =>
  resolved({ study, where: (path) => `${folder}/study.json: study.${path.join('.')}` });

function resolved(decided: DecidedStudy): ResolvedStudy {
  const { holdout, nearDuplicates, unscored } = decided.study.data!;
  const laidOut = layOut(decided);
  checkBand(decided, laidOut);
  return { ...decided, ...laidOut, setOptions: { holdout, nearDuplicates, unscored } };
}

/** Bands are the stages of the control's sets: one that it does not have cannot be compared. */
function checkBand({ study: { metric, control }, where }: DecidedStudy, { cells, sets }: LaidOut): void {
  const band =
    'held-out' in metric && metric['held-out'] !== 'all' ? Number(metric['held-out'].slice('band-'.length)) : 0;
  const ofControl = new Set(cells.filter(({ arm }) => arm === control).map(({ set }) => set));
  for (const { name, stage } of sets)
    if (ofControl.has(name) && band > stage.stages!)
      throw usageError(
        `${where(['metric', 'held-out'])}: ${control} has no band ${band}; it trains on ${stage.stages} stages`,
        {
          option: 'metric',
          expected: stage.stages,
          actual: band,
        },
      );
}
