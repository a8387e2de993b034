import type { Cell } from '../../cell.js';
import { secondsOfRun } from '../../ended-cell.js';
import { type Study, studyPaths } from '../../study-record.js';
import type { SlurmOptions } from './options.js';

/** Shortest time limit that is worked out, in minutes. */
const LEAST_MINUTES = 15;

/** Time that a cell may take, as a multiple of its forecast. */
const TIME_FACTOR = 1.5;

/**
 * The time limit of cells as `sbatch` takes it; undefined for the partition's, where it is not
 * known for all of them.
 */
export async function timeLimit(
  study: Study,
  cells: readonly Cell[],
  { time = 'auto' }: Pick<SlurmOptions, 'time'> = {},
): Promise<string | undefined> {
  if (time !== 'auto') return String(time);
  const rates = await secondsPerToken(study);
  let longest = 0;
  for (const { forecast, planned, recipe } of cells) {
    const rate = rates.get(recipe.model);
    const seconds = forecast.seconds ?? (rate === undefined ? undefined : rate * planned.tokens);
    if (seconds === undefined) return undefined;
    longest = Math.max(longest, seconds);
  }
  return String(Math.max(LEAST_MINUTES, Math.ceil((TIME_FACTOR * longest) / 60)));
}

/** By model, of the slowest cell of the study that is done. */
async function secondsPerToken({ folder, cells }: Study): Promise<ReadonlyMap<unknown, number>> {
  const rates = new Map<unknown, number>();
  for (const { id, recipe, planned } of cells) {
    const seconds = await secondsOfRun(studyPaths(folder).run(id));
    if (seconds !== undefined)
      rates.set(recipe.model, Math.max(rates.get(recipe.model) ?? 0, seconds / planned.tokens));
  }
  return rates;
}
