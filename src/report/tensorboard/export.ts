import { join } from 'node:path';
import { parseOptions } from '../../config/given-options.js';
import { dataError } from '../../core/errors.js';
import { exists } from '../../io/files.js';
import type { Cell } from '../../study/cell.js';
import { readStudy, studyPaths } from '../../study/study-record.js';
import { exportName } from '../../tensorboard/event-files.js';
import { differingHyperparameters, hyperparametersOf } from '../../tensorboard/hyperparameters.js';
import { type BoardEvent, eventRecord, type Hyperparameter, versionRecord } from '../../tensorboard/messages.js';
import { type BoardRun, runToEvents, secondsOf } from '../../tensorboard/run-to-events.js';
import { readRunEvents } from '../../train/read-run-events.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';
import { type ExportTensorBoardOptions, exportTensorBoardOptionsSchema } from './options.js';
import { type ExportFile, replaceExport } from './replace-export.js';

/** A run that was exported. */
export interface ExportedRun {
  /** The cell of a study; absent for a run by itself. */
  readonly cell?: string;
  /** Folder of its event file. */
  readonly folder: string;
  /** Records in it. */
  readonly events: number;
}

/** What {@link exportTensorBoard} wrote. */
export interface ExportedBoard {
  readonly out: string;
  readonly runs: readonly ExportedRun[];
  /** Cells of the study whose runs have not started. */
  readonly missing: readonly string[];
}

/**
 * Writes event files for TensorBoard of a run, or of each run of a study: what a run with the option `tensorboard`
 * writes while it is trained, with the times of its events. The same files give the same bytes. The HParams tab shows
 * the options in which the cells of a study differ, and the mean over the seeds of each.
 *
 * Throws a data error for a folder that is neither or has no events yet, and a usage error where `out` holds
 * anything except an earlier export.
 *
 * @example
 * const { runs } = await exportTensorBoard({ folder: 'studies/first', out: 'logs/first' });
 * for (const { cell, folder, events } of runs) console.log(cell, folder, events);
 */
export async function exportTensorBoard(given: ExportTensorBoardOptions): Promise<ExportedBoard> {
  const { folder, out } = parseOptions(exportTensorBoardOptionsSchema, given);
  const sources = exists(studyPaths(folder).record) ? await runsOfStudy(folder) : [{ run: folder }];
  const files: (ExportFile & ExportedRun)[] = [];
  const missing: string[] = [];
  for (const source of sources) {
    const file = await eventFile(source, out);
    if (file) files.push(file);
    else if (source.cell !== undefined) missing.push(source.cell);
  }
  if (files.length === 0)
    throw dataError(
      `${folder}: nothing to export, as ${missing.length > 0 ? 'no run of it has started' : 'the run has not started'}`,
      {
        file: folder,
      },
    );
  await replaceExport(out, files);
  return {
    out,
    runs: files.map(({ cell, folder, events }) => ({ ...(cell !== undefined && { cell }), folder, events })),
    missing,
  };
}

/** A run to export, and how the HParams tab shows it. */
interface Source {
  readonly run: string;
  readonly cell?: string;
  readonly shown?: Pick<BoardRun, 'hyperparameters' | 'group'>;
}

/** The runs of a study, each in the group of its arm and axes: its seeds and splits. */
async function runsOfStudy(folder: string): Promise<Source[]> {
  const { cells } = await readStudy(folder);
  const differing = differingHyperparameters(cells.map(({ recipe }) => recipe));
  return cells.map((cell, i) => ({
    run: studyPaths(folder).run(cell.id),
    cell: cell.id,
    shown: { hyperparameters: { ...differing[i]!, ...namesOf(cell, cells) }, group: groupName(cell) },
  }));
}

/** What a cell is besides its recipe: its arm, the names of its axes, and its stages where cells differ in them. */
function namesOf({ arm, axes, planned }: Cell, cells: readonly Cell[]): Record<string, Hyperparameter> {
  const differ = cells.some((other) => other.planned.stages !== planned.stages);
  return { arm, ...axes, ...(differ && { 'training stages': planned.stages }) };
}

const groupName = ({ arm, axes }: Cell): string =>
  [arm, ...Object.entries(axes).map(([axis, value]) => `${axis}=${value}`)].join(', ');

/** The event file of a run; undefined for a run without events. */
async function eventFile({ run, cell, shown }: Source, out: string): Promise<(ExportFile & ExportedRun) | undefined> {
  if (cell !== undefined && !exists(join(run, 'run.json'))) return undefined;
  const about = await readRunFile(run);
  const toEvents = runToEvents({ hyperparameters: hyperparametersOf(about.recipe), ...shown, run: about });
  const events: BoardEvent[] = [];
  for await (const event of readRunEvents(run)) events.push(...toEvents(event));
  const [first] = events;
  if (!first) return undefined;
  const records = [versionRecord(first.wallTime), ...[...events, ...failureOf(about, events)].map(eventRecord)];
  const folder = cell === undefined ? out : join(out, cell);
  return {
    ...(cell !== undefined && { cell }),
    ...{ folder, name: exportName(about.started), bytes: Buffer.concat(records), events: records.length },
  };
}

/** How a run ended that failed; nothing for others, whose events say it, or which may go on. */
function failureOf({ status, finished }: RunFile, events: readonly BoardEvent[]): BoardEvent[] {
  if (status !== 'failed' || finished === undefined) return [];
  const ended = secondsOf(finished);
  return [{ wallTime: ended, step: events.at(-1)!.step, values: [{ kind: 'session-end', status: 'failure', ended }] }];
}
