import { usageError } from '../core/errors.js';
import { type Random, random } from '../core/random.js';
import type { InstructionRecord } from '../data/record.js';
import type { PlanOptions } from './options.js';
import type { Order, PlannedStage, StagedSet } from './types.js';

/** Rows that are trained as one stage, before replay and shuffling. */
interface Group {
  readonly rows: readonly InstructionRecord[];
  /** Which rows these are, for people. */
  readonly what: string;
}

/** Each order is a way to regroup the stages. */
const ORDERS: Readonly<Record<Order, (bands: readonly Group[], rng: Random) => Group[]>> = {
  phased: (bands) => [...bands],
  reversed: (bands) => [...bands].reverse(),
  'one-off': (bands) => [{ rows: allRows(bands), what: 'all rows' }],
  random: (bands, rng) => {
    const shuffled = rng.shuffle(allRows(bands));
    let taken = 0;
    return bands.map(({ rows }) => {
      taken += rows.length;
      return { rows: shuffled.slice(taken - rows.length, taken), what: 'random rows' };
    });
  },
};

const allRows = (groups: readonly Group[]): InstructionRecord[] => groups.flatMap(({ rows }) => rows);

/** Number of training stages that an order makes of a set. */
export const plannedStageCount = (set: StagedSet, order: Order): number =>
  order === 'one-off' ? 1 : set.stages.length;

/**
 * Which rows each training stage visits, in the order of its first epoch; pure and decided by the seed. Held-out rows are
 * never among them. `replay` adds rows of the stages trained before (under `reversed` these are the harder ones) as a share
 * of the stage's own rows: each at most once while there are enough of them, then each once more, and so on. The first
 * stage has nothing to replay. Throws a usage error when a list of shares has another length than there are stages.
 */
export function planStages(set: StagedSet, { order, within, replay, seed }: PlanOptions): PlannedStage[] {
  const bands = set.stages.map(({ index, rows }): Group => ({ rows, what: `band ${index}, ${scoreSpan(rows)}` }));
  const groups = ORDERS[order](bands, random(seed, 'plan', 'membership'));
  const shares = typeof replay === 'number' ? groups.map(() => replay) : replay;
  if (shares.length !== groups.length)
    throw usageError(
      `replay: expected one share for each of the ${groups.length} stages of order ${order}, got ${shares.length} (${shares.join(', ')})`,
      { option: 'replay', expected: groups.length, actual: shares.length },
    );
  return groups.map(({ rows, what }, i) => {
    const earlier = allRows(groups.slice(0, i));
    const again = draw(earlier, Math.round(shares[i]! * rows.length), random(seed, 'plan', 'replay', i));
    const visited = random(seed, 'plan', 'within', i).shuffle([...rows, ...again]);
    if (within === 'score') visited.sort((x, y) => (x.score! - y.score!) * (order === 'reversed' ? -1 : 1));
    return {
      index: i + 1,
      label: `stage ${i + 1} of ${groups.length}: ${what}`,
      rowIds: visited.map(({ id }) => id),
      replayed: again.length,
    };
  });
}

/** `n` rows of a pool in random order, each as often as the others or once more. */
function draw(pool: readonly InstructionRecord[], n: number, rng: Random): InstructionRecord[] {
  let drawn: InstructionRecord[] = [];
  while (drawn.length < n && pool.length > 0) drawn = drawn.concat(rng.shuffle(pool).slice(0, n - drawn.length));
  return drawn;
}

function scoreSpan(rows: readonly InstructionRecord[]): string {
  const scores = rows.map(({ score }) => score!).sort((x, y) => x - y);
  return scores[0] === scores.at(-1) ? `score ${scores[0]}` : `score ${scores[0]} to ${scores.at(-1)}`;
}
