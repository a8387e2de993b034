import { join } from 'node:path';
import { fileStamp } from '../../io/files.js';
import { liveHolder } from '../../io/lock-file.js';
import type { Cell } from '../../study/cell.js';
import { cellState, type KnownJobs } from '../../study/cell-states.js';
import type { CellState } from '../../study/state.js';
import { type Study, studyPaths } from '../../study/study-record.js';

/** Reads the states of all cells of a study again and again, each as often as something can have changed. */
export interface CellFollower {
  /** `left`: what Slurm says of jobs that no process follows; undefined where there are none. */
  read(study: Study, left: KnownJobs | undefined): Promise<readonly CellState[]>;
}

interface Known {
  readonly stamp: string;
  readonly state: CellState;
}

/** Follows the states of cells; to find that one is done takes a hash of its adapter, which is made once. */
export function followCells(): CellFollower {
  const known = new Map<number, Known>();
  return {
    async read(study, left) {
      const coordinated = left !== undefined || (await liveHolder(study.folder)) !== undefined;
      const states: CellState[] = [];
      for (const cell of study.cells) {
        const stamp = `${coordinated} ${left?.get(cell.index)?.state} ${await stampOf(study, cell)}`;
        const before = known.get(cell.index);
        // Whether a process lives can change without a file.
        const again = before?.stamp !== stamp || before.state.state === 'running' || before.state.state === 'lost';
        const state = again ? await cellState(study, cell, { known: left, coordinated }) : before.state;
        known.set(cell.index, { stamp, state });
        states.push(state);
      }
      return states;
    },
  };
}

/** What a cell's state is worked out from, in short. */
async function stampOf({ folder }: Study, { id }: Cell): Promise<string> {
  const { run, attempts } = studyPaths(folder);
  const files = [
    attempts(id),
    join(run(id), 'run.json'),
    join(run(id), 'run.lock'),
    join(run(id), 'adapter', 'adapter_model.safetensors'),
  ];
  return (await Promise.all(files.map(fileStamp))).join(' ');
}
