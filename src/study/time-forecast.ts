import { readRunFile } from '../train/run-file.js';
import type { MemoryAnswer, SpeedAnswer } from '../workflow/forecast.js';
import type { RunSummary } from '../workflow/plan-runs.js';
import { cellStates } from './cell-states.js';
import type { CellState } from './state.js';
import { type Study, studyPaths } from './study-record.js';

/** How fast cells are, and how that is known. */
export interface KnownSpeed {
  /** Floating-point operations of a run's products per second of all of its time. */
  readonly flopPerSecond: number;
  /** `cells`: of this study; `study`: of another one; `products`: from the speed of this machine, which is rough. */
  readonly basis: 'cells' | 'study' | 'products';
  /** Runs that it is from. */
  readonly from: number;
}

/** What a study will take. */
export interface TimeForecast {
  /** Of the cells that are left, one after another, and as many at once as `parallel`; null where it is not known. */
  readonly secondsAlone: number | null;
  readonly seconds: number | null;
  readonly parallel: number;
  readonly threads: number | null;
  readonly speed: KnownSpeed | null;
}

/**
 * Speed of the recorded step's frozen products, relative to float32 products of 1024 x 1024 on the same processor, by
 * the type of its own: on two cores with AVX512-BF16, where docs/performance.md has the step. Rough on any other machine.
 */
const SHARE = { float32: 0.6, bfloat16: 1.1 };

/** Seconds of a run before its first step: see docs/performance.md, "from start to the end of the first step". */
const START_SECONDS = 10;

/** Seconds of a run at a speed. */
function secondsOf(
  { tokens, measuredTokens, flopPerToken }: Pick<RunSummary, 'tokens' | 'measuredTokens' | 'flopPerToken'>,
  { basis, flopPerSecond }: KnownSpeed,
): number {
  // The time of other runs has all that they do in it.
  if (basis !== 'products') return (tokens * flopPerToken) / flopPerSecond;
  // Forward is half of a step.
  return START_SECONDS + ((tokens + measuredTokens / 2) * flopPerToken) / flopPerSecond;
}

/** Speed of the done cells of a study whose models `flopOf` knows. */
export async function speedOfCells(
  study: Study,
  basis: 'cells' | 'study',
  flopOf: (model: string) => number | undefined,
  states?: readonly CellState[],
): Promise<KnownSpeed | undefined> {
  const known = states ?? (await cellStates(study));
  let [flop, seconds, from] = [0, 0, 0];
  for (const [i, cell] of study.cells.entries()) {
    const perToken = flopOf(String(cell.recipe.model));
    if (known[i]!.state !== 'done' || perToken === undefined) continue;
    const run = await readRunFile(studyPaths(study.folder).run(cell.id));
    if (run.seconds === undefined) continue;
    flop += cell.planned.tokens * perToken;
    seconds += run.seconds;
    from++;
  }
  return seconds > 0 ? { flopPerSecond: flop / seconds, basis, from } : undefined;
}

/**
 * Speed by what this machine's products reach; undefined where that is unknown, or on a card, which
 * it says little of.
 */
export function speedOfProducts(
  { gflops, device }: SpeedAnswer,
  { precision }: Pick<MemoryAnswer, 'precision'>,
  share: number,
): KnownSpeed | undefined {
  if (gflops === undefined || precision === undefined || device === 'cuda') return undefined;
  return { flopPerSecond: 1e9 * gflops * SHARE[precision] * share, basis: 'products', from: 0 };
}

/** Time of runs. */
export function forecastTime(
  runs: readonly Parameters<typeof secondsOf>[0][],
  speed: KnownSpeed | undefined,
  { parallel, threads }: { readonly parallel: number; readonly threads: number | null },
): TimeForecast {
  const at = { parallel, threads, speed: speed ?? null };
  if (!speed) return { secondsAlone: null, seconds: null, ...at };
  const each = runs.map((run) => secondsOf(run, speed));
  // Each next one goes to the place that is free first.
  const places = new Array<number>(parallel).fill(0);
  for (const seconds of each) {
    const first = places.indexOf(Math.min(...places));
    places[first]! += seconds;
  }
  return { secondsAlone: each.reduce((x, y) => x + y, 0), seconds: Math.max(...places), ...at };
}
