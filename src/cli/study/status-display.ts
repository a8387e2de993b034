import type { StudyStatus } from '../../study/control.js';
import type { CellState } from '../../study/state.js';
import { alignedLines } from '../../telemetry/document.js';
import { formatDuration } from '../../telemetry/format.js';
import type { CommandContext } from '../command.js';
import { countStates } from './progress.js';

/** How a cell stands, in a few words: `running (process 12 on host-a since …)`, `failed (data: …), after 1 attempt`. */
function wordState(state: CellState): string {
  if (state.state === 'running') return `running (process ${state.pid} on ${state.host} since ${state.since})`;
  if (state.state !== 'failed') return state.state;
  const attempts = `${state.attempts} attempt${state.attempts === 1 ? '' : 's'}`;
  return `failed after ${attempts} (${state.failure}): ${state.reason}`;
}

/** Prints the state of every cell, and then how far the study is. */
export function printStatus(status: StudyStatus, { print }: Pick<CommandContext, 'print'>): void {
  const { cells, counts, blocks, coordinator, seconds, secondsLeft } = status;
  for (const line of alignedLines(
    cells.map(({ cell, state }) => [String(cell.index), cell.id, wordState(state)]),
    3,
  ))
    print(line);
  print('');
  print(`cells: ${countStates(counts)}; blocks: ${blocks.complete} of ${blocks.planned} complete`);
  print(
    coordinator
      ? `run by process ${coordinator.pid} on ${coordinator.host} since ${coordinator.since}`
      : 'no process runs this study now',
  );
  const left = counts.done + counts.failed < cells.length;
  if (left)
    print(
      `${formatDuration(seconds)} of training done, ${secondsLeft === null ? 'unknown' : `about ${formatDuration(secondsLeft)}`} left, one cell after another`,
    );
}

/** A study's status as `--json` prints it. */
export const statusJson = ({ cells, record, coordinator, ...rest }: StudyStatus): Record<string, unknown> => ({
  ...rest,
  hash: record.hash,
  coordinator: coordinator ?? null,
  cells: cells.map(({ cell: { index, id, arm, axes, seed, split }, state }) => ({
    index,
    id,
    arm,
    axes,
    seed,
    split,
    ...state,
  })),
});
