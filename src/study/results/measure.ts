import { join, resolve } from 'node:path';
import { groupBy } from '../../core/lists.js';
import { exists } from '../../io/files.js';
import { type HeldOutRow, readHeldOutLosses } from '../../train/held-out-losses.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';
import { type Cell, groupOf } from '../cell.js';
import type { CellState } from '../state.js';
import { type Study, studyPaths } from '../study-record.js';
import { type HeldOut, type LossesAfter, lossesOf, lossesOfMatrix, readHoldout } from './held-out.js';

/** What a done cell has to show. */
export interface Measured {
  readonly cell: Cell;
  readonly trainedTokens: number;
  /** What trained it: phasetune, or another engine with its version. */
  readonly engine: string;
  /** Held-out losses before training and after every stage, by band of the study's own cut. */
  readonly matrix: readonly LossesAfter[];
  /** Losses of the held-out rows in the end; undefined where they were not kept. */
  readonly rows: readonly HeldOutRow[] | undefined;
}

/** All done cells, measured. */
export interface Measurements {
  /** By id. */
  readonly cells: ReadonlyMap<string, Measured>;
  /** Held-out rows of a group and split. */
  heldOut(group: string, split: number): HeldOut;
  /** Bands of a group, in order. */
  bands(group: string): readonly number[];
}

/** Similarity of near-duplicates where the study trains on a staged folder as it is. */
const NEAR_DUPLICATES = 0.8;
const NO_ROWS: HeldOut = new Map();

/** Reads what the done cells of a study have to show; `states` are in the order of its cells. */
export async function measure(study: Study, states: readonly CellState[]): Promise<Measurements> {
  const references = await readReferences(study);
  const bandsOf = new Map(
    [...references].map(([group, splits]) => {
      const bands = [...splits.values()].flatMap((rows) => [...rows.values()].map(({ band }) => band));
      return [group, [...new Set(bands)].sort((x, y) => x - y)] as const;
    }),
  );
  const heldOut = (group: string, split: number) => references.get(group)?.get(split) ?? NO_ROWS;
  const bands = (group: string) => bandsOf.get(group) ?? [];
  const cells = new Map<string, Measured>();
  for (const [i, cell] of study.cells.entries()) {
    if (states[i]?.state !== 'done') continue;
    const group = groupOf(cell);
    cells.set(cell.id, await measureCell(study.folder, cell, heldOut(group, cell.split), bands(group)));
  }
  return { cells, heldOut, bands };
}

/** The held-out rows of each group and split, with the bands of the set that its control trains on. */
async function readReferences({ folder, cells, record }: Study): Promise<Map<string, Map<number, HeldOut>>> {
  const near = record.study.data?.nearDuplicates ?? NEAR_DUPLICATES;
  const read = new Map<string, HeldOut>();
  const references = new Map<string, Map<number, HeldOut>>();
  for (const [group, ofGroup] of groupBy(cells, groupOf)) {
    const splits = new Map<number, HeldOut>();
    for (const cell of ofGroup) {
      if (cell.arm !== record.analysis.control || splits.has(cell.split)) continue;
      const staged = stagedFolder(folder, record.begunIn, cell);
      const rows = read.get(staged) ?? (await readHoldout(staged, near));
      read.set(staged, rows);
      splits.set(cell.split, rows);
    }
    references.set(group, splits);
  }
  return references;
}

const stagedFolder = (folder: string, begunIn: string, { set, recipe }: Cell): string =>
  set === null ? resolve(begunIn, String(recipe.data)) : studyPaths(folder).staged(set);

async function measureCell(folder: string, cell: Cell, heldOut: HeldOut, bands: readonly number[]): Promise<Measured> {
  const path = studyPaths(folder).run(cell.id);
  const run = await readRunFile(path);
  const kept: HeldOutRow[][] = [];
  for (let stage = 0; stage <= run.stages.length; stage++)
    if (exists(join(path, `stage-${stage}`, 'held-out.jsonl'))) kept.push(await readHeldOutLosses(path, stage));
  // Without the losses of rows, those of bands are of the cut of the run's own set.
  const whole = kept.length === run.stages.length + 1;
  return {
    cell,
    trainedTokens: run.stages.reduce((sum, { trainedTokens }) => sum + trainedTokens, 0),
    engine: run.trainedBy?.engine ?? 'phasetune',
    matrix: whole ? kept.map((rows, after) => lossesOf(after, rows, heldOut, bands)) : matrixOf(run, bands),
    rows: whole ? kept.at(-1) : undefined,
  };
}

/** The matrix of `run.json`; nothing where the last measurement is not there. */
function matrixOf({ matrix, stages }: RunFile, bands: readonly number[]): LossesAfter[] {
  return matrix?.rows.at(-1)?.after === stages.length ? lossesOfMatrix(matrix, bands) : [];
}
