import { resolve } from 'node:path';
import { groupBy } from '../../core/lists.js';
import { type RunFile, readRunFile } from '../../train/run-file.js';
import { type Cell, groupOf } from '../cell.js';
import type { CellState } from '../state.js';
import { type Study, studyPaths } from '../study-record.js';
import {
  type BandOf,
  type LossesAfter,
  lossesOf,
  lossesOfMatrix,
  type RowLoss,
  readBands,
  readRowLosses,
} from './held-out.js';

/** What a done cell has to show. */
export interface Measured {
  readonly cell: Cell;
  readonly trainedTokens: number;
  /** Held-out losses before training and after every stage, by band of the study's own cut. */
  readonly matrix: readonly LossesAfter[];
  /** Losses of the held-out rows in the end; undefined where they were not kept. */
  readonly rows: readonly RowLoss[] | undefined;
}

/** All done cells, measured. */
export interface Measurements {
  readonly cells: readonly Measured[];
  /** By group and split: the band of each held-out row. */
  readonly bandsOf: (cell: Cell) => BandOf;
  /** Bands by group, in order. */
  readonly bands: (group: string) => readonly number[];
}

/** Reads what the done cells of a study have to show; `states` are in the order of its cells. */
export async function measure(study: Study, states: readonly CellState[]): Promise<Measurements> {
  const references = await readReferences(study);
  const bandsOf = (cell: Cell) => references.get(groupOf(cell))?.get(cell.split) ?? new Map();
  const found = new Map(
    [...references].map(([group, splits]) => {
      const bands = [...splits.values()].flatMap((bandOf) => [...bandOf.values()]);
      return [group, [...new Set(bands)].sort((x, y) => x - y)] as const;
    }),
  );
  const bands = (group: string) => found.get(group) ?? [];
  const cells: Measured[] = [];
  for (const [i, cell] of study.cells.entries())
    if (states[i]?.state === 'done')
      cells.push(await measureCell(study.folder, cell, bandsOf(cell), bands(groupOf(cell))));
  return { cells, bandsOf, bands };
}

/** The bands of each group and split: those of the set that its control trains on. */
async function readReferences({ folder, cells, record }: Study): Promise<Map<string, Map<number, BandOf>>> {
  const references = new Map<string, Map<number, BandOf>>();
  for (const [group, ofGroup] of groupBy(cells, groupOf)) {
    const splits = new Map<number, BandOf>();
    for (const cell of ofGroup) {
      if (cell.arm !== record.analysis.control || splits.has(cell.split)) continue;
      splits.set(cell.split, await readBands(stagedFolder(folder, record.begunIn, cell)));
    }
    references.set(group, splits);
  }
  return references;
}

const stagedFolder = (folder: string, begunIn: string, { set, recipe }: Cell): string =>
  set === null ? resolve(begunIn, String(recipe.data)) : studyPaths(folder).staged(set);

async function measureCell(folder: string, cell: Cell, bandOf: BandOf, bands: readonly number[]): Promise<Measured> {
  const path = studyPaths(folder).run(cell.id);
  const run = await readRunFile(path);
  const kept: RowLoss[][] = [];
  for (let stage = 0; stage <= run.stages.length; stage++) {
    const rows = await readRowLosses(path, stage);
    if (rows) kept.push(rows);
  }
  // Without the losses of rows, those of bands are of the cut of the run's own set.
  const whole = kept.length === run.stages.length + 1;
  return {
    cell,
    trainedTokens: run.stages.reduce((sum, { trainedTokens }) => sum + trainedTokens, 0),
    matrix: whole ? kept.map((rows, after) => lossesOf(after, rows, bandOf, bands)) : matrixOf(run, bands),
    rows: whole ? kept.at(-1) : undefined,
  };
}

/** The matrix of `run.json`; nothing where the last measurement is not there. */
function matrixOf({ matrix, stages }: RunFile, bands: readonly number[]): LossesAfter[] {
  return matrix?.rows.at(-1)?.after === stages.length ? lossesOfMatrix(matrix, bands) : [];
}
